/* Mounts added to and removed from a container that lives. Host half. */
#include "runtime/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "namespaces/namespaces.h"
#include "rootfs/path.h"
#include "runtime/container.h"
#include "runtime/descriptors.h"
#include "runtime/exec_plan.h"
#include "runtime/spawn.h"
#include "runtime/sync.h"
#include "spec/encode.h"

/* The guard of one change. */
struct change {
	struct container container;
	struct process init;
	struct process child;
	struct spec *spec;  /* as it is kept */
	struct spec *given; /* the list of the command */
	struct cgroup *group;
	int bundle_fd;
	struct mounts_plan plan;
	struct arena arena;
};

#define CHANGE_NONE                                                                                \
	{                                                                                          \
		.container = CONTAINER_NONE, .init = {.pidfd = -1}, .child = {.pidfd = -1},        \
		.bundle_fd = -1, .plan = {                                                         \
			.proc_fd = -1,                                                             \
			.root_fd = -1,                                                             \
			.sync_fds = {-1, -1}                                                       \
		}                                                                                  \
	}

static void change_done(struct change *change)
{
	spawn_destroy(&change->child);
	process_done(&change->child);
	process_done(&change->init);
	rootfs_plan_free(&change->plan.rootfs);
	fd_close(&change->plan.proc_fd);
	fd_close(&change->plan.root_fd);
	fd_close(&change->plan.sync_fds[0]);
	fd_close(&change->plan.sync_fds[1]);
	fd_close(&change->bundle_fd);
	cgroup_free(&change->group);
	spec_free(&change->given);
	spec_free(&change->spec);
	arena_done(&change->arena);
	container_done(&change->container);
}
#define scoped_change scoped(change_done) struct change

/* --- The container --- */

/* A container that shares our mounts has none of its own that could be changed. */
static int check_namespace(const struct change *change, struct error *err)
{
	if (change->spec->linux.namespaces[NAMESPACE_MOUNT].set)
		return 0;
	return error_set(err, EINVAL, "the container has no mount namespace of its own");
}

/* As exec does: where the namespace is a joined one, the container's root is only its processes'. */
static int open_root(struct change *change, struct error *err)
{
	char path[24];

	if (!change->spec->linux.namespaces[NAMESPACE_MOUNT].path)
		return 0;
	(void)snprintf(path, sizeof(path), "%d/root", change->init.pid);
	change->plan.root_fd = openat(change->plan.proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (change->plan.root_fd < 0)
		return error_errno(err, "root of the container");
	return process_signal(&change->init, 0, err);
}

static int open_container(struct change *change, struct store *store, const char *id,
                          struct error *err)
{
	int r = descriptors_guard(0, err);

	if (r == 0)
		r = container_open(store, id, VERB_MOUNTS, &change->container, err);
	if (r == 0)
		r = container_process(&change->container, &change->init, err);
	if (r == 0)
		r = container_spec(&change->container, &change->spec, err);
	if (r == 0)
		r = check_namespace(change, err);
	if (r < 0)
		return r;
	change->plan.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (change->plan.proc_fd < 0)
		return error_errno(err, "open /proc");
	change->plan.init_pidfd = change->init.pidfd;
	change->plan.namespace_flags =
		exec_namespace_flags(change->spec, &change->plan.pid_namespace);
	return open_root(change, err);
}

/* --- What to add --- */

static bool is_new(const struct spec *spec, enum spec_namespace_type type)
{
	return spec->linux.namespaces[type].set && !spec->linux.namespaces[type].path;
}

static int map_ids(struct change *change, struct error *err)
{
	char path[24];

	if (!rootfs_wants_mapped(change->plan.rootfs))
		return 0;
	(void)snprintf(path, sizeof(path), "%d/ns/user", change->init.pid);

	scoped_fd user = openat(change->plan.proc_fd, path, O_RDONLY | O_CLOEXEC);

	if (user < 0)
		return error_errno(err, "user namespace of the container");
	if (process_signal(&change->init, 0, err) < 0)
		return -err->code;
	return rootfs_prepare_mapped(change->plan.rootfs, user, err);
}

static int prepare_mounts(struct change *change, struct error *err)
{
	const struct spec *kept = change->spec;
	struct spec spec = *kept;
	struct error ignored;
	struct rootfs_request request = {
		.spec = &spec,
		.bundle_path = change->container.record.bundle,
		.proc_fd = change->plan.proc_fd,
		.user_namespace = change->plan.namespace_flags & CLONE_NEWUSER,
		.new_mount_namespace = true,
		.new_cgroup_namespace = is_new(kept, NAMESPACE_CGROUP),
		.new_network_namespace = is_new(kept, NAMESPACE_NETWORK),
		.cgroup_fd = -1,
	};

	spec.mounts = change->given->mounts;
	spec.mount_count = change->given->mount_count;
	change->bundle_fd = open(request.bundle_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (change->bundle_fd < 0) /* it may be gone: sources are absolute then */
		change->bundle_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	request.bundle_fd = change->bundle_fd;
	if (container_cgroup(&change->container, &change->group, &ignored) == 0)
		request.cgroup_fd = cgroup_dirfd(change->group);

	int r = rootfs_prepare_live(&request, &change->plan.rootfs, err);

	return r < 0 ? r : map_ids(change, err);
}

/* --- What to remove --- */

static char *plain_path(struct change *change, const char *destination)
{
	char *path = arena_strdup(&change->arena, destination);

	if (path)
		path_clean(path);
	return path;
}

static bool is_recursive(const struct spec_mount *mount)
{
	bool recursive = str_equal(mount->type, "rbind");

	for (size_t i = 0; i < mount->options.count; i++)
		recursive |= str_equal(mount->options.items[i], "rbind");
	return recursive;
}

/* Takes the last of the added mounts with this destination out of the list of those that stay. */
static int take_added(struct change *change, struct spec_mount *left, size_t *count,
                      uint32_t *added, struct rootfs_removal *removal)
{
	for (size_t i = *count; i > *count - *added; i--) {
		const char *other = plain_path(change, left[i - 1].destination);

		if (!other)
			return -ENOMEM;
		if (!str_equal(other, removal->path))
			continue;
		removal->recursive = is_recursive(&left[i - 1]);
		memmove(&left[i - 1], &left[i], (*count - i) * sizeof(*left));
		(*count)--;
		(*added)--;
		return 0;
	}
	return -ENOENT;
}

/* All that create has mounted, masks and read-only paths among it; `count` mounts are its own. */
static int list_kept(struct change *change, size_t count, struct rootfs_removals *removals)
{
	const struct spec_linux *linux_spec = &change->spec->linux;
	const struct string_list *paths[] = {&linux_spec->masked_paths,
	                                     &linux_spec->readonly_paths};
	size_t room = count + paths[0]->count + paths[1]->count;
	char **kept = arena_alloc(&change->arena, room + 1, sizeof(*kept));
	size_t n = 0;

	if (!kept)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		kept[n++] = plain_path(change, change->spec->mounts[i].destination);
	for (size_t list = 0; list < ARRAY_SIZE(paths); list++)
		for (size_t i = 0; i < paths[list]->count; i++)
			kept[n++] = plain_path(change, paths[list]->items[i]);
	for (size_t i = 0; i < n; i++)
		if (!kept[i])
			return -ENOMEM;
	removals->kept = kept;
	removals->kept_count = n;
	return 0;
}

static int prepare_removals(struct change *change, struct spec_mount *left, size_t *count,
                            uint32_t *added, struct error *err)
{
	const struct spec *given = change->given;
	struct rootfs_removals *removals = &change->plan.removals;

	if (given->mount_count > ROOTFS_REMOVE_MAX)
		return error_set(err, E2BIG, "more than %d mounts at once", ROOTFS_REMOVE_MAX);
	removals->items =
		arena_alloc(&change->arena, given->mount_count + 1, sizeof(*removals->items));
	if (!removals->items || list_kept(change, *count - *added, removals) < 0)
		return error_code(err, ENOMEM, "mounts");
	for (size_t i = given->mount_count; i > 0; i--) {
		const char *destination = given->mounts[i - 1].destination;
		struct rootfs_removal *removal = &removals->items[removals->count++];
		int r = -ENOMEM;

		removal->path = plain_path(change, destination);
		if (removal->path)
			r = take_added(change, left, count, added, removal);

		if (r == -ENOENT)
			return error_set(err, ENOENT,
			                 "mount %s: was not added to the living container",
			                 destination);
		if (r < 0)
			return error_code(err, -r, "mounts");
	}
	return 0;
}

/* --- Both --- */

/* A new procfs shows the pid namespace of who mounts it. */
static bool makes_procfs(const struct spec *given)
{
	for (size_t i = 0; i < given->mount_count; i++)
		if (str_equal(given->mounts[i].type, "proc"))
			return true;
	return false;
}

/*
 * Until the child ends, no process of the container may look into it (CVE-2016-9962). One with
 * CAP_SYS_PTRACE in our user namespace could all the same: the child is in its sight only where it must.
 */
static int spawn(struct change *change, struct error *err)
{
	struct mounts_plan *plan = &change->plan;
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};

	if (sync_pair(plan->sync_fds, err) < 0)
		return -err->code;
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return error_errno(err, "make undumpable");
	/* A user may enter it only with the user namespace, which comes later. */
	if (plan->pid_namespace && plan->rootfs && makes_procfs(change->given) &&
	    setns(plan->init_pidfd, CLONE_NEWPID) < 0 &&
	    (errno != EPERM || !(plan->namespace_flags & CLONE_NEWUSER)))
		return error_errno(err, "join pid namespace");

	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return error_errno(err, "clone");
	if (pid == 0)
		mounts_enter_container(plan);
	change->child = (struct process){.pid = pid, .pidfd = pidfd};
	fd_close(&plan->sync_fds[1]);
	return 0;
}

/*
 * The new configuration is written before anything is mounted, and named afterwards. What is killed between
 * both leaves a mount that only the container's end removes.
 */
static int carry_out(struct change *change, const struct spec_mount *mounts, size_t count,
                     uint32_t added, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	int entry = change->container.entry.fd;
	int r = spec_with_mounts(change->spec, mounts, count, added, &text, &size, err);

	if (r == 0)
		r = store_prepare_config(entry, text, size, err);
	if (r < 0)
		return r;
	r = spawn(change, err);
	if (r == 0)
		r = sync_expect(change->plan.sync_fds[0], SYNC_CREATED, "mounts", NULL, err);
	if (r == 0)
		return store_commit_config(entry, err);
	store_drop_config(entry);
	return r;
}

int container_add_mounts(struct store *store, const char *id, const char *name, const char *text,
                         size_t size, struct error *err)
{
	scoped_change change = CHANGE_NONE;
	struct spec_mount *all;
	size_t count, added;
	int r = spec_parse_mounts(name, text, size, &change.given, err);

	if (r == 0)
		r = open_container(&change, store, id, err);
	if (r == 0)
		r = prepare_mounts(&change, err);
	if (r < 0)
		return r;
	count = change.spec->mount_count;
	added = change.given->mount_count;
	all = arena_alloc(&change.arena, count + added + 1, sizeof(*all));
	if (!all)
		return error_code(err, ENOMEM, "mounts");
	if (count > 0)
		memcpy(all, change.spec->mounts, count * sizeof(*all));
	if (added > 0)
		memcpy(all + count, change.given->mounts, added * sizeof(*all));
	return carry_out(&change, all, count + added, change.spec->added_mounts + (uint32_t)added,
	                 err);
}

int container_remove_mounts(struct store *store, const char *id, const char *name, const char *text,
                            size_t size, struct error *err)
{
	scoped_change change = CHANGE_NONE;
	struct spec_mount *left;
	uint32_t added;
	size_t count;
	int r = spec_parse_mounts(name, text, size, &change.given, err);

	if (r == 0)
		r = open_container(&change, store, id, err);
	if (r < 0)
		return r;
	count = change.spec->mount_count;
	added = change.spec->added_mounts < count ? change.spec->added_mounts : (uint32_t)count;
	left = arena_alloc(&change.arena, count + 1, sizeof(*left));
	if (!left)
		return error_code(err, ENOMEM, "mounts");
	if (count > 0)
		memcpy(left, change.spec->mounts, count * sizeof(*left));
	r = prepare_removals(&change, left, &count, &added, err);
	return r < 0 ? r : carry_out(&change, left, count, added, err);
}
