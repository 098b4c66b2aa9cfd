#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroups/resctrl.h"
#include "runtime/container.h"
#include "runtime/journal.h"
#include "spec/encode.h"

/* The configuration as it will be, written beside the one that is. */
static int prepare_config(const struct container *container, const struct spec_resources *changes,
                          struct error *err)
{
	scoped_spec spec = NULL;
	scoped_str text = NULL;
	size_t size = 0;
	int r = container_spec(container, &spec, err);

	if (r < 0)
		return r;

	struct spec_resources merged = spec->linux.resources;

	r = spec_merge_resources(&spec->arena, &merged, changes, err);
	if (r == 0)
		r = spec_with_resources(spec, &merged, &text, &size, err);
	return r < 0 ? r : store_prepare_config(container->entry.fd, text, size, err);
}

struct class_update {
	struct resctrl resctrl;
	const char *before; /* null: nothing was changed */
};

static int update_class(const struct container *container, const struct spec_intel_rdt *rdt,
                        struct arena *arena, struct class_update *ret, struct error *err)
{
	scoped_spec spec = NULL;

	if (!rdt)
		return 0;
	if (!container->record.intel_rdt)
		return error_set(
			err, ENOTSUP,
			"linux.intelRdt: the container was created without it, so that it has "
			"no class of service to change");

	int r = container_spec(container, &spec, err);

	if (r == 0)
		r = resctrl_find(&spec->linux.intel_rdt, container->record.id, arena, &ret->resctrl,
		                 err);
	return r < 0 ? r : resctrl_update(&ret->resctrl, rdt, arena, &ret->before, err);
}

static void undo_class(const struct class_update *class)
{
	struct error why;

	if (class->before && resctrl_write_back(&class->resctrl, class->before, &why) < 0)
		log_write(LOG_LEVEL_WARNING, "cannot be set back: %s", why.text);
}

/* --- Groups in cgroup v1 that the container did not have --- */

static int note_legacy(void *context, const char *legacy, struct error *err)
{
	const struct container *container = context;
	scoped_fd journal =
		openat(container->entry.fd, JOURNAL_NAME, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (journal < 0)
		return error_errno(err, "open the journal");
	return journal_add_legacy(journal, legacy, err);
}

static void allow_legacy(const struct container *container, struct arena *arena,
                         struct cgroup *group)
{
	struct journal journal = {0};
	struct error damage;

	if (cgroup_locate(group)->legacy)
		return;
	if (journal_read(container->entry.fd, arena, &journal, &damage) < 0)
		journal.cgroup_legacy = NULL;
	cgroup_allow_legacy(group, journal.cgroup_legacy, note_legacy,
	                    (void *)(uintptr_t)container);
}

/* So that what exec starts enters them too. */
static int record_legacy(struct container *container, const struct cgroup *group, struct error *err)
{
	const char *legacy = cgroup_locate(group)->legacy;

	if (!legacy || container->record.cgroup_legacy)
		return 0;
	container->record.cgroup_legacy = (char *)(uintptr_t)legacy; /* only read */
	return store_write_record(container->entry.fd, &container->record, err);
}

int container_update(struct store *store, const char *id, const struct spec_resources *resources,
                     const struct spec_intel_rdt *rdt, struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	scoped_cgroup group = NULL;
	scoped_arena arena = {0};
	struct class_update class = {.before = NULL};
	int r = container_open(store, id, VERB_UPDATE, &container, err);

	if (r < 0)
		return r;
	r = container_cgroup(&container, &group, err);
	if (r == -ENOENT)
		return error_set(err, ENOTSUP, "the container has no cgroup of its own");
	if (r == 0)
		r = prepare_config(&container, resources, err);
	if (r < 0)
		return r;
	allow_legacy(&container, &arena, group);
	r = update_class(&container, rdt, &arena, &class, err);
	if (r == 0)
		r = cgroup_update(group, resources, err);
	if (r == 0)
		r = record_legacy(&container, group, err);
	if (r == 0)
		return store_commit_config(container.entry.fd, err);
	undo_class(&class);
	store_drop_config(container.entry.fd);
	return r;
}
