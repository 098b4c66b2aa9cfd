/* The last steps: what is hidden is hidden, and the root becomes the root. Child side. */
#include <fcntl.h>
#include <unistd.h>

#include "base/mount_api.h"
#include "base/sys.h"
#include "rootfs/plan.h"

/*
 * The new root is the current directory; pivot_root(2) puts the old one on top of it, from where it is
 * detached. The current directory stays the new root.
 */
static int pivot(int root, struct error *err)
{
	if (fchdir(root))
		return error_errno(err, "enter the root");
	if (sys_pivot_root(".", "."))
		return error_errno(err, "pivot_root");
	if (umount2(".", MNT_DETACH))
		return error_errno(err, "detach the old root");
	return 0;
}

/*
 * Where the host's root is an initramfs, which pivot_root(2) refuses: the root mount is moved onto
 * "/". The host's own /proc and /sys would stay reachable below it for the kernel's question whether
 * the container may mount new ones: they are detached first.
 */
static int move_and_chroot(int root, struct error *err)
{
	(void)umount2("/proc", MNT_DETACH);
	(void)umount2("/sys", MNT_DETACH);
	if (fchdir(root))
		return error_errno(err, "enter the root");
	if (move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH))
		return error_errno(err, "move the root");
	if (chroot("."))
		return error_errno(err, "chroot");
	return 0;
}

/* Without a mount namespace of its own the container only gets another root directory. */
static int enter_root_only(int root, struct error *err)
{
	if (fchdir(root))
		return error_errno(err, "enter the root");
	return chroot(".") ? error_errno(err, "chroot") : 0;
}

/* After the pivot, which refuses a shared mount. */
static int finish_root(const struct rootfs_plan *plan, struct error *err)
{
	struct mount_attributes own = {0};
	uint64_t propagation = plan->root_propagation;
	int r = 0;

	if (plan->root_readonly)
		own = (struct mount_attributes){MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY};
	if (plan->root_propagation_recursive) {
		r = enter_mount_setattr(plan->root, AT_RECURSIVE, &(struct mount_attributes){0},
		                        propagation, err);
		propagation = 0;
	}
	if (!r)
		r = enter_mount_setattr(plan->root, 0, &own, propagation, err);
	return r ? error_wrap(err, "finish the root") : 0;
}

int rootfs_enter_pivot(struct rootfs_plan *plan, struct error *err)
{
	int r;

	if (!plan->new_mount_namespace)
		return enter_root_only(plan->root, err);
	r = masks_enter(plan, err);
	if (!r)
		r = plan->no_pivot ? move_and_chroot(plan->root, err) : pivot(plan->root, err);
	return r ? r : finish_root(plan, err);
}
