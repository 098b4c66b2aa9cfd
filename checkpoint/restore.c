/* restore: a new container from an image directory and a bundle. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/pidfd.h"
#include "base/str.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/credentials.h"
#include "checkpoint/facts.h"
#include "checkpoint/hold.h"
#include "checkpoint/image.h"
#include "checkpoint/inherit.h"
#include "checkpoint/lazy.h"
#include "checkpoint/places.h"
#include "checkpoint/restore_log.h"
#include "checkpoint/verify.h"
#include "namespaces/user.h"
#include "rootfs/rootfs.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/foreground.h"

struct restore {
	const struct checkpoint_options *options;
	struct store *store;
	struct foreground *foreground; /* null: nobody stays with the program */
	struct creation creation;
	struct facts facts;
	struct places places;
	int image_fd;
	int criu_images_fd; /* the same as CRIU is to see it; −1: no different */
	int work_fd;
	int root_fd; /* a managed root, mounted but not yet attached; −1: none */
	struct inherited inherited;
	struct firewall *held; /* packets of connections; null: none */
	struct criu criu;
	struct lazy lazy;
	struct verify verify;
	char program[PATH_MAX]; /* CRIU */
	char hidden[PATH_MAX];  /* the state directory */
	char *cgroup;
	bool started; /* CRIU worked on it: there is a log */
};

static void restore_done(struct restore *restore)
{
	criu_done(&restore->criu);
	firewall_free(&restore->held);
	verify_done(&restore->verify);
	creation_done(&restore->creation);
	lazy_done(&restore->lazy);
	inherited_done(&restore->inherited);
	fd_close(&restore->root_fd);
	fd_close(&restore->work_fd);
	fd_close(&restore->criu_images_fd);
	fd_close(&restore->image_fd);
	places_done(&restore->places);
	facts_done(&restore->facts);
	str_free(&restore->cgroup);
}
#define scoped_restore scoped(restore_done) struct restore

/* --- Before CRIU --- */

static const char *image_path(const struct checkpoint_options *options)
{
	return options->image_path ? options->image_path : "checkpoint";
}

static int open_image(struct restore *restore, struct error *err)
{
	const char *path = image_path(restore->options);

	restore->image_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (restore->image_fd < 0)
		return error_errno(err, "image path %s", path);

	int r = facts_read_key(restore->options->key_path, &restore->facts, err);

	if (r < 0)
		return r;
	r = facts_read(restore->image_fd, &restore->facts, err);
	if (r == 0 && restore->facts.pre_dump)
		r = error_set(err, EINVAL,
		              "it is a pre-dump: a checkpoint with --parent-path goes "
		              "on from it");
	return r < 0 ? error_wrap(err, "image path %s", path) : 0;
}

/*
 * CRIU reads the images as root at first, and as the root of the container's user namespace later: theirs is
 * the group (facts_write lets it read).
 */
static int give_image(struct restore *restore, struct error *err)
{
	const struct spec_linux *maps = &restore->creation.plan.spec->linux;
	int64_t gid = user_map_id(&maps->gid_mappings, 0);
	scoped_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!restore->facts.user_namespace)
		return 0;
	if (gid < 0)
		return error_set(err, ENOTSUP, "the user namespace has no root");
	if (proc < 0)
		return error_errno(err, "/proc");
	restore->criu_images_fd = rootfs_open_shared(proc, restore->image_fd, (uint32_t)gid, err);
	return restore->criu_images_fd < 0 ? error_wrap(err, "image directory") : 0;
}

static int open_work(struct restore *restore, struct error *err)
{
	const char *path = restore->options->work_path;

	if (!path) {
		restore->work_fd = fcntl(restore->creation.entry.fd, F_DUPFD_CLOEXEC, 3);
		return restore->work_fd < 0 ? error_errno(err, "state directory") : 0;
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "work path %s", path);
	restore->work_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return restore->work_fd < 0 ? error_errno(err, "work path %s", path) : 0;
}

static int mount_root(struct restore *restore, struct error *err)
{
	const struct disk_root *root = restore->creation.root;

	if (!root)
		return 0;
	restore->root_fd = layer_enter_mount(&root->stack.stack, err);
	return restore->root_fd < 0 ? -err->code : 0;
}

static int prepare(struct restore *restore, struct error *err)
{
	struct creation *creation = &restore->creation;
	const struct cgroup_location *group = cgroup_locate(creation->cgroup);
	char path[FD_PATH_SIZE];
	ssize_t length = readlink(fd_path(creation->entry.fd, path), restore->hidden,
	                          sizeof(restore->hidden) - 1);
	struct places_request request = {
		.facts = &restore->facts,
		.spec = creation->plan.spec,
		.bundle = creation->bundle,
		.hidden = restore->hidden,
		.image_fd = restore->image_fd,
		.user_namespace = restore->facts.user_namespace,
	};

	if (length < 0)
		return error_errno(err, "state directory");
	restore->hidden[length] = '\0';
	if (group->path) {
		restore->cgroup = str_format("%s%s", group->mount, group->path);
		request.cgroup = restore->cgroup;
	}
	creation->plan.user_namespace = creation->plan.spec->linux.namespaces[NAMESPACE_USER].set;

	int r = open_work(restore, err);

	if (r == 0)
		r = give_image(restore, err);
	if (r == 0)
		r = mount_root(restore, err);
	request.root_fd = restore->root_fd;
	if (creation->root)
		request.root_path = creation->root->mount_point;
	if (r == 0)
		r = places_prepare(&request, &restore->places, err);
	creation->rootfs = restore->places.rootfs;
	if (r == 0)
		r = inherit_network(&restore->inherited, &restore->facts, creation->plan.spec, err);
	return r < 0 ? r : inherit_streams(&restore->inherited, &restore->facts, err);
}

static int check_group(const struct restore *restore, struct error *err)
{
	enum checkpoint_cgroups mode = restore->options->cgroups;

	if (mode < CHECKPOINT_CGROUPS_FULL)
		return 0;
	if (restore->facts.groups.count == 0 || restore->facts.groups.nodes[0].value_count < 2)
		return error_set(
			err, EINVAL,
			"the checkpoint has not saved the limits of the control group: it was "
			"made without --manage-cgroups-mode full");
	if (mode == CHECKPOINT_CGROUPS_STRICT && subtree_was_there(restore->creation.cgroup))
		return error_set(
			err, EEXIST,
			"the control group %s is there already (--manage-cgroups-mode strict)",
			cgroup_locate(restore->creation.cgroup)->path);
	return 0;
}

/* In a user namespace of its own nobody has the right that userfaultfd(2) asks for. */
static int check_lazy(const struct restore *restore, struct error *err)
{
	static const char file[] = "/proc/sys/vm/unprivileged_userfaultfd";
	struct error ignored;
	char text[8] = "";

	if (!restore->options->lazy_pages || !restore->facts.user_namespace)
		return 0;
	if (file_read_kernel(AT_FDCWD, file, text, sizeof(text), &ignored) >= 0 &&
	    str_equal(text, "1"))
		return 0;
	return error_set(err, ENOTSUP,
	                 "--lazy-pages: not in a user namespace of its own, unless everybody may "
	                 "call userfaultfd(2) (sysctl vm.unprivileged_userfaultfd=1)");
}

static int check_config(const struct restore *restore, struct error *err)
{
	const struct spec *spec = restore->creation.plan.spec;
	const struct spec_namespace *user = &spec->linux.namespaces[NAMESPACE_USER];

	if (restore->facts.user_namespace != (user->set && !user->path))
		return error_set(err, EINVAL,
		                 "the checkpoint was made %s a user namespace of its own, "
		                 "config.json asks for something else",
		                 restore->facts.user_namespace ? "in" : "without");

	if (!spec->linux.namespaces[NAMESPACE_MOUNT].set ||
	    !spec->linux.namespaces[NAMESPACE_PID].set)
		return error_set(err, ENOTSUP,
		                 "a container without mount and pid namespaces of its own "
		                 "cannot be restored");
	return check_lazy(restore, err);
}

/* --- CRIU --- */

/* In the process that becomes CRIU, which is in the container's cgroup already. */
static int enter(void *context, struct error *err)
{
	struct restore *restore = context;
	const struct spec_namespace *cgroup =
		&restore->creation.plan.spec->linux.namespaces[NAMESPACE_CGROUP];

	if (cgroup_enter_legacy(&restore->creation.plan.legacy, err) < 0)
		return -err->code;
	if (cgroup->set && !cgroup->path && unshare(CLONE_NEWCGROUP) < 0)
		return error_errno(err, "cgroup namespace");
	return places_enter(&restore->places, err);
}

/* CRIU makes the network namespace, together with the user namespace that it belongs to. */
static bool has_new_network(const struct restore *restore)
{
	return restore->facts.user_namespace && restore->facts.network;
}

static bool is_joined_network(const struct restore *restore)
{
	return restore->creation.plan.spec->linux.namespaces[NAMESPACE_NETWORK].path &&
	       !has_new_network(restore);
}

static bool has_connections(const struct restore *restore)
{
	const struct checkpoint_options *o = restore->options;

	if (!restore->facts.network || !restore->facts.connections || o->tcp_close)
		return false;
	return o->lock != CRIU_LOCK_SKIP || !is_joined_network(restore);
}

/* The first process is there, its namespaces are empty: what create does once init exists. */
static int on_namespaces(struct restore *restore, pid_t pid, struct error *err)
{
	struct creation *creation = &restore->creation;
	int pidfd = pidfd_open(pid, 0);

	if (pidfd < 0)
		return error_errno(err, "pidfd_open %d", pid);
	creation->init = (struct process){.pid = pid, .pidfd = pidfd};
	creation->start_time = process_start_time(pid, NULL);

	int r = creation_note_process(creation, err);

	if (r == 0)
		r = credentials_check_maps(pid, creation->plan.spec, err);
	if (r == 0 && has_new_network(restore))
		r = inherit_loopback(pid, err);
	/* Before the hooks, which may connect it with others. */
	if (r == 0 && has_connections(restore))
		restore->held = hold_connections(pid, is_joined_network(restore) ? STANDSTILL_RESETS
		                                                                 : STANDSTILL_ALL);
	if (r == 0)
		r = cgroup_settle(creation->cgroup, err);
	/* CRIU makes all others of this one. */
	if (r == 0 && creation->resctrl.group)
		r = resctrl_add(&creation->resctrl, pid, err);
	if (r == 0)
		r = creation_fill_record(creation, err);
	if (r == 0)
		r = creation_run_hooks(creation, STATUS_CREATING, HOOK_PRESTART, err);
	return r < 0 ? r : creation_run_hooks(creation, STATUS_CREATING, HOOK_CREATE_RUNTIME, err);
}

/* All is restored and nothing runs yet: the last moment at which it can be refused. */
static int on_restored(struct restore *restore, struct error *err)
{
	const struct checkpoint_options *o = restore->options;
	int r = places_correct(&restore->facts, restore->creation.init.pid, err);

	if (r == 0 && o->cgroups != CHECKPOINT_CGROUPS_IGNORE)
		r = subtree_load(restore->creation.cgroup, &restore->facts.groups,
		                 o->cgroups >= CHECKPOINT_CGROUPS_FULL, err);
	if (r == 0)
		r = verify_finish(&restore->verify, err);
	if (r == 0 && o->restored)
		r = o->restored(restore->creation.init.pid, o->context, err);
	if (r == 0)
		r = creation_commit(&restore->creation, err);
	/* From here on it is a container, which others may end. */
	if (r == 0)
		restore->criu.watched = restore->creation.init.pidfd;
	/* As in run: from here on there is a program to forward signals to, and its end is one of them. */
	return r == 0 && restore->foreground ? foreground_begin(restore->foreground, err) : r;
}

/*
 * Only now the processes have their credentials, and they still stand. CRIU takes no "no" any more, but what
 * was killed never runs.
 */
static int on_credentials(struct restore *restore, struct error *err)
{
	struct cgroup *group = restore->creation.cgroup;
	struct error ignored;
	int r = 0;

	if (cgroup_dirfd(group) >= 0)
		r = credentials_check_processes(group, restore->creation.plan.spec, err);
	if (r < 0 && cgroup_kill(group, &ignored) < 0)
		(void)!process_signal(&restore->creation.init, SIGKILL, &ignored);
	return r;
}

/* The other end of the terminal, which lay outside the container. */
static int on_terminal(struct restore *restore, int fd, struct error *err)
{
	fd_close(&restore->creation.console);
	restore->creation.console = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return restore->creation.console < 0 ? error_errno(err, "terminal") : 0;
}

static int on_step(const char *step, pid_t pid, int fd, void *context, struct error *err)
{
	struct restore *restore = context;

	if (str_equal(step, "orphan-pts-master"))
		return on_terminal(restore, fd, err);

	if (str_equal(step, "setup-namespaces"))
		return on_namespaces(restore, pid, err);
	if (str_equal(step, "post-restore"))
		return on_restored(restore, err);
	/* All ends are there. */
	if (str_equal(step, "network-unlock"))
		firewall_free(&restore->held);
	if (str_equal(step, "pre-resume"))
		return on_credentials(restore, err);
	return 0;
}

/* A daemon that somebody else has started in the work path serves, as with runc. */
static bool has_daemon(const struct restore *restore)
{
	return restore->options->work_path &&
	       faccessat(restore->work_fd, LAZY_SOCKET_NAME, F_OK, 0) == 0;
}

static int start_lazy(struct restore *restore, struct error *err)
{
	const struct lazy_request request = {
		.program = restore->program,
		.facts = &restore->facts,
		.images_fd = restore->image_fd,
		.work_fd = restore->work_fd,
		.cgroup_fd = cgroup_dirfd(restore->creation.cgroup),
		.address = restore->options->server_address,
		.port = restore->options->server_port,
	};

	if (has_daemon(restore))
		return 0;
	if (request.cgroup_fd < 0)
		return error_set(err, ENOTSUP,
		                 "--lazy-pages: the container gets no cgroup of its own, by which "
		                 "it could be ended if its memory does not come");
	return lazy_start(&request, &restore->lazy, err);
}

/* Memory that is read at once is checked meanwhile; memory that comes later, by who watches that. */
static int start_memory(struct restore *restore, struct error *err)
{
	if (restore->options->memory_is_checked)
		restore->facts.page_count = 0;
	if (restore->options->lazy_pages)
		return start_lazy(restore, err);
	/* What is taken away while it is read cannot be checked meanwhile. */
	if (restore->options->auto_dedup)
		return facts_check_pages(restore->image_fd, &restore->facts, err);
	return verify_start(restore->image_fd, &restore->facts, &restore->verify, err);
}

static int start_criu(struct restore *restore, struct error *err)
{
	struct criu_launch launch = {
		.program = restore->program,
		.cgroup_fd = cgroup_dirfd(restore->creation.cgroup),
		.inherit = restore->inherited.list,
		.inherit_count = restore->inherited.count,
		.prepare = enter,
		.context = restore,
		.in_session = restore->options->shell_job,
	};
	int r = criu_find(restore->program, err);

	if (r == 0)
		r = start_memory(restore, err);
	if (r < 0)
		return r;
	r = criu_start(&restore->criu, &launch, err);
	/* A daemon that failed takes all with it that is in the container's group, so it is asked first. */
	if (restore->lazy.ready >= 0) {
		struct error failure;
		int ready = lazy_await(&restore->lazy, restore->work_fd, &failure);

		if (ready < 0)
			*err = failure;
		r = ready < 0 ? ready : r;
	}
	return r;
}

static int run_criu(struct restore *restore, struct error *err)
{
	const struct checkpoint_options *o = restore->options;
	struct criu_options options = {
		.images_fd =
			restore->criu_images_fd < 0 ? restore->image_fd : restore->criu_images_fd,
		.work_fd = restore->work_fd,
		.log_file = RESTORE_LOG_NAME,
		.root = restore->places.root,
		.lsm_profile = o->lsm_profile,
		.lsm_mount_context = o->lsm_mount_context,
		.external = restore->places.external,
		.external_count = restore->places.external_count,
		.inherit = restore->inherited.list,
		.inherit_count = restore->inherited.count,
		.network_lock = o->lock              ? o->lock
	                        : o->tcp_established ? CRIU_LOCK_NFTABLES
	                                             : CRIU_LOCK_SKIP,
		.ext_unix_sockets = o->ext_unix_sockets,
		.tcp_established = o->tcp_established,
		.tcp_close = o->tcp_close,
		.shell_job = o->shell_job,
		.file_locks = o->file_locks,
		.link_remap = o->link_remap,
		.lazy_pages = o->lazy_pages,
		.auto_dedup = o->auto_dedup,
		.empty_network = has_new_network(restore),
		.config = criu_config(restore->creation.plan.spec),
	};
	pid_t pid = 0;
	int r;

	restore->started = true;
	r = criu_restore(&restore->criu, &options, on_step, restore, &pid, err);
	/* Its end is that of a container as any other. */
	if (r > 0)
		return 0;
	if (r == 0 && (restore->creation.init.pidfd < 0 || pid != restore->creation.init.pid))
		return error_set(err, EPROTO, "criu reported another process than it restored");
	return r;
}

static void settle_log(struct restore *restore, int result, struct error *err)
{
	const struct restore_log log = {
		.image_path = image_path(restore->options),
		.work_path = restore->options->work_path,
		.image_fd = restore->image_fd,
		.work_fd = restore->work_fd,
		.store = restore->store,
		.id = restore->creation.entry.id,
		.state = restore->hidden,
	};

	if (restore->options->lazy_pages && restore->lazy.control >= 0)
		(void)unlinkat(restore->work_fd, LAZY_SOCKET_NAME, 0);
	restore_log_settle(&log, result, err);
}

/* --- The whole --- */

static int stay(struct restore *restore, struct foreground *foreground, int *ret_exit,
                struct error *err)
{
	struct creation *creation = &restore->creation;
	struct error failure;
	int status = 0;

	store_entry_unlock(&creation->entry);

	int r = foreground_wait(foreground, &creation->init, &creation->console, &status, err);

	if (r < 0)
		return r;
	foreground_end(foreground);
	*ret_exit = process_exit_code(status);
	if (!creation->options->keep && creation_destroy(creation, STATUS_STOPPED, &failure) < 0)
		log_write(LOG_LEVEL_WARNING, "restore: clean up: %s", failure.text);
	return 0;
}

static int restore_all(struct restore *restore, const struct create_options *create,
                       struct error *err)
{
	int r = open_image(restore, err);

	if (r == 0)
		r = creation_reserve(&restore->creation, restore->store, create, false, err);
	if (r == 0)
		r = cgroup_open_legacy(restore->creation.cgroup, &restore->creation.plan.legacy,
		                       err);
	if (r == 0)
		r = check_group(restore, err);
	if (r == 0)
		r = check_config(restore, err);
	if (r == 0)
		r = credentials_check_images(restore->image_fd, restore->creation.plan.spec, err);
	if (r == 0)
		r = prepare(restore, err);
	if (r == 0)
		r = start_criu(restore, err);
	return r;
}

int checkpoint_restore(struct store *store, const struct create_options *create,
                       const struct checkpoint_options *options, int *ret_exit, struct error *err)
{
	scoped_foreground foreground = {0};
	scoped_restore restore = {
		.options = options,
		.store = store,
		.foreground = create->detach ? NULL : &foreground,
		.creation = CREATION_NONE,
		.image_fd = -1,
		.criu_images_fd = -1,
		.work_fd = -1,
		.root_fd = -1,
		.inherited = INHERITED_NONE,
		.criu = CRIU_NONE,
		.lazy = LAZY_NONE,
		.verify = VERIFY_NONE,
	};

	if (geteuid() != 0)
		return error_set(err, EPERM, "a restore needs root");

	int r = restore_all(&restore, create, err);

	if (r == 0)
		r = run_criu(&restore, err);
	if (r < 0)
		r = lazy_explain(&restore.lazy, restore.work_fd, err);
	if (restore.started)
		settle_log(&restore, r, err);
	criu_done(&restore.criu);
	if (r == 0)
		r = creation_run_hooks(&restore.creation, STATUS_RUNNING, HOOK_POSTSTART, err);
	if (r < 0)
		return r;
	if (restore.lazy.control >= 0)
		lazy_keep(&restore.lazy);
	creation_keep(&restore.creation);
	*ret_exit = 0;
	return create->detach ? 0 : stay(&restore, &foreground, ret_exit, err);
}
