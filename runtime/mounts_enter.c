/* The child of `mounts add` and `mounts remove`: joins the container's namespaces, mounts, and ends. */
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/fd.h"
#include "namespaces/user.h"
#include "runtime/init.h"
#include "runtime/mounts.h"
#include "runtime/sync.h"

/*
 * Who has no rights over the host's mounts has them over a copy that belongs to the container's user
 * namespace. The sources are opened there, detached, and carried on.
 */
static int open_sources(const struct mounts_plan *plan, struct error *err)
{
	if (setns(plan->init_pidfd, CLONE_NEWUSER) < 0)
		return error_errno(err, "setns");
	if (user_enter_root(plan->proc_fd, false, err) < 0)
		return -err->code;
	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, "copy the mounts of the host");
	return rootfs_enter_sources(plan->rootfs, err);
}

static int join(const struct mounts_plan *plan, struct error *err)
{
	bool sources = plan->rootfs && rootfs_wants_sources(plan->rootfs);
	int flags = plan->namespace_flags & (sources ? ~CLONE_NEWUSER : ~0);

	if (sources && open_sources(plan, err) < 0)
		return -err->code;
	if (setns(plan->init_pidfd, flags) < 0)
		return error_errno(err, "setns");
	if (flags & CLONE_NEWUSER && user_enter_root(plan->proc_fd, false, err) < 0)
		return -err->code;
	if (plan->root_fd >= 0 && (fchdir(plan->root_fd) < 0 || chroot(".") < 0))
		return error_errno(err, "chroot");
	return 0;
}

_Noreturn void mounts_enter_container(struct mounts_plan *plan)
{
	struct error err = {0};
	int r = init_enter_signals(&err);

	if (r == 0)
		r = join(plan, &err);
	if (r == 0 && plan->rootfs)
		r = rootfs_enter_live(plan->rootfs, &err);
	if (r == 0 && plan->removals.count > 0)
		r = rootfs_enter_unmount(&plan->removals, plan->proc_fd, &err);
	if (r == 0)
		r = sync_send_step(plan->sync_fds[1], SYNC_CREATED, &err);
	else
		sync_send_failure(plan->sync_fds[1], &err);
	_exit(r < 0);
}
