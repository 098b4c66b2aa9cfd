/*
 * The child's half of masked and read-only paths. Files are covered by a /dev/null that we made or
 * verified, whatever stands at the container's; directories by one empty read-only tmpfs that they
 * share. Which of the two it is the kernel decides at the attach itself: it refuses a file on a
 * directory (EINVAL).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "rootfs/plan.h"

enum { RDONLY_QUIET = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC };

/* Read-only, so that nobody changes owner or mode of the host's node through a masked path. */
int mask_null_open(struct error *err)
{
	return device_clone("/dev/null", S_IFCHR, makedev(1, 3), RDONLY_QUIET, err);
}

int mask_null_take(struct rootfs_plan *plan, int dev_fd, struct error *err)
{
	static const struct mount_attributes quiet = {RDONLY_QUIET, RDONLY_QUIET};

	plan->null_tree = open_tree(dev_fd, "null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (plan->null_tree < 0)
		return error_errno(err, "clone /dev/null");
	return enter_mount_setattr(plan->null_tree, 0, &quiet, 0, err);
}

/* Where a path is: (fd, name), or an O_PATH fd of it to be closed and an empty name. */
struct spot {
	int fd;
	const char *name;
	int opened;
};

static void spot_done(struct spot *spot)
{
	fd_close(&spot->opened);
}

/* 1: found; 0: there is no such path; or −errno. */
static int spot_find(struct rootfs_plan *plan, const char *path, struct spot *ret)
{
	const char *rest;
	const struct place *place = place_find(plan, path, &rest);

	if (place && place->content != PLACE_FOREIGN) {
		ret->fd = place->fd;
		ret->name = rest;
		return 1;
	}
	ret->opened = ret->fd = place_open(plan, path, false);
	ret->name = "";
	if (ret->opened >= 0)
		return 1;
	return ret->opened == -ENOENT ? 0 : ret->opened;
}

static int attach(const struct spot *spot, int tree)
{
	unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH;

	if (!*spot->name)
		flags |= MOVE_MOUNT_T_EMPTY_PATH;
	return move_mount(tree, "", spot->fd, spot->name, flags) ? -errno : 0;
}

/*
 * Attaches *tree, a detached mount that becomes *mount; the next one is cloned from there (only what
 * is attached in our namespace can be cloned before Linux 6.15).
 */
static int attach_next(const struct spot *spot, int *tree, int *mount)
{
	int r;

	if (*tree < 0)
		*tree = open_tree(*mount, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (*tree < 0)
		return -errno;
	r = attach(spot, *tree);
	if (!r) {
		if (*mount >= 0)
			enter_close(*mount);
		*mount = *tree;
		*tree = -1;
	}
	return r;
}

static int make_empty(struct error *err)
{
	scoped_fd context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int mount;

	if (context < 0 || fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0) ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return error_errno(err, "make an empty tmpfs");
	mount = fsmount(context, FSMOUNT_CLOEXEC, (unsigned int)RDONLY_QUIET | MOUNT_ATTR_NODEV);
	if (mount < 0)
		return error_errno(err, "make an empty tmpfs");
	enter_close(fd_take(&context));
	return mount;
}

static int mask_directory(struct rootfs_plan *plan, const struct spot *spot, struct error *err)
{
	int r;

	if (plan->empty_tree < 0 && plan->empty_mount < 0) {
		plan->empty_tree = make_empty(err);
		if (plan->empty_tree < 0)
			return plan->empty_tree;
	}
	r = attach_next(spot, &plan->empty_tree, &plan->empty_mount);
	return r ? error_code(err, -r, "attach") : 0;
}

/*
 * Ids that the user namespace does not map are nobody's there: what belongs to them keeps even init out, and
 * the program likewise, unless somebody outside changes its mode. The directory that keeps out is covered as a whole.
 */
static int mask_keeper(struct rootfs_plan *plan, const char *path, struct error *err)
{
	struct spot scoped(spot_done) spot = {.fd = -1, .name = "", .opened = -EACCES};
	size_t size = strlen(path);
	char keeper[PATH_MAX], *slash;

	if (size >= sizeof(keeper))
		return error_code(err, ENAMETOOLONG, "open");
	memcpy(keeper, path, size + 1);
	while (spot.opened == -EACCES && (slash = strrchr(keeper, '/'))) {
		*slash = '\0';
		spot.opened = spot.fd = place_open(plan, keeper, false);
	}
	if (spot.opened < 0)
		return error_code(err, -spot.opened, "open");
	return mask_directory(plan, &spot, err);
}

static int mask_one(struct rootfs_plan *plan, const char *path, struct error *err)
{
	struct spot scoped(spot_done) spot = {.fd = -1, .opened = -1};
	int r = spot_find(plan, path, &spot);

	if (r == -EACCES)
		return mask_keeper(plan, path, err);
	if (r <= 0)
		return r ? error_code(err, -r, "open") : 0;
	if (plan->null_tree < 0 && plan->null_mount < 0) {
		plan->null_tree = mask_null_open(err);
		if (plan->null_tree < 0)
			return plan->null_tree;
	}
	r = attach_next(&spot, &plan->null_tree, &plan->null_mount);
	if (r == -EINVAL || r == -ENOTDIR)
		return mask_directory(plan, &spot, err);
	return r && r != -ENOENT ? error_code(err, -r, "attach") : 0;
}

static int clone_spot(const struct spot *spot)
{
	int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW;

	if (!*spot->name)
		flags |= AT_EMPTY_PATH;
	return open_tree(spot->fd, spot->name, (unsigned int)flags);
}

static int readonly_one(struct rootfs_plan *plan, const char *path, struct error *err)
{
	static const struct mount_attributes readonly = {MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY};
	struct spot scoped(spot_done) spot = {.fd = -1, .opened = -1};
	scoped_fd tree = -1;
	int r = spot_find(plan, path, &spot);

	if (r <= 0)
		return r ? error_code(err, -r, "open") : 0;
	tree = clone_spot(&spot);
	if (tree < 0)
		return errno == ENOENT ? 0 : error_errno(err, "clone");
	r = enter_mount_setattr(tree, AT_RECURSIVE, &readonly, 0, err);
	if (r)
		return r;
	r = attach(&spot, tree);
	if (r)
		return error_code(err, -r, "attach");
	enter_close(fd_take(&tree));
	return 0;
}

int masks_enter(struct rootfs_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->masked_count; i++)
		if (mask_one(plan, plan->masked[i], err))
			return error_wrap(err, "mask /%s", plan->masked[i]);
	for (size_t i = 0; i < plan->readonly_count; i++)
		if (readonly_one(plan, plan->readonly[i], err))
			return error_wrap(err, "make /%s read-only", plan->readonly[i]);
	return 0;
}
