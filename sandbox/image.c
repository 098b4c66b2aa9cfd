/* A file system in a file: the bound for a directory where nothing else gives one. Root's alone. */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/process.h"
#include "sandbox/storage.h"

enum { LEAST_SIZE = 8 << 20, ATTEMPTS = 64 };

/* --- mke2fs(8) --- */

static _Noreturn void format(int file, bool journal, pid_t parent)
{
	char path[FD_PATH_SIZE];
	const char *const argv[] = {
		"mke2fs",
		"-q",
		"-F",
		"-t",
		"ext4",
		"-m",
		"0",
		"-i",
		"8192",
		"-E",
		"lazy_itable_init=1,nodiscard",
		"-O",
		journal ? "has_journal" : "^has_journal",
		fd_path(file, path),
		NULL,
	};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	process_reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || null < 0)
		_exit(126);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
	    fd_set_cloexec(file, false) < 0)
		_exit(126);
	(void)execv("/usr/sbin/mke2fs", (char *const *)(uintptr_t)argv);
	(void)execv("/sbin/mke2fs", (char *const *)(uintptr_t)argv);
	_exit(errno == ENOENT ? 127 : 126);
}

int image_format(int file, uint64_t size, bool journal, struct error *err)
{
	const pid_t parent = getpid();
	int status = 0;

	if (size < LEAST_SIZE)
		return error_set(err, EINVAL, "too small for a file system (8M)");
	if (ftruncate(file, (off_t)size) < 0)
		return error_errno(err, "a file of this size");

	pid_t pid = fork();

	if (pid < 0)
		return error_errno(err, "start mke2fs");
	if (pid == 0)
		format(file, journal, parent);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "wait for mke2fs");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(err, ENOENT, "mke2fs is not there (Debian's package e2fsprogs)");
	return status ? error_set(err, EIO, "mke2fs failed (%d)", process_exit_code(status)) : 0;
}

/* --- The loop device --- */

/* A free one may be taken by somebody else before it is ours. It goes with its last user. */
static int attach_free(int control, int file, char ret_name[static 32], struct error *err)
{
	struct loop_config config = {.fd = (uint32_t)file,
	                             .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};

	for (int i = 0; i < ATTEMPTS; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);

		if (number < 0)
			return error_errno(err, "free loop device");
		(void)snprintf(ret_name, 32, "/dev/loop%d", number);

		scoped_fd device = open(ret_name, O_RDWR | O_CLOEXEC);

		if (device < 0)
			return error_errno(err, "open %s", ret_name);
		if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
			return fd_take(&device);
		if (errno != EBUSY)
			return error_errno(err, "%s", ret_name);
	}
	return error_set(err, EBUSY, "all loop devices are in use");
}

static int attach(int file, char ret_name[static 32], struct error *err)
{
	scoped_fd control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return error_errno(err, "loop devices: open /dev/loop-control");
	return attach_free(control, file, ret_name, err);
}

/* What is freed in it is the host's again; its tables stay as empty as they are. */
static int mount_device(const char *name, struct error *err)
{
	scoped_fd context = fsopen("ext4", FSOPEN_CLOEXEC);

	if (context < 0)
		return error_errno(err, "fsopen ext4");
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", name, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_FLAG, "noinit_itable", NULL, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_FLAG, "discard", NULL, 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, "ext4 on %s", name);

	int mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	return mount < 0 ? error_errno(err, "mount %s", name) : mount;
}

int image_mount(const struct scratch *scratch, int file, const char *name, struct error *err)
{
	static const struct stat like = {.st_mode = 0711};
	char device_name[32];
	scoped_fd device = attach(file, device_name, err);

	if (device < 0)
		return device;

	scoped_fd mount = mount_device(device_name, err);

	if (mount < 0)
		return mount;

	int r = scratch_directory(scratch, scratch->fd, name, &like, err);

	if (r < 0)
		return r;
	if (move_mount(mount, "", scratch->fd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount %s", device_name);

	int fd = openat(scratch->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "open %s", device_name) : fd;
}
