#include <errno.h>

#include "base/str.h"
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

int container_update(struct store *store, const char *id, const struct spec_resources *resources,
                     struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	scoped_cgroup group = NULL;
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
	r = cgroup_update(group, resources, err);
	if (r == 0)
		return store_commit_config(container.entry.fd, err);
	store_drop_config(container.entry.fd);
	return r;
}
