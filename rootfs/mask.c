/* The host's half of masked and read-only paths. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mount_api.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"

static bool is_listed(const char *const *paths, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(paths[i], path))
			return true;
	return false;
}

/* Each path once, though engines name some twice. */
static int copy_paths(struct rootfs_plan *plan, const struct string_list *list, const char ***ret,
                      size_t *ret_count, struct error *err)
{
	const char **paths = arena_alloc(&plan->arena, list->count + 1, sizeof(*paths));
	size_t count = 0;

	if (!paths)
		return error_code(err, ENOMEM, "prepare the masked paths");
	for (size_t i = 0; i < list->count; i++) {
		char *path = arena_strdup(&plan->arena, list->items[i]);

		if (!path)
			return error_code(err, ENOMEM, "prepare the masked paths");
		path_clean(path);
		if (!is_listed(paths, count, path))
			paths[count++] = path;
	}
	*ret = paths;
	*ret_count = count;
	return 0;
}

/*
 * Where init makes the nodes of /dev in a new tmpfs, its own "null" serves for the masks too: one
 * system call less than the host's, and nothing of the host's /dev in the container.
 */
static bool makes_null(const struct rootfs_plan *plan)
{
	bool dev = false;

	for (size_t i = 0; i < plan->mount_count; i++)
		if (plan->mounts[i].is_dev)
			dev = plan->mounts[i].kind == MOUNT_NEW &&
			      plan->mounts[i].content == PLACE_EMPTY;
	for (size_t i = 0; dev && i < plan->device_count; i++) {
		const struct device_step *d = &plan->devices[i];

		if (!strcmp(d->path, "dev/null"))
			return !d->bind && S_ISCHR(d->mode) && d->device == makedev(1, 3);
	}
	return false;
}

int masks_prepare(struct rootfs_plan *plan, const struct spec_linux *spec, struct error *err)
{
	int r = copy_paths(plan, &spec->masked_paths, &plan->masked, &plan->masked_count, err);

	if (!r)
		r = copy_paths(plan, &spec->readonly_paths, &plan->readonly, &plan->readonly_count,
		               err);
	if (r || !plan->masked_count)
		return r;
	plan->null_is_own = makes_null(plan);
	if (plan->null_is_own)
		return 0;
	plan->null_tree = mask_null_open(err);
	if (plan->null_tree >= 0)
		return 0;
	if (plan->null_tree != -EPERM || !plan->user_namespace)
		return error_wrap(err, "masked paths");
	plan->clone_in_child = true;
	plan->null_tree = -1;
	return 0;
}
