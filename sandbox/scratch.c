#include "sandbox/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "sandbox/overlay.h"

static const char place_name[] = ".sandbox";

void scratch_done(struct scratch *scratch)
{
	fd_close(&scratch->fd);
}

/* --- Namespaces --- */

static int write_map(const char *file, uid_t id, struct error *err)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "0 %u 1", id);
	return file_write_kernel(AT_FDCWD, file, text, err);
}

/* The one map that a user may write himself: root inside is the user outside. */
static int write_maps(const struct scratch *scratch, struct error *err)
{
	int r = file_write_kernel(AT_FDCWD, "/proc/self/setgroups", "deny", err);

	if (r == 0)
		r = write_map("/proc/self/gid_map", scratch->gid, err);
	return r < 0 ? r : write_map("/proc/self/uid_map", scratch->uid, err);
}

static int enter_namespaces(struct scratch *scratch, struct error *err)
{
	struct mount_attr private = {.propagation = MS_PRIVATE};

	scratch->uid = geteuid();
	scratch->gid = getegid();
	/* Root without capabilities, inside another sandbox, is a user like others. */
	scratch->rootless = unshare(CLONE_NEWNS) < 0;
	if (scratch->rootless && unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0)
		return error_errno(err, "new namespaces (are user namespaces forbidden here? see "
		                        "lvm-run doctor)");
	if (scratch->rootless && write_maps(scratch, err) < 0)
		return error_wrap(err, "user namespace");
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &private, sizeof(private)) < 0)
		return error_errno(err, "make the mounts private");
	return 0;
}

/* --- The tmpfs --- */

/* Files need memory of the kernel too: there may be one for each half of a page. */
static int set_limit(int context, uint64_t limit, struct error *err)
{
	enum { BYTES_PER_INODE = 2048, LEAST = 1024 };
	const uint64_t count = limit / BYTES_PER_INODE + LEAST;
	char size[24], inodes[24];

	(void)snprintf(size, sizeof(size), "%" PRIu64, limit);
	(void)snprintf(inodes, sizeof(inodes), "%" PRIu64, count);
	if (fsconfig(context, FSCONFIG_SET_STRING, "size", size, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) < 0)
		return error_errno(err, "tmpfs: size=%s", size);
	return 0;
}

static int make_tmpfs(uint64_t limit, struct error *err)
{
	scoped_fd context = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (context < 0)
		return error_errno(err, "fsopen tmpfs");
	if (limit && set_limit(context, limit, err) < 0)
		return -err->code;
	if (fsconfig(context, FSCONFIG_SET_STRING, "mode", "711", 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, "make a tmpfs");

	int mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	return mount < 0 ? error_errno(err, "mount a tmpfs") : mount;
}

static int find_place(struct scratch *scratch, int store_fd, struct error *err)
{
	char link[FD_PATH_SIZE];
	ssize_t size = 0;

	if (mkdirat(store_fd, place_name, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "make %s in the state root", place_name);
	size = readlink(fd_path(store_fd, link), scratch->path,
	                sizeof(scratch->path) - sizeof(place_name) - 1);
	if (size < 0)
		return error_errno(err, "path of the state root");
	(void)snprintf(scratch->path + size, sizeof(scratch->path) - (size_t)size, "/%s",
	               place_name);
	return 0;
}

int scratch_directory(const struct scratch *scratch, int at, const char *name,
                      const struct stat *like, struct error *err)
{
	if (mkdirat(at, name, 0700) < 0)
		return error_errno(err, "scratch: mkdir %s", name);
	if ((like->st_uid || like->st_gid) &&
	    fchownat(at, name, like->st_uid, like->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    !scratch->rootless)
		return error_errno(err, "scratch: chown %s", name);
	if ((like->st_mode & 07777) != 0700 && fchmodat(at, name, like->st_mode & 07777, 0) < 0)
		return error_errno(err, "scratch: chmod %s", name);
	return 0;
}

int scratch_devpts(const struct scratch *scratch, struct error *err)
{
	static const struct stat like = {.st_mode = 0755};
	int r = scratch_directory(scratch, scratch->fd, "pts", &like, err);
	scoped_fd context = fsopen("devpts", FSOPEN_CLOEXEC);

	if (r < 0)
		return r;
	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "mode", "0620", 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, "make a devpts");

	scoped_fd mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);

	if (mount < 0)
		return error_errno(err, "mount a devpts");
	if (move_mount(mount, "", scratch->fd, "pts", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount a devpts");
	return 0;
}

int scratch_host(const struct scratch *scratch, struct error *err)
{
	struct mount_attr readonly = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};
	scoped_fd tree =
		open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (tree < 0)
		return error_errno(err, "clone the mounts of this host");
	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly, sizeof(readonly)) < 0)
		return error_errno(err, "make the mounts of this host read-only");
	if (move_mount(tree, "", scratch->fd, "rootfs", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount this host");
	return 0;
}

/* Puts a detached mount on a new directory "l/N": its path. */
static char *show_lower(struct scratch *scratch, struct arena *arena, int mount, struct error *err)
{
	static const struct stat like = {.st_mode = 0755};
	char name[16];

	(void)snprintf(name, sizeof(name), "l/%u", scratch->lowers);
	if (scratch_directory(scratch, scratch->fd, name, &like, err) < 0)
		return NULL;
	scratch->lowers++;
	if (move_mount(mount, "", scratch->fd, name, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		error_errno(err, "mount %s", name);
		return NULL;
	}
	return arena_format(arena, "%s/%s", scratch->path, name);
}

const char *scratch_bare(struct scratch *scratch, struct arena *arena, const char *path,
                         struct error *err)
{
	scoped_fd tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0) {
		error_errno(err, "clone the mount of %s", path);
		return NULL;
	}
	return show_lower(scratch, arena, tree, err);
}

const char *scratch_apart(struct scratch *scratch, struct arena *arena, const char *path,
                          struct error *err)
{
	static const struct stat like = {.st_mode = 0755};
	const char *empty = arena_format(arena, "%s/empty", scratch->path);

	if (mkdirat(scratch->fd, "empty", like.st_mode) < 0 && errno != EEXIST) {
		error_errno(err, "scratch: mkdir empty");
		return NULL;
	}

	scoped_fd mount = empty ? overlay_open(path, empty, err) : -1;

	return mount < 0 ? NULL : show_lower(scratch, arena, mount, err);
}

int scratch_make(struct scratch *ret, int store_fd, uint64_t limit, struct error *err)
{
	static const struct stat open_to_all = {.st_mode = 0711}, root = {.st_mode = 0755};
	int r = find_place(ret, store_fd, err);

	if (r == 0)
		r = enter_namespaces(ret, err);
	if (r < 0)
		return r;

	scoped_fd tmpfs = make_tmpfs(limit, err);

	if (tmpfs < 0)
		return tmpfs;
	if (move_mount(tmpfs, "", AT_FDCWD, ret->path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount on %s", ret->path);
	ret->fd = fd_take(&tmpfs);
	r = scratch_directory(ret, ret->fd, "l", &open_to_all, err);
	return r < 0 ? r : scratch_directory(ret, ret->fd, "rootfs", &root, err);
}
