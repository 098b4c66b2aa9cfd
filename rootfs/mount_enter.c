/*
 * The child's half of mounts: one step after the other, in the order of the configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"

/* What a mount gets that asks for no propagation: the kind of rootfsPropagation, or private. */
static uint64_t default_propagation(const struct rootfs_plan *plan)
{
	if (plan->root_propagation == MS_SHARED || plan->root_propagation == MS_SLAVE)
		return plan->root_propagation;
	return MS_PRIVATE;
}

/* In as few calls as the case allows. */
int tree_finish(const struct rootfs_plan *plan, const struct mount_step *step, int tree,
                struct error *err)
{
	const struct mount_options *o = &step->options;
	struct mount_attributes own = o->attributes, all = o->recursive_attributes;
	uint64_t own_propagation = o->propagation, all_propagation = 0;
	int r;

	if (!o->propagation || o->propagation_recursive) {
		all_propagation = o->propagation ? o->propagation : default_propagation(plan);
		own_propagation = 0;
	}
	if (!o->bind_recursive) { /* one mount: a single call for everything */
		own.mask |= all.mask;
		own.set = (own.set & ~all.mask) | all.set;
		return enter_mount_setattr(
			tree, 0, &own, own_propagation ? own_propagation : all_propagation, err);
	}
	r = enter_mount_setattr(tree, AT_RECURSIVE, &all, all_propagation, err);
	return r ? r : enter_mount_setattr(tree, 0, &own, own_propagation, err);
}

/* --- New file systems --- */

/* The kernel's own words about a failed fsconfig(2) or fsmount(2), if it has some (fsopen(2)). */
static int context_error(int context, const char *what, struct error *err)
{
	int code = errno;
	char text[256];
	ssize_t size = read(context, text, sizeof(text) - 1);

	if (size <= 2)
		return error_code(err, code, "%s", what);
	while (size && text[size - 1] == '\n')
		size--;
	text[size] = '\0';
	return error_set(err, code, "%s: %s (%s)", what, error_describe(code), text + 2);
}

static int configure(int context, const struct mount_options *o, struct error *err)
{
	for (size_t i = 0; i < o->parameter_count; i++) {
		const struct mount_parameter *p = &o->parameters[i];
		enum fsconfig_command command = p->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (!fsconfig(context, command, p->key, p->value, 0))
			continue;
		(void)context_error(context, "fsconfig", err);
		return error_wrap(err, "%s%s%s", p->key, p->value ? "=" : "",
		                  p->value ? p->value : "");
	}
	return 0;
}

/* A tmpfs over a directory has that directory's mode, as callers of --tmpfs expect. */
static int configure_mode(struct rootfs_plan *plan, const struct mount_step *step, int context,
                          struct error *err)
{
	char text[16];
	struct stat st;
	scoped_fd target = place_open(plan, step->path, step->ordinary);

	if (target < 0 || fstat(target, &st) || !S_ISDIR(st.st_mode))
		return 0;
	(void)snprintf(text, sizeof(text), "%o", st.st_mode & 07777U);
	if (fsconfig(context, FSCONFIG_SET_STRING, "mode", text, 0))
		return context_error(context, "fsconfig mode", err);
	return 0;
}

static unsigned int new_attributes(const struct mount_step *step)
{
	const struct mount_options *o = &step->options;
	uint64_t set =
		(o->attributes.set & ~o->recursive_attributes.mask) | o->recursive_attributes.set;

	if (step->late_readonly)
		set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	return (unsigned int)set;
}

/* fsopen … fsmount: the detached mount, or −errno. */
static int make_new(struct rootfs_plan *plan, const struct mount_step *step, struct error *err)
{
	int mount = -1, r = 0;
	int context = fsopen(step->type, FSOPEN_CLOEXEC);

	if (context < 0)
		return error_errno(err, "fsopen %s", step->type);
	if (step->source && fsconfig(context, FSCONFIG_SET_STRING, "source", step->source, 0))
		r = context_error(context, "fsconfig source", err);
	if (!r)
		r = configure(context, &step->options, err);
	if (!r && step->mode_of_target)
		r = configure_mode(plan, step, context, err);
	if (!r && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		r = context_error(context, "fsconfig create", err);
	if (!r) {
		mount = fsmount(context, FSMOUNT_CLOEXEC, new_attributes(step));
		if (mount < 0)
			r = context_error(context, "fsmount", err);
	}
	enter_close(context);
	return r ? r : mount;
}

/* What a tmpfs covers is copied into it first. */
static int copy_up(struct rootfs_plan *plan, const struct mount_step *step, int mount,
                   struct error *err)
{
	scoped_fd from = place_open(plan, step->path, step->ordinary);
	struct stat st;

	if (from == -ENOENT)
		return 0;
	if (from < 0)
		return error_code(err, -from, "tmpcopyup: open the destination");
	if (fstat(from, &st))
		return error_errno(err, "tmpcopyup: stat");
	if (!S_ISDIR(st.st_mode))
		return 0;
	return copyup_enter(from, mount, err) ? error_wrap(err, "tmpcopyup") : 0;
}

/*
 * In a user namespace that was joined the host does not know which ids are mapped: a devpts whose gid=
 * means nothing there is made without it. Which parameter it was only some kernels say.
 */
static int make_new_mapped(struct rootfs_plan *plan, struct mount_step *step, struct error *err)
{
	int mount = make_new(plan, step, err);

	if (mount != -EINVAL || !plan->user_namespace || !str_equal(step->type, "devpts") ||
	    !mount_options_value(&step->options, "gid"))
		return mount;
	mount_options_drop(&step->options, "gid");
	return make_new(plan, step, err);
}

static int enter_tree(struct rootfs_plan *plan, struct mount_step *step, struct error *err);

static int enter_new(struct rootfs_plan *plan, struct mount_step *step, struct error *err)
{
	const struct mount_options *o = &step->options;
	bool stand_in = step->tree >= 0 || step->host_path;
	int mount, r;

	if (step->always_tree)
		return enter_tree(plan, step, err);
	mount = make_new_mapped(plan, step, err);
	if (mount == -EPERM && stand_in)
		return enter_tree(plan, step, err);
	if (mount < 0)
		return mount;
	if (o->copy_up) {
		r = copy_up(plan, step, mount, err);
		if (r)
			return r;
	}
	if (o->propagation && o->propagation != MS_PRIVATE) { /* a new mount is private */
		r = enter_mount_setattr(mount, 0, &(struct mount_attributes){0}, o->propagation,
		                        err);
		if (r)
			return r;
	}
	step->attached = mount;
	return place_attach(plan, step, mount, true, err);
}

/* --- The other kinds --- */

int mount_enter_source(const struct rootfs_plan *plan, const struct mount_step *step,
                       struct error *err)
{
	const struct mount_options *o = &step->options;
	int flags = (o->bind_recursive ? AT_RECURSIVE : 0) |
	            (o->source_nofollow ? AT_SYMLINK_NOFOLLOW : 0);
	int tree = open_tree(AT_FDCWD, step->host_path,
	                     (unsigned int)(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags));

	if (tree < 0 && errno == ENOENT && step->kind == MOUNT_NEW)
		return error_set(err, EPERM,
		                 "%s: this user namespace may mount no new one for a namespace "
		                 "that is not its own, and the host has no %s to stand in",
		                 step->type, step->host_path);
	if (tree < 0)
		return error_errno(err, "source %s", step->host_path);

	int r = tree_finish(plan, step, tree, err);

	return r < 0 ? r : tree;
}

static int enter_tree(struct rootfs_plan *plan, struct mount_step *step, struct error *err)
{
	int tree = step->tree >= 0 ? step->tree : mount_enter_source(plan, step, err);

	if (tree < 0)
		return tree;
	step->content = step->kind == MOUNT_NEW ? PLACE_FOREIGN : step->content;
	return place_attach(plan, step, tree, false, err);
}

/* mount(2)'s flags for attributes; the first four have the same values in both. */
static unsigned long legacy_flags(uint64_t set)
{
	unsigned long flags = set & 0xf;

	if (set & MOUNT_ATTR_NOATIME)
		flags |= MS_NOATIME;
	if (set & MOUNT_ATTR_STRICTATIME)
		flags |= MS_STRICTATIME;
	if (set & MOUNT_ATTR_NODIRATIME)
		flags |= MS_NODIRATIME;
	if (set & MOUNT_ATTR_NOSYMFOLLOW)
		flags |= MS_NOSYMFOLLOW;
	return flags;
}

/*
 * An overlay with many layers, mostly. The target is still an open descriptor: it is the current
 * directory, on which mount(2) puts the file system. To be removed when fsconfig(2) takes strings
 * longer than 255 bytes.
 */
static int enter_legacy(struct rootfs_plan *plan, const struct mount_step *step, struct error *err)
{
	scoped_fd target = place_open_made(plan, step, -1, err);
	int r = 0;

	if (target < 0)
		return target;
	if (fchdir(target))
		return error_errno(err, "enter the destination");
	if (mount(step->source ? step->source : "none", ".", step->type,
	          legacy_flags(new_attributes(step)), step->legacy_data))
		r = error_errno(err, "mount");
	if (chdir("/") && !r)
		r = error_errno(err, "leave the destination");
	if (!r)
		place_add(plan, step->path, -1, PLACE_FOREIGN);
	return r;
}

/* "remount": with bind only the mount's own attributes, else the file system's parameters too. */
static int enter_change(struct rootfs_plan *plan, const struct mount_step *step, struct error *err)
{
	const struct mount_options *o = &step->options;
	scoped_fd target = place_open(plan, step->path, step->ordinary);
	scoped_fd context = -1;
	int r;

	if (target < 0)
		return error_code(err, -target, "open the destination");
	if (!o->bind && o->parameter_count) {
		context = fspick(target, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
		if (context < 0)
			return error_errno(err, "fspick");
		r = configure(context, o, err);
		if (r)
			return r;
		if (fsconfig(context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
			return context_error(context, "fsconfig reconfigure", err);
	}
	r = enter_mount_setattr(target, AT_RECURSIVE, &o->recursive_attributes,
	                        o->propagation_recursive ? o->propagation : 0, err);
	if (!r)
		r = enter_mount_setattr(target, 0, &o->attributes,
		                        o->propagation_recursive ? 0 : o->propagation, err);
	return r == -EINVAL ? error_set(err, EINVAL, "remount: nothing is mounted there") : r;
}

static int enter_symlink(struct rootfs_plan *plan, const struct mount_step *step, struct error *err)
{
	const char *slash = strrchr(step->path, '/');
	const char *name = slash ? slash + 1 : step->path;
	char parent[PATH_MAX], old[PATH_MAX];
	size_t size = slash ? (size_t)(slash - step->path) : 0;
	scoped_fd dir = -1;
	ssize_t got;

	if (size >= sizeof(parent))
		return error_code(err, ENAMETOOLONG, "copy the link");
	memcpy(parent, step->path, size);
	parent[size] = '\0';
	dir = path_open_made(plan->places[0].fd, parent, 0755, false, &plan->aliased, err);
	if (dir < 0)
		return dir;
	if (!symlinkat(step->source, dir, name))
		return 0;
	if (errno != EEXIST)
		return error_errno(err, "copy the link");
	got = readlinkat(dir, name, old, sizeof(old));
	if (got >= 0 && (size_t)got == strlen(step->source) &&
	    !memcmp(old, step->source, (size_t)got))
		return 0;
	return error_code(err, EEXIST, "copy the link");
}

/* --- All --- */

int mount_enter_one(struct rootfs_plan *plan, struct mount_step *step, struct error *err)
{
	switch (step->kind) {
	case MOUNT_TREE:
		return enter_tree(plan, step, err);
	case MOUNT_NEW:
		return enter_new(plan, step, err);
	case MOUNT_LEGACY:
		return enter_legacy(plan, step, err);
	case MOUNT_CHANGE:
		return enter_change(plan, step, err);
	case MOUNT_SYMLINK:
		return enter_symlink(plan, step, err);
	}
	return error_set(err, EINVAL, "unknown kind of mount");
}

int mount_enter_readonly(const struct mount_step *step, struct error *err)
{
	static const struct mount_attributes readonly = {MOUNT_ATTR_RDONLY, MOUNT_ATTR_RDONLY};

	return enter_mount_setattr(step->attached, 0, &readonly, 0, err);
}

int mounts_enter(struct rootfs_plan *plan, struct error *err)
{
	bool devices_made = plan->dev_is_bound;
	int r = 0;

	for (size_t i = 0; !r && i < plan->mount_count; i++) {
		struct mount_step *step = &plan->mounts[i];

		r = mount_enter_one(plan, step, err);
		if (r)
			return error_wrap(err, "mount %s", step->name);
		if (step->is_dev && step->kind == MOUNT_NEW && !step->always_tree) {
			r = devices_enter(plan, step->attached, err);
			devices_made = true;
			if (!r && plan->null_is_own)
				r = mask_null_take(plan, step->attached, err);
		}
	}
	if (!r && !devices_made) {
		scoped_fd dev = place_open_dev(plan, err);

		r = dev < 0 ? dev : devices_enter(plan, dev, err);
	}
	if (!r && !plan->dev_is_bound)
		r = devices_enter_rest(plan, err);
	for (size_t i = 0; !r && i < plan->mount_count; i++)
		if (plan->mounts[i].late_readonly && plan->mounts[i].kind == MOUNT_NEW)
			r = mount_enter_readonly(&plan->mounts[i], err);
	return r;
}
