/* Hooks of the host, in a group of their own. */
#include "runtime/hooks.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cgroups/beside.h"
#include "runtime/store.h"

enum { END_TIMEOUT_MS = 30000 };

/* No container's group has a name with a colon in it; roots that share an id differ in their number. */
#define GROUP_PREFIX "lvm-run-"
enum { SUFFIX_SIZE = 32 };

static void name_suffix(const struct store *store, char ret[static SUFFIX_SIZE])
{
	(void)snprintf(ret, SUFFIX_SIZE, ":hooks-%" PRIx64, store_number(store));
}

static int name_group(const struct store *store, const char *id, char ret[static NAME_MAX + 1])
{
	char suffix[SUFFIX_SIZE];

	name_suffix(store, suffix);
	return snprintf(ret, NAME_MAX + 1, GROUP_PREFIX "%s%s", id, suffix) <= NAME_MAX
	               ? 0
	               : -ENAMETOOLONG;
}

static int end_all(struct cgroup *group, struct error *err)
{
	int r = cgroup_kill(group, err);

	return r < 0 ? r : cgroup_wait_empty(group, END_TIMEOUT_MS, err);
}

/* 1: there was one that nobody used. */
static int end_group(struct store *store, const char *id, bool interrupt, struct error *err)
{
	char name[NAME_MAX + 1];
	scoped_cgroup group = NULL;
	int r = name_group(store, id, name);

	/* Without a v2 hierarchy there is no such group either. */
	if (r == 0)
		r = beside_find(name, &group, err);
	if (r == -ENAMETOOLONG || r == -ENODEV || r == -ENOENT)
		return 0;
	if (r < 0)
		return r;

	bool orphaned = beside_lock(group);

	if (!orphaned)
		return interrupt ? cgroup_kill(group, err) : 0;
	r = end_all(group, err);
	if (r == 0)
		r = cgroup_destroy(group, err);
	return r < 0 ? r : 1;
}

int hooks_end(struct store *store, const char *id, bool interrupt, struct error *err)
{
	int r = end_group(store, id, interrupt, err);

	return r < 0 ? r : 0;
}

int hooks_sweep(struct store *store, hooks_report *report, void *context, struct error *err)
{
	scoped_strbuf names = {0};
	char suffix[SUFFIX_SIZE];
	int result = 0;

	name_suffix(store, suffix);
	if (beside_list(GROUP_PREFIX, suffix, &names, err) < 0)
		return err->code == ENODEV ? 0 : -err->code;
	for (size_t at = 0, size; at < names.length; at += size) {
		char *id = names.data + at + strlen(GROUP_PREFIX);
		struct error failure;

		size = strlen(names.data + at) + 1;
		names.data[at + size - 1 - strlen(suffix)] = '\0';

		int r = end_group(store, id, false, &failure);

		if (r > 0)
			report(id, "what a hook left running", context);
		if (r < 0 && result == 0) {
			result = r;
			*err = failure;
		}
	}
	return result;
}

/* Hooks run without a group as well; only what they leave behind cannot be found. */
static void make_group(struct hook_group *group)
{
	const struct hooks_owner *owner = group->owner;
	char name[NAME_MAX + 1];
	struct error err;

	group->fd = -1;
	if (owner->without_group || name_group(owner->store, owner->id, name) < 0)
		return;

	int r = beside_make(name, &group->cgroup, &err);

	if (r == -EEXIST && hooks_end(owner->store, owner->id, false, &err) == 0)
		r = beside_make(name, &group->cgroup, &err);
	if (r < 0)
		log_write(LOG_LEVEL_DEBUG, "no cgroup for the hooks: %s", err.text);
	else
		group->fd = cgroup_dirfd(group->cgroup);
}

static void remove_group(struct hook_group *group)
{
	struct error err;

	if (group->cgroup && !group->left && cgroup_destroy(group->cgroup, &err) < 0)
		log_write(LOG_LEVEL_WARNING, "%s", err.text);
	cgroup_free(&group->cgroup);
	group->fd = -1;
}

/*
 * Once cgroup.kill was written to a group, the kernel kills what is cloned into it later as well (it
 * compares the count of kills with that of the parent's group): the next hook gets a new one.
 */
static void settle(struct hook_group *group, bool well)
{
	struct error err;
	int r = 0;

	if (!group->cgroup)
		return;
	r = well ? beside_release(group->cgroup, &err) : end_all(group->cgroup, &err);
	if (r < 0) {
		group->left = true;
		log_write(LOG_LEVEL_WARNING, "what a hook left running: %s", err.text);
	} else if (!well) {
		remove_group(group);
		make_group(group);
	}
}

int hooks_run_on_host(const struct hooks_owner *owner, const struct spec *spec,
                      enum spec_hook_kind kind, const char *state, struct error *err)
{
	struct hook_group group = {.owner = owner, .fd = -1, .settle = settle};

	if (spec->hooks[kind].count == 0)
		return 0;
	make_group(&group);

	int r = hooks_run(spec, kind, state, strlen(state), &group, err);

	remove_group(&group);
	return r;
}
