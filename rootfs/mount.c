/*
 * The host's half of mounts: what each entry of `mounts` means, decided before the container exists.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"
#include "spec/annotations.h"

/* Longer values do not pass fsconfig(2) (fs/fsopen.c copies at most 256 bytes with the NUL). */
enum { PARAMETER_MAX = 255, PROC_ROOT_INODE = 1 };

/* File systems that the kernel alone fills, and what stands in where init may not mount a new one. */
static const struct kernel_type {
	const char *type;
	const char *host_path; /* null: none */
} kernel_types[] = {
	{"proc", NULL},   {"sysfs", "/sys"}, {"cgroup2", NULL},
	{"cgroup", NULL}, {"devpts", NULL},  {"mqueue", "/dev/mqueue"},
};

static const struct kernel_type *kernel_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernel_types); i++)
		if (str_equal(kernel_types[i].type, type))
			return &kernel_types[i];
	return NULL;
}

int tree_prepare(struct rootfs_plan *plan, int dirfd, const char *path, unsigned int flags,
                 int *ret, struct error *err)
{
	int fd = open_tree(dirfd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	if (fd < 0 && errno == EPERM && plan->user_namespace) {
		plan->clone_in_child = true;
		fd = -1;
	} else if (fd < 0) {
		return error_errno(err, "source %s", path);
	}
	*ret = fd;
	return 0;
}

/* --- Destinations --- */

/* What lxcfs and the like stand in for; nothing else may be mounted inside /proc. */
static const char *const proc_allowed[] = {
	"proc/cpuinfo",
	"proc/diskstats",
	"proc/loadavg",
	"proc/meminfo",
	"proc/slabinfo",
	"proc/stat",
	"proc/swaps",
	"proc/uptime",
	"proc/sys/kernel/ns_last_pid",
	"proc/sys/crypto/fips_enabled",
};

static int check_inside_proc(const struct mount_step *step, struct error *err)
{
	if (!str_starts(step->path, "proc/"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(proc_allowed); i++)
		if (!strcmp(proc_allowed[i], step->path))
			return 0;
	return error_set(err, EPERM, "no mount is allowed there, inside /proc");
}

/* On /proc itself: a new procfs, or the whole of another one. */
static int check_proc(const struct mount_step *step, struct error *err)
{
	struct statfs fs;
	struct stat st;

	if (strcmp(step->path, "proc") != 0 || step->kind == MOUNT_CHANGE)
		return 0;
	if (step->kind == MOUNT_NEW && str_equal(step->type, "proc"))
		return 0;
	if (step->kind == MOUNT_TREE && step->host_path)
		return str_equal(step->host_path, "/proc")
		               ? 0
		               : error_set(err, EPERM, "only a procfs can be mounted there");
	if (step->kind == MOUNT_TREE && !fstatfs(step->tree, &fs) &&
	    fs.f_type == PROC_SUPER_MAGIC && !fstat(step->tree, &st) &&
	    st.st_ino == PROC_ROOT_INODE)
		return 0;
	return error_set(err, EPERM, "only a procfs can be mounted there");
}

static int prepare_destination(struct rootfs_plan *plan, const struct spec_mount *m,
                               struct mount_step *step, struct error *err)
{
	char *path = arena_strdup(&plan->arena, m->destination);

	if (!path)
		return error_code(err, ENOMEM, "prepare");
	path_clean(path);
	step->name = m->destination;
	step->path = path;
	step->ordinary = !strcmp(path, "proc") || !strcmp(path, "sys") || !strcmp(path, "dev") ||
	                 str_equal(m->type, "proc") || str_equal(m->type, "sysfs");
	if (!*path && !step->options.remount)
		return error_set(err, EINVAL, "the root itself cannot be covered");
	return check_inside_proc(step, err);
}

/* --- Bind mounts --- */

/* "copy-symlink": 1 when the source is a link, which is then remembered. */
static int prepare_symlink(struct rootfs_plan *plan, const struct rootfs_request *request,
                           struct mount_step *step, struct error *err)
{
	char text[4096];
	ssize_t size = readlinkat(request->bundle_fd, step->source, text, sizeof(text));

	if (size < 0 && errno == EINVAL)
		return 0;
	if (size < 0)
		return error_errno(err, "source %s", step->source);
	if ((size_t)size == sizeof(text))
		return error_code(err, ENAMETOOLONG, "source %s", step->source);
	step->kind = MOUNT_SYMLINK;
	step->source = arena_strndup(&plan->arena, text, (size_t)size);
	return step->source ? 1 : error_code(err, ENOMEM, "prepare");
}

/* The absolute path of a source, for a child that must clone it itself. */
static const char *host_path(struct rootfs_plan *plan, const char *bundle, const char *path)
{
	return *path == '/' ? path : arena_format(&plan->arena, "%s/%s", bundle, path);
}

static int prepare_bind(struct rootfs_plan *plan, const struct rootfs_request *request,
                        struct mount_step *step, struct error *err)
{
	unsigned int flags = step->options.bind_recursive ? AT_RECURSIVE : 0;
	int r;

	if (!step->source || !*step->source)
		return error_set(err, EINVAL, "a bind mount needs a source");
	step->kind = MOUNT_TREE;
	if (step->options.copy_symlink) {
		r = prepare_symlink(plan, request, step, err);
		if (r)
			return r < 0 ? r : 0;
	}
	if (step->options.source_nofollow)
		flags |= AT_SYMLINK_NOFOLLOW;
	r = tree_prepare(plan, request->bundle_fd, step->source, flags, &step->tree, err);
	if (r)
		return r;
	if (step->tree < 0) {
		if (step->options.idmap || step->spec->uid_mappings.count)
			return error_set(err, EPERM,
			                 "idmap needs privilege over the host's mounts");
		step->host_path = host_path(plan, plan->bundle, step->source);
		return step->host_path ? 0 : error_code(err, ENOMEM, "prepare");
	}
	r = tree_finish(plan, step, step->tree, err);
	return r ? r : idmap_prepare(plan, request, step, err);
}

/* --- New file systems --- */

/* A devpts whose gid= has no meaning in the container's user namespace is mounted without it. */
static void drop_unmapped_gid(const struct rootfs_request *request, struct mount_step *step)
{
	const struct spec_id_mappings *maps = &request->spec->linux.gid_mappings;
	const char *value = mount_options_value(&step->options, "gid");
	uint32_t gid;

	if (!value || !request->user_namespace || !maps->count || parse_id(value, &gid))
		return;
	for (size_t i = 0; i < maps->count; i++)
		if (gid >= maps->items[i].container_id &&
		    gid - maps->items[i].container_id < maps->items[i].size)
			return;
	mount_options_drop(&step->options, "gid");
}

/* All parameters joined by commas, for mount(2). */
static int prepare_legacy(struct rootfs_plan *plan, struct mount_step *step, struct error *err)
{
	const struct mount_options *o = &step->options;
	char *data = arena_strdup(&plan->arena, "");

	for (size_t i = 0; data && i < o->parameter_count; i++)
		data = arena_format(&plan->arena, "%s%s%s%s%s", data, i ? "," : "",
		                    o->parameters[i].key, o->parameters[i].value ? "=" : "",
		                    o->parameters[i].value ? o->parameters[i].value : "");
	if (!data)
		return error_code(err, ENOMEM, "prepare");
	step->kind = MOUNT_LEGACY;
	step->legacy_data = data;
	return 0;
}

static bool needs_legacy(const struct mount_step *step)
{
	for (size_t i = 0; i < step->options.parameter_count; i++) {
		const char *value = step->options.parameters[i].value;

		if (value && strlen(value) > PARAMETER_MAX)
			return true;
	}
	return false;
}

/*
 * A cgroup mount: a new cgroup2 shows the root of init's cgroup namespace, be that the container's or
 * the host's. In a user namespace only the former can be mounted: the container's own directory
 * stands in for the latter.
 */
static int prepare_cgroup(struct rootfs_plan *plan, const struct rootfs_request *request,
                          struct mount_step *step, struct error *err)
{
	int r;

	step->type = "cgroup2";
	if (request->new_cgroup_namespace || request->cgroup_fd < 0 || !request->user_namespace)
		return 0;
	r = tree_prepare(plan, request->cgroup_fd, "", AT_EMPTY_PATH, &step->tree, err);
	if (r || step->tree < 0)
		return r;
	step->kind = MOUNT_TREE;
	step->content = PLACE_KERNEL;
	return tree_finish(plan, step, step->tree, err);
}

/* In a user namespace some file systems can be mounted only where the other namespaces are new too. */
static int prepare_stand_in(struct rootfs_plan *plan, const struct rootfs_request *request,
                            struct mount_step *step, const char *path, struct error *err)
{
	bool sysfs = str_equal(step->type, "sysfs");
	int r;

	step->options.bind_recursive = true;
	/* One file system was asked for: what is mounted below the host's is read-only with it. */
	if (step->options.attributes.set & MOUNT_ATTR_RDONLY) {
		step->options.recursive_attributes.mask |= MOUNT_ATTR_RDONLY;
		step->options.recursive_attributes.set |= MOUNT_ATTR_RDONLY;
	}
	r = tree_prepare(plan, AT_FDCWD, path, AT_RECURSIVE, &step->tree, err);
	if (r)
		return r == -ENOENT ? 0 : r; /* the host has none: nothing stands in */
	step->host_path = step->tree < 0 ? path : NULL;
	step->always_tree = sysfs && !request->new_network_namespace;
	return step->tree < 0 ? 0 : tree_finish(plan, step, step->tree, err);
}

static int add_parameter(struct rootfs_plan *plan, struct mount_options *o, const char *key,
                         const char *value, struct error *err)
{
	struct mount_parameter *all =
		arena_alloc(&plan->arena, o->parameter_count + 2, sizeof(*all));

	if (!all)
		return error_code(err, ENOMEM, "prepare");
	memcpy(all, o->parameters, o->parameter_count * sizeof(*all));
	all[o->parameter_count] = (struct mount_parameter){.key = key, .value = value};
	o->parameters = all;
	o->parameter_count++;
	return 0;
}

/* Which of the contexts of a file system mountLabel is (mount(8), "SELinux"). */
static const char *label_key(const struct spec *spec, struct error *err)
{
	static const char *const keys[] = {"context", "fscontext", "defcontext", "rootcontext"};
	const char *wanted = spec_annotation(spec, ANNOTATION_MOUNT_CONTEXT);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (!wanted || str_equal(wanted, keys[i]))
			return keys[i];
	(void)error_set(err, EINVAL,
	                "annotations[\"" ANNOTATION_MOUNT_CONTEXT "\"]: \"%.40s\" is none of "
	                "context, fscontext, defcontext, rootcontext",
	                wanted);
	return NULL;
}

/* mountLabel goes to what is made for this container alone, where SELinux is there to understand it. */
static int add_label(struct rootfs_plan *plan, const struct rootfs_request *request,
                     struct mount_step *step, struct error *err)
{
	const char *label = request->spec->linux.mount_label;
	const char *key;

	if (!label || !*label || mount_options_value(&step->options, "context"))
		return 0;
	key = label_key(request->spec, err);
	if (!key)
		return -err->code;
	if (kernel_type(step->type) && strcmp(step->type, "devpts") != 0 &&
	    strcmp(step->type, "mqueue") != 0)
		return 0;
	if (access("/sys/fs/selinux/enforce", F_OK))
		return 0;
	return add_parameter(plan, &step->options, key, label, err);
}

static int prepare_new(struct rootfs_plan *plan, const struct rootfs_request *request,
                       struct mount_step *step, struct error *err)
{
	const struct kernel_type *kernel = kernel_type(step->type);
	bool tmpfs = str_equal(step->type, "tmpfs");
	int r;

	if (!step->type || !*step->type || str_equal(step->type, "none"))
		return error_set(err, EINVAL, "neither a type nor bind is given");
	step->kind = MOUNT_NEW;
	if (kernel)
		step->content = PLACE_KERNEL;
	else if (tmpfs && !step->options.copy_up)
		step->content = PLACE_EMPTY;
	step->mode_of_target = tmpfs && !mount_options_value(&step->options, "mode");
	step->late_readonly = tmpfs && step->options.attributes.set & MOUNT_ATTR_RDONLY;
	if (!kernel && !tmpfs && step->options.attributes.set & MOUNT_ATTR_RDONLY) {
		/* A file system with a device behind it must not write to it either. */
		r = add_parameter(plan, &step->options, "ro", NULL, err);
		if (r)
			return r;
	}
	if (str_equal(step->type, "devpts")) {
		drop_unmapped_gid(request, step);
		mount_options_drop(&step->options,
		                   "newinstance"); /* every one is, since Linux 4.7 */
	}
	r = add_label(plan, request, step, err);
	if (r)
		return r;
	if (needs_legacy(step))
		return prepare_legacy(plan, step, err);
	if (str_equal(step->type, "cgroup") || str_equal(step->type, "cgroup2"))
		return prepare_cgroup(plan, request, step, err);
	if (kernel && kernel->host_path && request->user_namespace)
		return prepare_stand_in(plan, request, step, kernel->host_path, err);
	return 0;
}

/* --- All --- */

static int prepare_one(struct rootfs_plan *plan, const struct rootfs_request *request,
                       const struct spec_mount *m, struct mount_step *step, struct error *err)
{
	int r;

	*step = (struct mount_step){.tree = -1, .type = m->type, .source = m->source, .spec = m};
	r = mount_options_parse(&plan->arena, &m->options, &step->options, err);
	if (!r)
		r = prepare_destination(plan, m, step, err);
	if (r)
		return r;
	if (str_equal(m->type, "bind"))
		step->options.bind = true;
	if (str_equal(m->type, "rbind"))
		step->options.bind = step->options.bind_recursive = true;
	if (step->options.remount)
		step->kind = MOUNT_CHANGE;
	else if (step->options.bind)
		r = prepare_bind(plan, request, step, err);
	else
		r = prepare_new(plan, request, step, err);
	return r ? r : check_proc(step, err);
}

int mounts_prepare(struct rootfs_plan *plan, const struct rootfs_request *request,
                   struct error *err)
{
	const struct spec *spec = request->spec;
	struct mount_step *dev = NULL;

	plan->mounts = arena_alloc(&plan->arena, spec->mount_count + 1, sizeof(*plan->mounts));
	plan->places = arena_alloc(&plan->arena, spec->mount_count + 1, sizeof(*plan->places));
	if (!plan->mounts || !plan->places)
		return error_code(err, ENOMEM, "prepare the mounts");
	for (size_t i = 0; i < spec->mount_count; i++) {
		struct mount_step *step = &plan->mounts[i];
		int r = prepare_one(plan, request, &spec->mounts[i], step, err);

		/* Counted first, so that what it holds is released with the plan. */
		plan->mount_count++;
		if (r)
			return error_wrap(err, "mount %s", spec->mounts[i].destination);
		if (!strcmp(step->path, "dev") && step->kind != MOUNT_CHANGE)
			dev = step;
	}
	if (dev && dev->kind != MOUNT_TREE)
		dev->is_dev = true;
	plan->dev_is_bound = dev && dev->kind == MOUNT_TREE;
	return 0;
}
