/*
 * The child's half of mounts that are added to, or taken from, a living container. The processes of the
 * container run meanwhile: nothing here is looked up twice and taken for the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"

enum { LINK_SIZE = 32 };

/* "self/fd/N", for the host's /proc as the current directory: ours may be another one, or none. */
static const char *link_of(int fd, char link[static LINK_SIZE])
{
	(void)snprintf(link, LINK_SIZE, "self/fd/%d", fd);
	return link;
}

/* --- Adding --- */

/* What the step attached, by the descriptor that made it: whatever its path leads to by now. */
static void detach_step(const struct rootfs_plan *plan, const struct mount_step *step)
{
	int fd = step->attached >= 0 ? step->attached : step->tree;
	char link[LINK_SIZE];

	if (fd >= 0 && fchdir(plan->proc_fd) == 0)
		(void)!umount2(link_of(fd, link), MNT_DETACH);
}

static int add_one(struct rootfs_plan *plan, struct mount_step *step, struct error *err)
{
	int r = mount_enter_one(plan, step, err);

	if (r == 0 && step->kind == MOUNT_LEGACY) /* the one kind that gives no descriptor */
		step->attached = path_try_open(plan->places[0].fd, step->path, O_PATH, 0);
	if (r < 0 || !step->late_readonly || step->kind != MOUNT_NEW)
		return r;
	r = mount_enter_readonly(step, err);
	if (r < 0)
		detach_step(plan, step);
	return r;
}

static int add_all(struct rootfs_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->mount_count; i++) {
		struct mount_step *step = &plan->mounts[i];

		step->attached = -1;
		if (add_one(plan, step, err) == 0)
			continue;
		(void)error_wrap(err, "mount %s", step->name);
		while (i-- > 0)
			detach_step(plan, &plan->mounts[i]);
		return -err->code;
	}
	return 0;
}

int rootfs_enter_sources(struct rootfs_plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->mount_count; i++) {
		struct mount_step *step = &plan->mounts[i];

		if (step->kind != MOUNT_TREE || step->tree >= 0 || !step->host_path)
			continue;
		step->tree = mount_enter_source(plan, step, err);
		if (step->tree < 0)
			return error_wrap(err, "mount %s", step->name);
	}
	return 0;
}

int rootfs_enter_live(struct rootfs_plan *plan, struct error *err)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mode_t mask;
	int r;

	if (root < 0)
		return error_errno(err, "open the root of the container");
	place_add(plan, "", root, PLACE_FOREIGN);
	mask = umask(0);
	r = add_all(plan, err);
	umask(mask);
	return r;
}

/* --- Removing --- */

struct removed {
	int tree;   /* a copy, to be attached again */
	int parent; /* of the mount point */
	char name[NAME_MAX + 1];
};

/* What the removals share. */
struct removal_walk {
	const struct rootfs_removals *removals;
	int root;
	int proc_fd;
};

/* Where a descriptor leads, as a path from the root. */
static int path_of(const struct removal_walk *walk, int fd, char ret[static PATH_MAX])
{
	char link[LINK_SIZE];
	ssize_t size = readlinkat(walk->proc_fd, link_of(fd, link), ret, PATH_MAX - 1);

	if (size < 0)
		return -errno;
	ret[size] = '\0';
	return 0;
}

static int check_kept(const struct removal_walk *walk, const char *wanted, const char *place,
                      struct error *err)
{
	for (size_t i = 0; i < walk->removals->kept_count; i++) {
		const char *kept = walk->removals->kept[i];
		char other[PATH_MAX];

		if (str_equal(kept, wanted))
			continue;

		scoped_fd fd = path_try_open(walk->root, kept, O_PATH, 0);

		if (fd >= 0 && path_of(walk, fd, other) == 0 && str_equal(other, place))
			return error_set(err, EPERM,
			                 "leads to %s, a mount that the container was created with",
			                 place);
	}
	return 0;
}

/*
 * Where the mount point of the path is now: its parent, opened without following a link, and its name.
 * The mount itself must not be held open, or it would be busy.
 */
static int find_point(const struct removal_walk *walk, int fd, const char *wanted,
                      struct removed *ret, struct error *err)
{
	char path[PATH_MAX];
	int r = path_of(walk, fd, path);
	char *slash;

	if (r < 0)
		return error_code(err, -r, "where it is mounted");
	if (check_kept(walk, wanted, path, err) < 0)
		return -err->code;
	slash = strrchr(path, '/');
	if (!slash || !slash[1] || strlen(slash + 1) > NAME_MAX)
		return error_set(err, EINVAL, "is no mount that could be removed");
	memcpy(ret->name, slash + 1, strlen(slash + 1) + 1);
	*slash = '\0';
	ret->parent = path_try_open(walk->root, path, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	return ret->parent < 0 ? error_code(err, -ret->parent, "directory of the mount point") : 0;
}

static int prepare_one(const struct removal_walk *walk, const char *path, struct removed *ret,
                       struct error *err)
{
	scoped_fd fd = path_try_open(walk->root, path, O_PATH, 0);
	int r;

	if (fd < 0)
		return error_code(err, -fd, "open the mount point");
	r = find_point(walk, fd, path, ret, err);
	if (r < 0)
		return r;
	ret->tree = open_tree(fd, "",
	                      AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return ret->tree < 0 ? error_errno(err, "open_tree") : 0;
}

static int remove_one(const struct removal_walk *walk, const struct rootfs_removal *removal,
                      struct removed *ret, struct error *err)
{
	int flags = UMOUNT_NOFOLLOW | (removal->recursive ? MNT_DETACH : 0);
	int r = prepare_one(walk, removal->path, ret, err);

	if (r < 0)
		return r;
	if (fchdir(ret->parent) < 0)
		return error_errno(err, "enter the directory of the mount point");
	if (umount2(ret->name, flags) == 0)
		return 0;
	if (errno == EBUSY)
		return error_set(err, EBUSY,
		                 "is busy: a process of the container uses it, or something is "
		                 "mounted below it");
	if (errno == EINVAL)
		return error_set(err, EINVAL, "nothing is mounted there");
	return error_errno(err, "umount");
}

static void attach_again(const struct removed *removed)
{
	(void)!move_mount(removed->tree, "", removed->parent, removed->name,
	                  MOVE_MOUNT_F_EMPTY_PATH);
}

int rootfs_enter_unmount(const struct rootfs_removals *removals, int proc_fd, struct error *err)
{
	struct removed all[ROOTFS_REMOVE_MAX];
	scoped_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct removal_walk walk = {.removals = removals, .root = root, .proc_fd = proc_fd};

	if (root < 0)
		return error_errno(err, "open the root of the container");
	for (size_t i = 0; i < removals->count; i++) {
		all[i] = (struct removed){.tree = -1, .parent = -1};
		if (remove_one(&walk, &removals->items[i], &all[i], err) == 0)
			continue;
		(void)error_wrap(err, "mount /%s", removals->items[i].path);
		while (i-- > 0)
			attach_again(&all[i]);
		return -err->code;
	}
	return 0;
}
