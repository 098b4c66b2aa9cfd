#include <errno.h>

#include "runtime/container.h"

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
	return r < 0 ? r : cgroup_update(group, resources, err);
}
