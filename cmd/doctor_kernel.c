/* Features of the kernel: each is tried, in a way that leaves nothing behind. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mount_api.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "cmd/doctor.h"
#include "namespaces/user.h"

static const char area[] = "Kernel";

/* 0, or −errno. `value` is what is worth saying beside that ("" at first). */
typedef int probe_function(char *value, size_t size);

/* Calls the function in a child, which may change what it likes of itself. */
static int in_child(int (*function)(int), int argument)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(function(argument) < 0 ? errno : 0);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int probe_openat2(char *value unused_parameter, size_t size unused_parameter)
{
	scoped_fd fd = sys_openat2(AT_FDCWD, "/", O_PATH | O_CLOEXEC, 0,
	                           RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);

	return fd < 0 ? -errno : 0;
}

static int probe_open_tree(char *value unused_parameter, size_t size unused_parameter)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
	scoped_fd fd = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0)
		return -errno;
	return mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0 ? -errno
	                                                                                 : 0;
}

/* A file system of its own that is not attached anywhere; −1 and errno. */
static int detached_tmpfs(void)
{
	scoped_fd context = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC, 0);
}

static int probe_fsopen(char *value unused_parameter, size_t size unused_parameter)
{
	scoped_fd mount = detached_tmpfs();

	return mount < 0 ? -errno : 0;
}

/* A child in a new user namespace that does nothing until it is killed, or we die. */
static pid_t wait_in_user_namespace(void)
{
	const struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	return pid;
}

static int map_ids_of_mount(pid_t pid)
{
	struct spec_id_mapping one = {.size = 1};
	const struct spec_id_mappings maps = {.items = &one, .count = 1};
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP};
	scoped_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_fd mount = detached_tmpfs();
	struct error ignored;
	char path[32];

	if (proc < 0 || mount < 0)
		return -errno;

	int r = user_write_maps(proc, pid, &maps, &maps, &ignored);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%d/ns/user", (int)pid);

	scoped_fd namespace = openat(proc, path, O_RDONLY | O_CLOEXEC);

	if (namespace < 0)
		return -errno;
	attributes.userns_fd = (unsigned int)namespace;
	return mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0 ? -errno
	                                                                                    : 0;
}

static int probe_idmap(char *value unused_parameter, size_t size unused_parameter)
{
	pid_t pid = wait_in_user_namespace();

	if (pid < 0)
		return -errno;

	int r = map_ids_of_mount(pid);

	(void)kill(pid, SIGKILL); /* our own child, not reaped yet: the number is still its */
	(void)waitpid(pid, NULL, 0);
	return r;
}

static int probe_pidfd(char *value unused_parameter, size_t size unused_parameter)
{
	scoped_fd fd = pidfd_open(getpid(), 0);

	return fd < 0 || pidfd_send_signal(fd, 0, NULL, 0) < 0 ? -errno : 0;
}

static int probe_user_namespace(char *value unused_parameter, size_t size unused_parameter)
{
	return in_child(unshare, CLONE_NEWUSER);
}

static int probe_namespaces(char *value unused_parameter, size_t size unused_parameter)
{
	static const int flags[] = {CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWNS,
	                            CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		/* A user makes them inside a user namespace of his own. */
		int r = in_child(unshare, flags[i] | (geteuid() ? CLONE_NEWUSER : 0));

		if (r < 0)
			return r;
	}
	return 0;
}

static int probe_time_namespace(char *value unused_parameter, size_t size unused_parameter)
{
	return in_child(unshare, CLONE_NEWTIME | (geteuid() ? CLONE_NEWUSER : 0));
}

static int probe_seccomp_notify(char *value unused_parameter, size_t size unused_parameter)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	return sys_seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

static int probe_landlock(char *value, size_t size)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 0)
		return -errno;
	(void)snprintf(value, size, "ABI %ld", abi);
	return 0;
}

static int probe_overlay(char *value unused_parameter, size_t size unused_parameter)
{
	scoped_fd fd = fsopen("overlay", FSOPEN_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

static int probe_userfaultfd(char *value unused_parameter, size_t size unused_parameter)
{
	scoped_fd fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

/* A page that was just written has bit 55 of its entry set (the kernel's pagemap document). */
static int probe_soft_dirty(char *value unused_parameter, size_t size unused_parameter)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	scoped_fd pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (pagemap < 0)
		return -errno;

	volatile char *memory =
		mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*memory = 1;

	off_t offset = (off_t)((uintptr_t)memory / page * sizeof(entry));
	ssize_t count = pread(pagemap, &entry, sizeof(entry), offset);

	(void)munmap((void *)(uintptr_t)memory, page);
	if (count != sizeof(entry))
		return -EIO;
	return entry >> 55 & 1 ? 0 : -EOPNOTSUPP;
}

static const struct {
	const char *name;
	probe_function *probe;
	bool rights; /* to be tried in namespaces of the user's own */
	enum check_status without;
	const char *advice;
} features[] = {
	{"openat2", probe_openat2, false, CHECK_FATAL,
         "Paths inside a container cannot be looked up safely. Linux 5.6 or later is needed."},
	{"detached mounts", probe_open_tree, true, CHECK_FATAL,
         "open_tree(2) and mount_setattr(2) are needed to make the container's mounts. Linux 5.12 "
         "or later is needed, and the right to mount."},
	{"new mount API", probe_fsopen, true, CHECK_FATAL,
         "fsopen(2) and fsmount(2) are needed to make the container's mounts. Linux 5.2 or later "
         "is "
         "needed, and the right to mount."},
	{"id-mapped mounts", probe_idmap, true, CHECK_NOTE,
         "The mount option idmap, which engines use for volumes of containers with a user "
         "namespace, "
         "is refused. Linux 6.3 or later has it for tmpfs too, and it needs root."},
	{"pidfd", probe_pidfd, false, CHECK_FATAL,
         "Processes cannot be referred to safely. Linux 5.3 or later is needed."},
	{"namespaces", probe_namespaces, false, CHECK_FATAL,
         "pid, network, mount, ipc, uts or cgroup namespaces cannot be made. Run as root, or allow "
         "user namespaces (below)."},
	{"user namespaces", probe_user_namespace, false, CHECK_MISSING,
         "Containers with a user namespace, and containers of users who are not root, will not "
         "run. "
         "See /proc/sys/user/max_user_namespaces and the policies below."},
	{"time namespaces", probe_time_namespace, false, CHECK_MISSING,
         "Configurations with a time namespace are refused. Linux 5.6 with CONFIG_TIME_NS is "
         "needed."},
	{"seccomp notify", probe_seccomp_notify, false, CHECK_MISSING,
         "Profiles with SCMP_ACT_NOTIFY are refused. Linux 5.0 with CONFIG_SECCOMP_FILTER is "
         "needed."},
	{"Landlock", probe_landlock, false, CHECK_NOTE,
         "No rules on files without privileges. Build the kernel with CONFIG_SECURITY_LANDLOCK and "
         "name landlock in its lsm= parameter."},
	{"overlay", probe_overlay, true, CHECK_NOTE,
         "Engines then copy whole images instead of stacking layers. Load the module overlay."},
	{"userfaultfd", probe_userfaultfd, false, CHECK_NOTE,
         "A checkpoint cannot be restored lazily. Build the kernel with CONFIG_USERFAULTFD, and be "
         "root or set vm.unprivileged_userfaultfd."},
	{"soft-dirty", probe_soft_dirty, false, CHECK_NOTE,
         "Changed memory cannot be told from unchanged, so checkpoints cannot be incremental. "
         "Build "
         "the kernel with CONFIG_MEM_SOFT_DIRTY (x86-64, s390, ppc64)."},
};

/* Who may not mount may do so in namespaces of his own: that is where his containers will be. */
static int probe_with_rights(int index)
{
	char unused[64];

	if (geteuid() != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;

	int r = features[index].probe(unused, sizeof(unused));

	errno = -r;
	return r;
}

void doctor_kernel(struct report *report)
{
	struct utsname names = {0};

	(void)uname(&names);
	report_add(report, area, "version", CHECK_OK, NULL, "%s %s", names.release, names.machine);
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		char value[64] = "";
		int r = features[i].rights ? in_child(probe_with_rights, (int)i)
		                           : features[i].probe(value, sizeof(value));

		report_add(report, area, features[i].name, r < 0 ? features[i].without : CHECK_OK,
		           features[i].advice, "%s",
		           r < 0      ? error_describe(-r)
		           : value[0] ? value
		                      : "works");
	}
}
