/* The child's first half: its own copy of the host's mounts, the root, everything in it. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/mount_api.h"
#include "rootfs/plan.h"

/*
 * The copy that the new namespace began with must not send what happens in it to the host. Then the
 * root is attached where the host has it: the hooks look for it there.
 */
static int attach_root(struct rootfs_plan *plan, struct error *err)
{
	static const struct mount_attributes none;
	struct mount_attr own = {.propagation = plan->own_propagation};
	int r;

	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &own, sizeof(own)))
		return error_errno(err, "make the mounts private");
	if (plan->root < 0 && plan->layers) {
		plan->root = layer_enter_mount(plan->layers, err);
		if (plan->root < 0)
			return plan->root;
	} else if (plan->root < 0) {
		plan->root = open_tree(AT_FDCWD, plan->path,
		                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
		if (plan->root < 0)
			return error_errno(err, "root.path \"%s\"", plan->path);
		r = enter_mount_setattr(plan->root, AT_RECURSIVE, &none, MS_PRIVATE, err);
		if (r)
			return r;
	}
	if (move_mount(plan->root, "", AT_FDCWD, plan->path,
	               MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS))
		return error_errno(err, "attach the root at %s", plan->path);
	place_add(plan, "", plan->root, PLACE_FOREIGN);
	return 0;
}

int rootfs_enter_mounts(struct rootfs_plan *plan, struct error *err)
{
	mode_t mask;
	int r;

	if (!plan->new_mount_namespace)
		return 0;
	r = attach_root(plan, err);
	if (r)
		return r;
	mask = umask(0);
	r = mounts_enter(plan, err);
	umask(mask);
	return r;
}
