#include "rootfs/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "rootfs/path.h"
#include "rootfs/rootfs.h"

enum { PTMX_MAJOR = 5, PTMX_MINOR = 2 };

/* What an image or a mount put at that name must not be opened as a device of ours. */
static int open_ptmx(int devpts_fd, struct error *err)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(devpts_fd, &fs) < 0)
		return error_errno(err, "/dev/pts");
	if (fs.f_type != DEVPTS_SUPER_MAGIC)
		return error_set(err, ENODEV, "/dev/pts: not a devpts file system");

	scoped_fd fd = sys_openat2(devpts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
	                           RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH);

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "/dev/pts/ptmx");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(PTMX_MAJOR, PTMX_MINOR))
		return error_set(err, ENODEV, "/dev/pts/ptmx: not the terminal multiplexer");
	return fd_take(&fd);
}

static int set_up_slave(int slave, uid_t uid, gid_t gid, struct error *err)
{
	struct termios mode;

	if (tcgetattr(slave, &mode) < 0)
		return error_errno(err, "terminal mode");
	mode.c_oflag &= ~(tcflag_t)ONLCR;
	if (tcsetattr(slave, TCSANOW, &mode) < 0)
		return error_errno(err, "terminal mode");
	/* An id that is not mapped in a user namespace leaves the owner as it is. */
	if (fchown(slave, uid, gid) < 0 && errno != EINVAL && errno != EPERM)
		return error_errno(err, "owner of the terminal");
	if (fchmod(slave, 0620) < 0 && errno != EPERM)
		return error_errno(err, "mode of the terminal");
	return 0;
}

int pty_enter_open(int devpts_fd, uid_t uid, gid_t gid, int *ret_master, int *ret_slave,
                   struct error *err)
{
	int unlocked = 0;
	scoped_fd master = open_ptmx(devpts_fd, err);

	if (master < 0)
		return master;
	if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
		return error_errno(err, "unlock terminal");

	scoped_fd slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (slave < 0)
		return error_errno(err, "open terminal");

	int r = set_up_slave(slave, uid, gid, err);

	if (r < 0)
		return r;
	*ret_master = fd_take(&master);
	*ret_slave = fd_take(&slave);
	return 0;
}

int rootfs_enter_pty(uid_t uid, gid_t gid, int *ret_master, int *ret_slave, struct error *err)
{
	scoped_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_errno(err, "open root");

	scoped_fd devpts = path_open(root, "dev/pts", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, err);

	return devpts < 0 ? devpts : pty_enter_open(devpts, uid, gid, ret_master, ret_slave, err);
}
