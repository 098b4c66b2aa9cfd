/*
 * enter: run a command inside the peer root, at full speed on the host's kernel.
 *
 *	enter [--bind SOURCE TARGET]... ROOT COMMAND [ARGUMENT]...
 *
 * The command gets a mount namespace of its own, in which nothing it mounts reaches the machine:
 * ROOT, fresh proc, sysfs and /dev, tmpfs on /run, /tmp, /mnt and /var/cache, cgroup2 on
 * /sys/fs/cgroup (whatever the machine has there) and an empty bpffs. ROOT stays writable: runtimes
 * guard their own program file, and some do less where it lies on a read-only mount. --bind shows SOURCE
 * read-only at TARGET, which must lie on one of the tmpfs. All other namespaces, and so the
 * cgroups, are the machine's: the command removes the cgroups that it makes.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct fresh_mount {
	const char *type;
	const char *target;
	unsigned long flags;
	const char *data;
};

static const struct fresh_mount fresh_mounts[] = {
	{"proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"sysfs", "sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"cgroup2", "sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"bpf", "sys/fs/bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700"},
	{"tmpfs", "dev", MS_NOSUID, "mode=755"},
	{"tmpfs", "run", MS_NOSUID | MS_NODEV, "mode=755"},
	{"tmpfs", "tmp", 0, "mode=1777"},
	{"tmpfs", "mnt", MS_NOSUID | MS_NODEV, "mode=755"},
	{"tmpfs", "var/cache", MS_NOSUID | MS_NODEV, "mode=755"},
};

struct node {
	const char *path;
	unsigned int major;
	unsigned int minor;
};

static const struct node nodes[] = {
	{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
	{"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
};

static void make_dev(void)
{
	umask(0);
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)))
			err(125, "make %s", nodes[i].path);
	if (mkdir("dev/pts", 0755) || mkdir("dev/shm", 0755) || symlink("pts/ptmx", "dev/ptmx") ||
	    symlink("/proc/self/fd", "dev/fd"))
		err(125, "fill /dev");
	if (mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	          "newinstance,ptmxmode=0666,mode=0620") ||
	    mount("tmpfs", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"))
		err(125, "mount below /dev");
	umask(022);
}

/* The caller's working directory is the new root; TARGET is taken relative to it. */
static void bind_read_only(int source, const char *target)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	while (*target == '/')
		target++;
	if (mkdir(target, 0755) && errno != EEXIST)
		err(125, "make /%s", target);
	if (syscall(SYS_mount_setattr, source, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
	            sizeof(attr)))
		err(125, "make the tree at /%s read-only", target);
	if (syscall(SYS_move_mount, source, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH))
		err(125, "bind on /%s", target);
	close(source);
}

static int clone_tree(const char *path)
{
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path,
	                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0)
		err(125, "open the tree %s", path);
	return fd;
}

static void enter_root(int root)
{
	/* Any directory serves as the place to hang the new root before it becomes "/". */
	if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/mnt", MOVE_MOUNT_F_EMPTY_PATH))
		err(125, "attach the root");
	if (chdir("/mnt"))
		err(125, "enter the root");
	for (size_t i = 0; i < sizeof(fresh_mounts) / sizeof(fresh_mounts[0]); i++) {
		const struct fresh_mount *m = &fresh_mounts[i];

		if (mount(m->type, m->target, m->type, m->flags, m->data))
			err(125, "mount %s on /%s", m->type, m->target);
	}
	make_dev();
}

int main(int argc, char **argv)
{
	int binds[16];
	const char *targets[16];
	size_t count = 0;
	int at = 1, root;

	if (unshare(CLONE_NEWNS))
		err(125, "unshare the mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(125, "make all mounts private");
	while (at + 2 < argc && strcmp(argv[at], "--bind") == 0) {
		if (count == sizeof(binds) / sizeof(binds[0]))
			errx(125, "too many --bind");
		binds[count] = clone_tree(argv[at + 1]);
		targets[count++] = argv[at + 2];
		at += 3;
	}
	if (argc - at < 2)
		errx(125, "usage: enter [--bind SOURCE TARGET]... ROOT COMMAND [ARGUMENT]...");
	root = clone_tree(argv[at]);
	enter_root(root);
	for (size_t i = 0; i < count; i++)
		bind_read_only(binds[i], targets[i]);
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		err(125, "pivot into the root");
	execvp(argv[at + 1], argv + at + 1);
	err(errno == ENOENT ? 127 : 126, "%s", argv[at + 1]);
}
