/* The child's first half: its own copy of the host's mounts, the root, everything in it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "rootfs/path.h"
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

/* A working directory that is missing is made on first use, which a read-only root would refuse. */
static int make_working_directory(struct rootfs_plan *plan, struct error *err)
{
	scoped_fd fd = -1;

	if (!plan->cwd)
		return 0;
	fd = path_try_open(plan->root, plan->cwd, O_PATH, 0);
	if (fd != -ENOENT)
		return 0;
	fd = path_open_made_dir(plan->root, plan->cwd, 0755, err);
	return fd < 0 ? error_wrap(err, "make working directory \"%s\"", plan->cwd) : 0;
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
	if (!r)
		r = make_working_directory(plan, err);
	umask(mask);
	return r;
}
