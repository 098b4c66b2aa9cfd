#include <errno.h>

#include "base/log.h"
#include "base/str.h"
#include "cgroups/resctrl.h"
#include "runtime/container.h"
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
	r = update_class(&container, rdt, &arena, &class, err);
	if (r == 0)
		r = cgroup_update(group, resources, err);
	if (r == 0)
		return store_commit_config(container.entry.fd, err);
	undo_class(&class);
	store_drop_config(container.entry.fd);
	return r;
}
