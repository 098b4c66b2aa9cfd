/*
 * A terminal of the container's own devpts, shown as /dev/console. No path of the host and no name in
 * /dev/pts is used. Child side.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/sys.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"
#include "rootfs/pty.h"

/* An empty file to mount on; what an image or a bound /dev has there must be a plain file or a device. */
static int check_console(int dev, struct error *err)
{
	scoped_fd fd = -1;
	struct stat st;

	if (!mknodat(dev, "console", S_IFREG | 0600, 0))
		return 0;
	if (errno != EEXIST)
		return error_errno(err, "make /dev/console");
	fd = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return error_errno(err, "open /dev/console");
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return error_set(err, EEXIST,
		                 "/dev/console exists and is neither a file nor a device");
	return 0;
}

static int show_console(struct rootfs_plan *plan, int slave, struct error *err)
{
	scoped_fd dev = place_open_dev(plan, err);
	scoped_fd tree = -1;
	int r;

	if (dev < 0)
		return dev;
	r = check_console(dev, err);
	if (r)
		return r;
	tree = open_tree(slave, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return error_errno(err, "clone the terminal");
	if (move_mount(tree, "", dev, "console", MOVE_MOUNT_F_EMPTY_PATH))
		return error_errno(err, "attach /dev/console");
	return 0;
}

static int open_pty(const struct rootfs_plan *plan, uid_t uid, gid_t gid, int *ret_master,
                    int *ret_slave, struct error *err)
{
	scoped_fd devpts = path_try_open(plan->places[0].fd, "dev/pts", O_PATH | O_DIRECTORY,
	                                 RESOLVE_NO_SYMLINKS);

	if (devpts < 0)
		return error_code(err, -devpts, "open /dev/pts");
	return pty_enter_open(devpts, uid, gid, ret_master, ret_slave, err);
}

int rootfs_enter_console(struct rootfs_plan *plan, uid_t uid, gid_t gid, int *ret_master,
                         int *ret_slave, struct error *err)
{
	scoped_fd master = -1, slave = -1;
	int r;

	if (!plan->new_mount_namespace)
		return error_set(err, EINVAL,
		                 "console: a terminal needs a mount namespace of its own");
	r = open_pty(plan, uid, gid, &master, &slave, err);
	if (!r)
		r = show_console(plan, slave, err);
	if (r)
		return error_wrap(err, "console");
	*ret_master = fd_take(&master);
	*ret_slave = fd_take(&slave);
	return 0;
}
