/* The host's sequence: root, mounts, devices, masked paths; and the end of the plan. */
#include "rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "rootfs/plan.h"

void rootfs_plan_free(struct rootfs_plan **plan)
{
	struct rootfs_plan *p = *plan;

	if (!p)
		return;
	for (size_t i = 0; i < p->mount_count; i++)
		fd_close(&p->mounts[i].tree);
	for (size_t i = 0; i < p->device_count; i++)
		fd_close(&p->devices[i].tree);
	fd_close(&p->root);
	fd_close(&p->null_tree);
	fd_close(&p->idmap.fd);
	arena_done(&p->arena);
	free(p);
	*plan = NULL;
}

static const struct {
	const char *name;
	uint64_t flag;
	bool recursive;
} propagations[] = {
	{"private", MS_PRIVATE, false},       {"rprivate", MS_PRIVATE, true},
	{"slave", MS_SLAVE, false},           {"rslave", MS_SLAVE, true},
	{"shared", MS_SHARED, false},         {"rshared", MS_SHARED, true},
	{"unbindable", MS_UNBINDABLE, false}, {"runbindable", MS_UNBINDABLE, true},
};

/* Everything is private already: only the other kinds cost a system call in the end. */
static int prepare_propagation(struct rootfs_plan *plan, const char *name, struct error *err)
{
	if (!name || !*name)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(propagations); i++) {
		if (strcmp(propagations[i].name, name) != 0)
			continue;
		if (propagations[i].flag != MS_PRIVATE) {
			plan->root_propagation = propagations[i].flag;
			plan->root_propagation_recursive = propagations[i].recursive;
		}
		return 0;
	}
	return error_set(err, EINVAL, "linux.rootfsPropagation: unknown value \"%s\"", name);
}

/* The bundle's absolute path, by the descriptor that stands for it unless the caller knows it. */
static int prepare_bundle(struct rootfs_plan *plan, const struct rootfs_request *request,
                          struct error *err)
{
	char link[FD_PATH_SIZE], text[PATH_MAX];
	ssize_t size;

	if (request->bundle_path) {
		plan->bundle = arena_strdup(&plan->arena, request->bundle_path);
		return plan->bundle ? 0 : error_code(err, ENOMEM, "prepare the root");
	}
	(void)fd_path(request->bundle_fd, link);
	size = readlinkat(request->proc_fd, link + strlen("/proc/"), text, sizeof(text));
	if (size < 0)
		return error_errno(err, "read the path of the bundle");
	if ((size_t)size == sizeof(text))
		return error_code(err, ENAMETOOLONG, "read the path of the bundle");
	plan->bundle = arena_strndup(&plan->arena, text, (size_t)size);
	return plan->bundle ? 0 : error_code(err, ENOMEM, "prepare the root");
}

/*
 * The root with everything mounted below it, as a tree of its own that no mount event of the host
 * reaches. "/." makes a file that is no directory an error here.
 */
static int prepare_root(struct rootfs_plan *plan, const struct rootfs_request *request,
                        struct error *err)
{
	static const struct mount_attributes none;
	const char *path = request->spec->root.path;
	const char *directory = arena_format(&plan->arena, "%s/.", path ? path : "");
	int r = 0;

	if (!path || !*path)
		return error_set(err, EINVAL, "root.path is not set");
	if (!directory)
		return error_code(err, ENOMEM, "prepare the root");
	if (*path != '/' || request->user_namespace)
		r = prepare_bundle(plan, request, err);
	if (r)
		return r;
	plan->path = *path == '/' ? arena_strdup(&plan->arena, path)
	                          : arena_format(&plan->arena, "%s/%s", plan->bundle, path);
	if (!plan->path)
		return error_code(err, ENOMEM, "prepare the root");
	if (!plan->new_mount_namespace) {
		plan->root = openat(request->bundle_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		return plan->root < 0 ? error_errno(err, "root.path \"%s\"", plan->path) : 0;
	}
	plan->root = open_tree(request->bundle_fd, directory,
	                       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (plan->root < 0 && errno == EPERM && plan->user_namespace) {
		plan->clone_in_child = true;
		return 0;
	}
	if (plan->root < 0)
		return error_errno(err, "root.path \"%s\"", plan->path);
	r = enter_mount_setattr(plan->root, AT_RECURSIVE, &none, MS_PRIVATE, err);
	return r ? error_wrap(err, "root.path \"%s\"", plan->path) : 0;
}

/* Shown through the container's id maps, where the annotation asks for it. */
static int prepare_root_mapped(struct rootfs_plan *plan, const struct rootfs_request *request,
                               struct error *err)
{
	const char *value = spec_annotation(request->spec, ROOTFS_IDMAP_ANNOTATION);

	if (!value || str_equal(value, "false"))
		return 0;
	if (!str_equal(value, "true"))
		return error_set(err, EINVAL,
		                 "annotation " ROOTFS_IDMAP_ANNOTATION ": \"%.40s\" is neither "
		                 "true nor false",
		                 value);
	if (!plan->user_namespace || !plan->new_mount_namespace)
		return error_set(err, EINVAL,
		                 "annotation " ROOTFS_IDMAP_ANNOTATION
		                 ": needs a user namespace and a new mount namespace");
	if (plan->clone_in_child)
		return error_set(err, EPERM,
		                 "annotation " ROOTFS_IDMAP_ANNOTATION
		                 ": id-mapping a mount of the host takes root");
	plan->root_mapped = plan->wants_mapped = true;
	return 0;
}

/* The same of a stack of layers. Nobody else sees this mount, whose end is that of the namespace. */
static int prepare_layers(struct rootfs_plan *plan, const struct rootfs_request *request,
                          struct error *err)
{
	int r = request->user_namespace ? prepare_bundle(plan, request, err) : 0;

	if (r)
		return r;
	plan->path = arena_strdup(&plan->arena, request->layers_path);
	if (!plan->path)
		return error_code(err, ENOMEM, "prepare the root");
	if (!plan->new_mount_namespace)
		return error_set(err, EINVAL, "layers need a new mount namespace");
	plan->root = layer_enter_mount(request->layers, err);
	if (plan->root == -EPERM && plan->user_namespace) {
		plan->root = -1;
		plan->layers = request->layers;
		plan->clone_in_child = true;
		return 0;
	}
	return plan->root < 0 ? -err->code : 0;
}

static int check_without_namespace(const struct spec *spec, struct error *err)
{
	if (spec->mount_count)
		return error_set(err, EINVAL, "mounts need a new mount namespace");
	if (spec->linux.masked_paths.count || spec->linux.readonly_paths.count)
		return error_set(err, EINVAL,
		                 "masked and read-only paths need a new mount namespace");
	if (spec->root.readonly)
		return error_set(err, EINVAL, "root.readonly: needs a new mount namespace");
	return 0;
}

static int prepare_all(struct rootfs_plan *plan, const struct rootfs_request *request,
                       struct error *err)
{
	const struct spec *spec = request->spec;
	int r = prepare_propagation(plan, spec->linux.rootfs_propagation, err);

	if (!r)
		r = request->layers ? prepare_layers(plan, request, err)
		                    : prepare_root(plan, request, err);
	if (!r)
		r = prepare_root_mapped(plan, request, err);
	if (r)
		return r;
	if (!plan->new_mount_namespace)
		return check_without_namespace(spec, err);
	r = mounts_prepare(plan, request, err);
	if (!r && !plan->dev_is_bound)
		r = devices_prepare(plan, request, err);
	if (!r)
		r = masks_prepare(plan, &spec->linux, err);
	fd_close(&plan->idmap.fd);
	/* Clones that init makes itself can follow the host's mounts only while its own do. */
	plan->own_propagation = plan->clone_in_child ? MS_SLAVE : MS_PRIVATE;
	return r;
}

static const char *working_directory(const char *cwd)
{
	return cwd && *cwd == '/' && cwd[1] ? cwd : NULL;
}

int rootfs_prepare(const struct rootfs_request *request, struct rootfs_plan **ret,
                   struct error *err)
{
	scoped_rootfs_plan plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return error_code(err, ENOMEM, "prepare the root");
	plan->root = plan->null_tree = plan->null_mount = plan->empty_tree = plan->empty_mount = -1;
	plan->idmap.fd = -1;
	plan->proc_fd = request->proc_fd;
	plan->user_namespace = request->user_namespace;
	plan->new_mount_namespace = request->new_mount_namespace;
	plan->no_pivot = request->no_pivot;
	plan->root_readonly = request->spec->root.readonly;
	if (plan->root_readonly && request->spec->has_process)
		plan->cwd = working_directory(request->spec->process.cwd);
	r = prepare_all(plan, request, err);
	if (r)
		return r;
	*ret = plan;
	plan = NULL;
	return 0;
}

const char *rootfs_path(const struct rootfs_plan *plan)
{
	return plan->path;
}

bool rootfs_wants_mapped(const struct rootfs_plan *plan)
{
	return plan->wants_mapped;
}

int rootfs_prepare_mapped(struct rootfs_plan *plan, int user_namespace_fd, struct error *err)
{
	if (plan->root_mapped && idmap_tree(plan->root, false, user_namespace_fd, err) < 0)
		return error_wrap(err, "root.path \"%s\"", plan->path);
	for (size_t i = 0; i < plan->mount_count; i++) {
		const struct mount_step *step = &plan->mounts[i];

		if (idmap_is_own(step) && idmap_apply(step, user_namespace_fd, err))
			return error_wrap(err, "mount %s", step->name);
	}
	return 0;
}
