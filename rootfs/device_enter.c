/*
 * The child's half of device nodes. A node is made with mknodat below a descriptor of its directory
 * and never through a link; what exists already is verified by descriptor and never changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"

static bool is_device(const struct stat *st, mode_t mode, dev_t device)
{
	return (st->st_mode & S_IFMT) == (mode & S_IFMT) &&
	       (S_ISFIFO(mode) || st->st_rdev == device);
}

int device_clone(const char *path, mode_t mode, dev_t device, uint64_t attributes,
                 struct error *err)
{
	struct mount_attr attr = {.attr_set = attributes, .propagation = MS_PRIVATE};
	scoped_fd tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct stat st;

	if (tree < 0)
		return error_errno(err, "clone the host's %s", path);
	if (fstat(tree, &st))
		return error_errno(err, "stat the host's %s", path);
	if (!is_device(&st, mode, device))
		return error_set(err, EINVAL, "the host's %s is not that device", path);
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)))
		return error_errno(err, "mount_setattr");
	return fd_take(&tree);
}

/* What stands where a device shall be: 1 the right one, 0 a file to mount on, or an error. */
static int check_existing(int dir, const char *name, const struct device_step *step,
                          struct error *err)
{
	scoped_fd fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return error_errno(err, "open what exists");
	if (is_device(&st, step->mode, step->device))
		return 1;
	if (step->bind && S_ISREG(st.st_mode))
		return 0;
	return error_set(err, EEXIST, "exists and is something else");
}

static int enter_bound(int dir, const char *name, const struct device_step *step, struct error *err)
{
	int tree = step->tree, r;

	if (mknodat(dir, name, S_IFREG | 0600, 0)) {
		if (errno != EEXIST)
			return error_errno(err, "make a file to mount on");
		r = check_existing(dir, name, step, err);
		if (r)
			return r < 0 ? r : 0;
	}
	if (tree < 0)
		tree = device_clone(step->name, step->mode, step->device, 0, err);
	if (tree < 0)
		return tree;
	if (move_mount(tree, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH))
		return error_errno(err, "attach");
	enter_close(tree);
	return 0;
}

static int enter_node(int dir, const char *name, struct device_step *step, struct error *err)
{
	int r;

	if (step->bind)
		return enter_bound(dir, name, step, err);
	if (mknodat(dir, name, step->mode, step->device)) {
		if (errno == EPERM && !S_ISFIFO(step->mode)) { /* no CAP_MKNOD */
			step->bind = true;
			return enter_bound(dir, name, step, err);
		}
		if (errno != EEXIST)
			return error_errno(err, "mknod");
		r = check_existing(dir, name, step, err);
		return r < 0 ? r : 0;
	}
	if ((step->uid || step->gid) &&
	    fchownat(dir, name, step->uid, step->gid, AT_SYMLINK_NOFOLLOW))
		return error_errno(err, "chown");
	return 0;
}

static int enter_link(int dir, const char *name, const struct device_step *step, struct error *err)
{
	if (!symlinkat(step->target, dir, name))
		return 0;
	if (errno != EEXIST)
		return error_errno(err, "symlink");
	if (!step->replace)
		return 0;
	if (unlinkat(dir, name, 0))
		return error_errno(err, "replace what exists");
	return symlinkat(step->target, dir, name) ? error_errno(err, "symlink") : 0;
}

static int enter_step(int dir, const char *name, struct device_step *step, struct error *err)
{
	int r = step->target ? enter_link(dir, name, step, err) : enter_node(dir, name, step, err);

	return r ? error_wrap(err, "device %s", step->name) : 0;
}

int devices_enter(struct rootfs_plan *plan, int dev_fd, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < plan->direct_device_count; i++) {
		struct device_step *step = &plan->devices[i];

		r = enter_step(dev_fd, step->path + strlen("dev/"), step, err);
	}
	return r;
}

static int enter_elsewhere(struct rootfs_plan *plan, struct device_step *step, struct error *err)
{
	const char *slash = strrchr(step->path, '/');
	size_t size = slash ? (size_t)(slash - step->path) : 0;
	char parent[PATH_MAX];
	scoped_fd dir = -1;

	if (size >= sizeof(parent) || !*step->path)
		return error_code(err, ENAMETOOLONG, "device %.64s", step->name);
	memcpy(parent, step->path, size);
	parent[size] = '\0';
	dir = path_open_made_dir(plan->places[0].fd, parent, 0755, err);
	if (dir < 0)
		return error_wrap(err, "device %s", step->name);
	return enter_step(dir, slash ? slash + 1 : step->path, step, err);
}

int devices_enter_rest(struct rootfs_plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = plan->direct_device_count; !r && i < plan->device_count; i++)
		r = enter_elsewhere(plan, &plan->devices[i], err);
	return r;
}
