/*
 * How the child reaches a destination. Most are reached from a mount that it attached itself and
 * still holds: /dev/pts is "pts" in the tmpfs of /dev, /proc/kcore is "kcore" in the procfs. Then the
 * attach needs no look-up of its own, and no link can divert it: a directory is attached with a last
 * component that is not followed (a link there is EINVAL), a longer way is taken only through what the
 * kernel or we alone have filled. Everything else goes by openat2 from the root. Once a link of the
 * image was followed on the way to a destination, texts no longer tell where things are, and all goes
 * by openat2.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/sys.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"

enum { MOUNT_POINT_MODE = 0755, FEW_FDS = 256 };

void enter_close(int fd)
{
	if (fd >= FEW_FDS)
		close(fd);
}

const struct place *place_find(const struct rootfs_plan *plan, const char *path,
                               const char **ret_rest)
{
	const struct place *best = NULL;
	size_t best_length = 0;

	for (size_t i = plan->aliased ? plan->place_count : 0; i < plan->place_count; i++) {
		const struct place *p = &plan->places[i];
		size_t length = strlen(p->path);

		if (strncmp(path, p->path, length) != 0 || (length && path[length] != '/'))
			continue;
		if (best && length < best_length)
			continue;
		best = p;
		best_length = length;
	}
	if (!best || best->fd < 0)
		return NULL;
	*ret_rest = path + best_length + (best_length ? 1 : 0);
	if (!**ret_rest || (best->content != PLACE_KERNEL && strchr(*ret_rest, '/')))
		return NULL;
	return best;
}

void place_add(struct rootfs_plan *plan, const char *path, int fd, enum place_content content)
{
	struct place *p = &plan->places[plan->place_count++];

	p->path = path;
	p->fd = fd;
	p->content = content;
}

int place_open(struct rootfs_plan *plan, const char *path, bool no_links)
{
	int root = plan->places[0].fd;
	int fd = path_try_open(root, path, O_PATH, RESOLVE_NO_SYMLINKS);

	if (fd != -ELOOP || no_links)
		return fd;
	fd = path_try_open(root, path, O_PATH, 0);
	if (fd >= 0)
		plan->aliased = true;
	return fd;
}

/* A link of the image must not lead a mount into procfs, where the list of mounts.c would refuse it. */
static int check_not_proc(const struct rootfs_plan *plan, int fd, struct error *err)
{
	struct statfs fs;

	if (!plan->aliased)
		return 0;
	if (fstatfs(fd, &fs))
		return error_errno(err, "statfs of the destination");
	if (fs.f_type == PROC_SUPER_MAGIC)
		return error_set(err, EPERM, "the destination is a link into a procfs");
	return 0;
}

int place_open_made(struct rootfs_plan *plan, const struct mount_step *step, int like,
                    struct error *err)
{
	int root = plan->places[0].fd;
	struct stat st = {.st_mode = S_IFDIR};
	bool file;
	int fd;

	if (step->options.destination_nofollow)
		fd = path_try_open(root, step->path, O_PATH | O_NOFOLLOW, 0);
	else
		fd = place_open(plan, step->path, step->ordinary);
	if (fd == -ELOOP && step->ordinary)
		return error_set(err, ENOTDIR, "the destination is a symbolic link");
	if (fd < 0 && fd != -ENOENT)
		return error_code(err, -fd, "open the destination");
	if (fd < 0) {
		if (like >= 0 && fstat(like, &st))
			return error_errno(err, "stat of the source");
		file = !S_ISDIR(st.st_mode);
		fd = path_open_made(root, step->path, file ? 0644 : MOUNT_POINT_MODE, file,
		                    &plan->aliased, err);
	}
	if (fd >= 0 && check_not_proc(plan, fd, err)) {
		fd_close(&fd);
		fd = -err->code;
	}
	return fd;
}

static int attach_by_lookup(struct rootfs_plan *plan, const struct mount_step *step, int tree,
                            struct error *err)
{
	scoped_fd target = place_open_made(plan, step, tree, err);

	if (target < 0)
		return target;
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)) {
		if (errno == EINVAL || errno == ENOTDIR)
			return error_set(
				err, ENOTDIR,
				"source and destination are not both directories or both files");
		return error_errno(err, "attach");
	}
	place_add(plan, step->path, tree, step->content);
	return 0;
}

/* A mount point below `dir`, of the kind of `tree`: 0 also when it exists. */
static int make_like(int dir, const char *name, int tree, bool directory)
{
	struct stat st = {.st_mode = S_IFDIR};
	int r;

	if (!directory && fstat(tree, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		r = mkdirat(dir, name, MOUNT_POINT_MODE);
	else
		r = mknodat(dir, name, S_IFREG | 0644, 0);
	return r && errno != EEXIST ? -errno : 0;
}

int place_attach(struct rootfs_plan *plan, const struct mount_step *step, int tree, bool directory,
                 struct error *err)
{
	const char *rest;
	const struct place *parent = place_find(plan, step->path, &rest);
	bool empty = parent && parent->content == PLACE_EMPTY;
	int r = 0;

	/* Of a tree that may be a file the kernel does not refuse a link: only where there is none. */
	if (!parent || (!directory && !empty))
		return attach_by_lookup(plan, step, tree, err);
	if (directory && empty)
		r = make_like(parent->fd, rest, tree, directory);
	for (int made = 0; !r && move_mount(tree, "", parent->fd, rest, MOVE_MOUNT_F_EMPTY_PATH);
	     made++)
		r = errno == ENOENT && !made ? make_like(parent->fd, rest, tree, directory)
		                             : -errno;
	if (r)
		return attach_by_lookup(plan, step, tree, err);
	place_add(plan, step->path, tree, step->content);
	return 0;
}

int place_open_dev(struct rootfs_plan *plan, struct error *err)
{
	const char *rest;
	const struct place *place = place_find(plan, "dev/x", &rest);
	int fd;

	if (place && !strcmp(place->path, "dev"))
		return fcntl(place->fd, F_DUPFD_CLOEXEC, 3);
	fd = path_try_open(plan->places[0].fd, "dev", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	if (fd == -ENOENT)
		fd = path_open_made_dir(plan->places[0].fd, "dev", MOUNT_POINT_MODE, err);
	else if (fd == -ELOOP || fd == -ENOTDIR)
		fd = error_set(err, ENOTDIR, "/dev is a symbolic link or no directory");
	else if (fd < 0)
		fd = error_code(err, -fd, "open /dev");
	return fd;
}

/* The attributes of a mount that statvfs(3) tells of. */
static uint64_t attributes_of(int fd)
{
	static const struct {
		unsigned long flag;
		uint64_t attribute;
	} table[] = {
		{ST_RDONLY, MOUNT_ATTR_RDONLY},   {ST_NOSUID, MOUNT_ATTR_NOSUID},
		{ST_NODEV, MOUNT_ATTR_NODEV},     {ST_NOEXEC, MOUNT_ATTR_NOEXEC},
		{ST_NOATIME, MOUNT_ATTR_NOATIME}, {ST_NODIRATIME, MOUNT_ATTR_NODIRATIME},
	};
	struct statvfs st;
	uint64_t set = 0;

	if (fstatvfs(fd, &st))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (st.f_flag & table[i].flag)
			set |= table[i].attribute;
	return set;
}

int enter_mount_setattr(int fd, unsigned int flags, const struct mount_attributes *attributes,
                        uint64_t propagation, struct error *err)
{
	struct mount_attr attr = {
		.attr_set = attributes->set,
		.attr_clr = attributes->mask,
		.propagation = propagation,
	};
	uint64_t locked;

	if (!attr.attr_clr && !propagation)
		return 0;
	if (!mount_setattr(fd, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr)))
		return 0;
	if (errno != EPERM)
		return error_errno(err, "mount_setattr");
	/* Without rights over the source's mount its restrictions stay. */
	locked = attributes_of(fd);
	attr.attr_clr &= ~(locked & ~(uint64_t)MOUNT_ATTR__ATIME);
	if (locked & MOUNT_ATTR__ATIME)
		attr.attr_clr &= ~(uint64_t)MOUNT_ATTR__ATIME;
	attr.attr_set &= attr.attr_clr;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr)))
		return error_errno(err, "mount_setattr");
	return 0;
}
