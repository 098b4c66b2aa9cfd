/* Hooks of the host, in a group of their own. */
#include "runtime/hooks.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cgroups/beside.h"
#include "runtime/store.h"

enum { END_TIMEOUT_MS = 10000 };

/* No container's group has a name with a colon in it; roots that share an id differ in their number. */
static int name_group(struct store *store, const char *id, char ret[static NAME_MAX + 1])
{
	int size =
		snprintf(ret, NAME_MAX + 1, "lvm-run-%s:hooks-%" PRIx64, id, store_number(store));

	return size <= NAME_MAX ? 0 : -ENAMETOOLONG;
}

static int end_all(struct cgroup *group, struct error *err)
{
	int r = cgroup_kill(group, err);

	return r < 0 ? r : cgroup_wait_empty(group, END_TIMEOUT_MS, err);
}

int hooks_end(struct store *store, const char *id, bool interrupt, struct error *err)
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
	return r < 0 ? r : cgroup_destroy(group, err);
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
