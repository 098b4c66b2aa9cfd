/* The host's half of mounts that are added to a living container. */
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/str.h"
#include "rootfs/plan.h"

/* What the child cannot do alone, or could not take back. */
static int check_step(const struct mount_step *step, struct error *err)
{
	if (step->kind == MOUNT_CHANGE)
		return error_set(err, EOPNOTSUPP,
		                 "remount: not possible while the container lives");
	if (step->kind == MOUNT_SYMLINK)
		return error_set(err, EOPNOTSUPP,
		                 "copy-symlink of a link: not possible while the container lives");
	return 0;
}

static int prepare(struct rootfs_plan *plan, const struct rootfs_request *request,
                   struct error *err)
{
	int r = mounts_prepare(plan, request, err);

	for (size_t i = 0; r == 0 && i < plan->mount_count; i++) {
		struct mount_step *step = &plan->mounts[i];

		step->is_dev = false;
		if (check_step(step, err) < 0)
			r = error_wrap(err, "mount %s", step->name);
		/* In there a path of the host means something else; only sources are opened before. */
		if (step->kind != MOUNT_TREE)
			step->host_path = NULL;
	}
	fd_close(&plan->idmap.fd);
	return r;
}

static bool wants_source(const struct mount_step *step)
{
	return step->kind == MOUNT_TREE && step->tree < 0 && step->host_path;
}

bool rootfs_wants_sources(const struct rootfs_plan *plan)
{
	for (size_t i = 0; i < plan->mount_count; i++)
		if (wants_source(&plan->mounts[i]))
			return true;
	return false;
}

int rootfs_prepare_live(const struct rootfs_request *request, struct rootfs_plan **ret,
                        struct error *err)
{
	scoped_rootfs_plan plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return error_code(err, ENOMEM, "prepare the mounts");
	plan->root = plan->null_tree = plan->null_mount = plan->empty_tree = plan->empty_mount = -1;
	plan->idmap.fd = -1;
	plan->proc_fd = request->proc_fd;
	plan->user_namespace = request->user_namespace;
	plan->new_mount_namespace = true;
	plan->bundle = arena_strdup(&plan->arena, request->bundle_path);
	if (!plan->bundle)
		return error_code(err, ENOMEM, "prepare the mounts");
	r = prepare(plan, request, err);
	if (r < 0)
		return r;
	*ret = plan;
	plan = NULL;
	return 0;
}

bool rootfs_is_idmapped(const struct spec_mount *mount)
{
	const struct string_list *options = &mount->options;

	if (mount->uid_mappings.count || mount->gid_mappings.count)
		return true;
	for (size_t i = 0; i < options->count; i++) {
		const char *word = options->items[i] + (options->items[i][0] == 'r');

		if (str_equal(word, "idmap") || str_starts(word, "idmap="))
			return true;
	}
	return false;
}

int rootfs_open_bind(const struct rootfs_request *request, const struct spec_mount *mount,
                     struct error *err)
{
	struct spec_mount one = *mount;
	struct spec spec = *request->spec;
	struct rootfs_request part = *request;
	scoped_rootfs_plan plan = NULL;

	/* The container's own maps, by name: its user namespace is not there yet. */
	if (!one.uid_mappings.count && !one.gid_mappings.count) {
		one.uid_mappings = spec.linux.uid_mappings;
		one.gid_mappings = spec.linux.gid_mappings;
	}
	spec.mounts = &one;
	spec.mount_count = 1;
	part.spec = &spec;

	int r = rootfs_prepare_live(&part, &plan, err);

	if (r < 0)
		return r;
	if (!plan)
		return error_code(err, EINVAL, "mount %s", mount->destination);

	int tree = plan->mounts[0].tree;

	if (tree < 0)
		return error_set(err, EPERM, "mount %s: not possible from here",
		                 mount->destination);
	plan->mounts[0].tree = -1;
	return tree;
}
