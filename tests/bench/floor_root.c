#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define QUIET_DIR (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

struct option {
	const char *key;
	const char *value;
};

struct filesystem {
	const char *type;
	const char *source;
	const char *target;
	unsigned int attributes;
	struct option options[3];
};

static const struct filesystem proc = {"proc", "proc", "proc", 0, {{NULL, NULL}}};
static const struct filesystem dev = {
	"tmpfs",
	"tmpfs",
	"dev",
	MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
	{{"mode", "755"}, {"size", "65536k"}},
};
static const struct filesystem others[] = {
	{"devpts",
         "devpts",
         "dev/pts",
         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
         {{"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}}},
	{"tmpfs", "shm", "dev/shm", QUIET_DIR, {{"mode", "1777"}, {"size", "65536k"}}},
	{"mqueue", "mqueue", "dev/mqueue", QUIET_DIR, {{NULL, NULL}}},
	{"sysfs", "sysfs", "sys", QUIET_DIR | MOUNT_ATTR_RDONLY, {{NULL, NULL}}},
	{"cgroup2", "cgroup", "sys/fs/cgroup", QUIET_DIR | MOUNT_ATTR_RDONLY, {{NULL, NULL}}},
};

static const struct {
	const char *path;
	unsigned int major;
	unsigned int minor;
} nodes[] = {
	{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
	{"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
};

static const char *const links[][2] = {
	{"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
	{"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
	{"/proc/kcore", "dev/core"},       {"pts/ptmx", "dev/ptmx"},
};

static const char *const masked[] = {
	"proc/acpi",          "proc/asound",     "proc/kcore",       "proc/keys",
	"proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug",
	"sys/firmware",       "proc/scsi",
};

static const char *const read_only[] = {
	"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger",
};

static int detached(const struct filesystem *fs)
{
	int context = (int)syscall(SYS_fsopen, fs->type, FSOPEN_CLOEXEC), mount;

	if (context < 0)
		floor_die(fs->type);
	syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", fs->source, 0);
	for (size_t i = 0; i < COUNT(fs->options) && fs->options[i].key; i++)
		if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, fs->options[i].key,
		            fs->options[i].value, 0))
			floor_die(fs->options[i].key);
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		floor_die(fs->type);
	mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, fs->attributes);
	if (mount < 0)
		floor_die(fs->type);
	return mount;
}

static int attach(int mount, const char *target)
{
	return (int)syscall(SYS_move_mount, mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

static void mount_fresh(const struct filesystem *fs)
{
	if (attach(detached(fs), fs->target))
		floor_die(fs->target);
}

static int cloned(const char *path)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int make_read_only(int mount)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	return (int)syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

static void fill_dev(void)
{
	mode_t mask = umask(0);

	for (size_t i = 0; i < COUNT(nodes); i++)
		if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)))
			floor_die(nodes[i].path);
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlink(links[i][0], links[i][1]))
			floor_die(links[i][1]);
	if (mkdir("dev/pts", 0755) || mkdir("dev/shm", 01777) || mkdir("dev/mqueue", 01777))
		floor_die("make the directories of /dev");
	umask(mask);
}

/* A path that the kernel does not have is no error. A file is covered by /dev/null; the attempt to
 * put that on a directory fails with EINVAL, and then an empty read-only tmpfs is put there. */
static void mask_paths(void)
{
	static const struct filesystem empty = {
		"tmpfs", "tmpfs", NULL, MOUNT_ATTR_RDONLY, {{"size", "0k"}},
	};
	int null = -1;

	for (size_t i = 0; i < COUNT(masked); i++) {
		if (null < 0) {
			null = cloned("dev/null");
			if (null < 0 || make_read_only(null))
				floor_die("clone /dev/null");
		}
		if (!attach(null, masked[i]))
			null = -1;
		else if (errno == EINVAL) {
			if (attach(detached(&empty), masked[i]))
				floor_die(masked[i]);
		} else if (errno != ENOENT)
			floor_die(masked[i]);
	}
}

static void protect_paths(void)
{
	for (size_t i = 0; i < COUNT(read_only); i++) {
		int tree = cloned(read_only[i]);

		if (tree < 0 && errno == ENOENT)
			continue;
		if (tree < 0 || make_read_only(tree) || attach(tree, read_only[i]))
			floor_die(read_only[i]);
	}
}

void floor_enter_root(const char *rootfs)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};
	struct mount_attr plain = {
		.attr_set = MOUNT_ATTR_RDONLY,
		.attr_clr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};
	int root;

	if (syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)))
		floor_die("make all mounts private");
	root = cloned(rootfs);
	if (root < 0 ||
	    syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &plain, sizeof(plain)) ||
	    attach(root, rootfs) || fchdir(root))
		floor_die(rootfs);
	mount_fresh(&proc);
	mount_fresh(&dev);
	fill_dev();
	for (size_t i = 0; i < COUNT(others); i++)
		mount_fresh(&others[i]);
	mask_paths();
	protect_paths();
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		floor_die("pivot into the root");
}
