/* checkpoint: a running container becomes an image directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/facts.h"
#include "checkpoint/follow.h"
#include "checkpoint/guardian.h"
#include "checkpoint/image.h"
#include "checkpoint/parent.h"
#include "checkpoint/timers.h"
#include "checkpoint/tmpfs.h"
#include "checkpoint/tree.h"
#include "runtime/container.h"
#include "runtime/delete.h"

enum { FREEZE_TIMEOUT_MS = 10000 };

struct dump {
	const struct checkpoint_options *options;
	struct container *container;
	struct cgroup *group;
	bool was_frozen;
	bool frozen;
	bool gone;  /* CRIU has ended the processes */
	bool saved; /* all is in the images */
	struct spec *spec;
	struct facts facts;
	struct image image;
	struct criu criu;
	struct follow follow;
	struct parent parent;
	bool tracks; /* the kernel begins to track changes of memory anew */
	struct guardian guardian;
	int work_fd;
	const char **external;
	size_t external_count;
};

static int thaw(struct dump *dump, struct error *err)
{
	bool frozen = dump->frozen && !dump->was_frozen;

	dump->frozen = false;
	return frozen ? cgroup_thaw(dump->group, FREEZE_TIMEOUT_MS, err) : 0;
}

/* A container runs on as it did before, whatever happened, unless it was to be ended. */
static void dump_done(struct dump *dump)
{
	struct error err;

	/* First of all CRIU: it may hold the processes. */
	criu_done(&dump->criu);
	follow_done(&dump->follow);
	parent_done(&dump->parent);
	if (!dump->gone && thaw(dump, &err) < 0)
		log_write(LOG_LEVEL_WARNING, "checkpoint: %s", err.text);
	guardian_done(&dump->guardian);
	cgroup_free(&dump->group);
	image_done(&dump->image);
	fd_close(&dump->work_fd);
	facts_done(&dump->facts);
	spec_free(&dump->spec);
}
#define scoped_dump scoped(dump_done) struct dump

/* --- What is there --- */

static int find_group(struct dump *dump, struct error *err)
{
	int r = container_cgroup(dump->container, &dump->group, err);

	if (r == -ENOENT)
		return error_set(err, ENOTSUP,
		                 "the container has no cgroup of its own, so that it cannot be "
		                 "frozen");
	if (r == 0)
		r = cgroup_is_frozen(dump->group, err);
	dump->was_frozen = r > 0;
	return r < 0 ? r : 0;
}

static int start_guardian(struct dump *dump, struct error *err)
{
	const struct guardian_request request = {
		.group = dump->group,
		.thaw = !dump->was_frozen,
		.image = &dump->image,
	};

	return guardian_start(&request, &dump->guardian, err);
}

static int freeze(struct dump *dump, struct error *err)
{
	int r = dump->was_frozen ? 0 : cgroup_freeze(dump->group, FREEZE_TIMEOUT_MS, err);

	dump->frozen = true;
	return r;
}

static int add_external(struct dump *dump, char *text, struct error *err)
{
	if (!text)
		return error_code(err, ENOMEM, "checkpoint");
	dump->external[dump->external_count++] = text;
	return 0;
}

static int add_streams(struct dump *dump, struct error *err)
{
	const struct fact_stream *streams = dump->facts.streams;
	int r = 0;

	for (size_t i = 0; i < STREAM_COUNT && r == 0; i++) {
		bool known = !streams[i].key || !streams[i].external;

		for (size_t j = 0; j < i; j++)
			known |= str_equal(streams[i].key, streams[j].key);
		if (!known)
			r = add_external(dump, streams[i].key, err);
	}
	return r;
}

static int list_external(struct dump *dump, struct error *err)
{
	struct facts *facts = &dump->facts;
	int r = 0;

	dump->external = arena_alloc(&facts->arena, facts->mount_count + STREAM_COUNT + 1,
	                             sizeof(*dump->external));
	if (!dump->external)
		return error_code(err, ENOMEM, "checkpoint");
	for (size_t i = 0; i < facts->mount_count && r == 0; i++) {
		char key[MOUNT_KEY_SIZE];

		if (facts->mounts[i].source != MOUNT_INTERNAL)
			r = add_external(dump,
			                 arena_format(&facts->arena, "mnt[%s]:%s",
			                              facts->mounts[i].path,
			                              facts_mount_key(i, key)),
			                 err);
	}
	if (r == 0 && facts->network && !facts->user_namespace)
		r = add_external(dump,
		                 arena_format(&facts->arena, "net[%llu]:" FACTS_NETWORK_KEY,
		                              (unsigned long long)facts->network_inode),
		                 err);
	return r < 0 ? r : add_streams(dump, err);
}

/* In one of its own a restored process has no right to enter namespaces that belong to another. */
static int check_user_namespace(const struct checkpoint_options *options,
                                const struct spec_linux *linux_, struct error *err)
{
	const struct spec_namespace *user = &linux_->namespaces[NAMESPACE_USER];

	if (!user->set)
		return 0;
	if (options->pre_dump || options->parent_path)
		return error_set(err, ENOTSUP,
		                 "--%s: the images of a container with a user namespace of its own "
		                 "are read in there, where those of a parent are out of reach",
		                 options->pre_dump ? "pre-dump" : "parent-path");
	if (user->path)
		return error_set(err, ENOTSUP,
		                 "a container that has joined the user namespace %s cannot be "
		                 "saved: only one of its own can be made again",
		                 user->path);
	if (linux_->namespaces[NAMESPACE_NETWORK].path)
		return error_set(err, ENOTSUP,
		                 "a container with a user namespace of its own that has joined the "
		                 "network namespace %s cannot be saved: it could not join it again",
		                 linux_->namespaces[NAMESPACE_NETWORK].path);
	return 0;
}

/*
 * What CRIU makes for --link-remap it makes later. In a user namespace of its own a file system belongs to that, and a
 * pre-dump has memory alone: CRIU's, both.
 */
static int save_tmpfs(struct dump *dump, struct error *err)
{
	const struct checkpoint_options *o = dump->options;
	struct tmpfs_request request = {
		.init = dump->container->record.pid,
		.directory = dump->image.fd,
	};
	pid_t *pids = NULL;
	int r;

	if (o->pre_dump || o->link_remap || dump->facts.user_namespace) {
		tmpfs_leave(&dump->facts);
		return 0;
	}
	r = cgroup_pids(dump->group, &pids, &request.pid_count, err);
	request.pids = pids;
	if (r == 0)
		r = tmpfs_save(&request, &dump->facts, err);
	free(pids);
	return r;
}

static int survey(struct dump *dump, struct error *err)
{
	int r = container_spec(dump->container, &dump->spec, err);
	const struct spec *spec = dump->spec;

	if (r == 0)
		r = check_user_namespace(dump->options, &spec->linux, err);
	if (r == 0 && spec->linux.net_device_count > 0)
		r = error_set(err, ENOTSUP,
		              "linux.netDevices: interfaces are not part of a checkpoint, so a "
		              "container that was given one cannot be saved");
	if (r == 0)
		r = facts_collect(dump->container->record.pid, spec, &dump->facts, err);
	if (r == 0)
		r = save_tmpfs(dump, err);
	if (r < 0)
		return r;
	if (!dump->options->pre_dump && dump->options->cgroups != CHECKPOINT_CGROUPS_IGNORE)
		r = subtree_save(dump->group, dump->options->cgroups >= CHECKPOINT_CGROUPS_FULL,
		                 &dump->facts.arena, &dump->facts.groups, err);
	if (r < 0)
		return r;
	dump->facts.pre_dump = dump->options->pre_dump;
	dump->facts.dedup = dump->options->auto_dedup && dump->options->parent_path;
	dump->facts.remote_pages = dump->options->server_port && !dump->options->lazy_pages;
	dump->facts.id = arena_strdup(&dump->facts.arena, dump->container->record.id);
	return dump->facts.id ? list_external(dump, err) : error_code(err, ENOMEM, "checkpoint");
}

/* --- Dump --- */

static int open_work(struct dump *dump, struct error *err)
{
	const char *path = dump->options->work_path;

	if (!path) {
		dump->work_fd = fcntl(dump->image.fd, F_DUPFD_CLOEXEC, 3);
		return dump->work_fd < 0 ? error_errno(err, "image directory") : 0;
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "work path %s", path);
	dump->work_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dump->work_fd < 0 ? error_errno(err, "work path %s", path) : 0;
}

static int take_digest(struct dump *dump, struct error *err)
{
	struct fact_file *known = &dump->facts.known;
	struct follow_result result;
	int r = follow_finish(&dump->follow, &result, err);

	if (r < 0 || !*result.sha256)
		return r;
	known->name = arena_strdup(&dump->facts.arena, FOLLOW_NAME);
	known->sha256 = arena_strdup(&dump->facts.arena, result.sha256);
	known->size = result.size;
	return known->name && known->sha256 ? 0 : error_code(err, ENOMEM, "checkpoint");
}

/* What goes on anyway need not wait for the digests; what is to end must not before the images are whole. */
static bool seals_late(const struct dump *dump)
{
	const struct checkpoint_options *o = dump->options;

	return o->pre_dump || (o->leave_running && !o->lazy_pages);
}

static int seal(struct dump *dump, struct error *err)
{
	int r = dump->follow.talk < 0 ? 0 : take_digest(dump, err);

	if (r == 0 && !dump->options->pre_dump)
		r = timers_mend(dump->image.fd, err);
	if (r < 0)
		return r;
	r = facts_write(&dump->facts, dump->image.fd, err);
	if (r == 0 && dump->options->sync && syncfs(dump->image.fd) < 0)
		r = error_errno(err, "--sync: %s", dump->image.path);
	if (r == 0)
		r = image_seal(&dump->image, err);
	if (r == 0 && dump->options->sync && fsync(dump->image.parent_fd) < 0)
		r = error_errno(err, "--sync: the directory of %s", dump->image.path);
	if (r == 0 && dump->tracks && seals_late(dump))
		r = tracked_note(dump->container, dump->image.fd, err);
	return r;
}

static int run_on_and_seal(struct dump *dump, struct error *err)
{
	int r = thaw(dump, err);

	if (r == 0 && !dump->was_frozen && dump->options->ret_thawed_ns)
		*dump->options->ret_thawed_ns = clock_monotonic_ns();
	return r < 0 ? r : seal(dump, err);
}

/* All is saved and the processes still stand: the last moment at which all can be undone. */
static int on_step(const char *step, pid_t pid unused_parameter, int fd unused_parameter,
                   void *context, struct error *err)
{
	struct dump *dump = context;
	const char ready = '\0';

	if (str_equal(step, "status-ready") && dump->options->status_fd > 0 &&
	    fd_write_all(dump->options->status_fd, &ready, 1) < 0)
		return error_set(err, EPIPE, "--status-fd: nobody reads it");
	if (!str_equal(step, "post-dump"))
		return 0;

	int r = seals_late(dump) ? 0 : seal(dump, err);

	dump->saved = r == 0;
	if (r == 0 && dump->options->frozen)
		r = dump->options->frozen(dump->container->record.pid, dump->options->context, err);
	return r;
}

static char *cgroup_path(const struct dump *dump)
{
	const struct cgroup_location *place = cgroup_locate(dump->group);

	return str_format("%s%s", place->mount, place->path);
}

static enum criu_network_lock lock_of(const struct checkpoint_options *options)
{
	if (options->lock)
		return options->lock;
	return options->tcp_established ? CRIU_LOCK_NFTABLES : CRIU_LOCK_SKIP;
}

static int check_lock(const struct checkpoint_options *options, struct error *err)
{
	bool can = true;
	int r = options->pre_dump || lock_of(options) != CRIU_LOCK_NFTABLES
	                ? 0
	                : criu_can_lock_network(&can, err);

	return r == 0 && !can
	               ? error_set(err, ENOTSUP,
	                           "the network cannot be locked by nftables here (this kernel or "
	                           "this CRIU lacks it): give --network-lock iptables, or skip")
	               : r;
}

static int check_features(struct dump *dump, struct error *err)
{
	const struct checkpoint_options *o = dump->options;
	struct criu_features features = {0};
	int r = check_lock(o, err);

	if (r < 0)
		return r;
	if (!o->pre_dump && !o->parent_path && !o->lazy_pages && !o->track_memory)
		return 0;

	r = criu_features(&dump->criu, &features, err);
	if (r == 0 && (o->pre_dump || o->parent_path) && !features.mem_track)
		return error_set(err, ENOTSUP,
		                 "--pre-dump and --parent-path: this kernel does not track changed "
		                 "memory (CONFIG_MEM_SOFT_DIRTY)");
	if (r == 0 && o->lazy_pages && !features.lazy_pages)
		return error_set(
			err, ENOTSUP,
			"--lazy-pages: this kernel has no userfaultfd(2) that CRIU could use");
	dump->tracks = features.mem_track && (o->pre_dump || o->parent_path || o->track_memory);
	return r;
}

/* Before the container stands still: its start takes a good part of the time. */
static int start_criu(struct dump *dump, struct error *err)
{
	char program[PATH_MAX];
	const struct criu_inherit word = {NULL, dump->guardian.word};
	struct criu_launch launch = {
		.program = program,
		.cgroup_fd = -1,
		.inherit = &word,
		.inherit_count = 1,
	};
	int r = criu_find(program, err);

	if (r == 0)
		r = criu_start(&dump->criu, &launch, err);
	return r < 0 ? r : check_features(dump, err);
}

/*
 * The images that these go on from. What somebody else keeps is read as a whole, while nothing stands still yet; that of
 * our own snapshots when it is used.
 */
static int open_parent(struct dump *dump, struct error *err)
{
	const struct checkpoint_options *o = dump->options;
	struct parent *parent = &dump->parent;
	const char *path = o->base_path ? o->base_path : o->parent_path;

	if (!path)
		return 0;

	int r = parent_open(parent, dump->container, dump->image.fd, path, &dump->facts, err);

	if (r == 0 && o->base_path)
		return parent_adopt(parent->fd, dump->image.fd, err);
	if (r == 0 && facts_check_pages(parent->fd, &parent->facts, err) < 0)
		return error_wrap(err, "parent path %s", path);
	return r;
}

/* Worth a process when there is much of it. */
static int follow_memory(struct dump *dump, struct error *err)
{
	enum { MUCH_KIB = 16 * 1024 };

	return tree_status_number(dump->container->record.pid, "\nVmRSS:\t") < MUCH_KIB
	               ? 0
	               : follow_start(dump->image.fd, &dump->follow, err);
}

static int run_criu(struct dump *dump, struct error *err)
{
	const struct checkpoint_options *o = dump->options;
	scoped_str freezer = cgroup_path(dump);
	struct criu_options options = {
		.images_fd = dump->image.fd,
		.work_fd = dump->work_fd,
		.log_file = DUMP_LOG_NAME,
		.pid = dump->container->record.pid,
		.freeze_cgroup = freezer,
		.external = dump->external,
		.external_count = dump->external_count,
		.network_lock = lock_of(o),
		.ghost_limit = o->ghost_limit,
		.leave_running = o->leave_running,
		.ext_unix_sockets = o->ext_unix_sockets,
		.tcp_established = o->tcp_established,
		.tcp_close = o->tcp_close,
		.tcp_skip_in_flight = o->tcp_skip_in_flight,
		.shell_job = o->shell_job,
		.file_locks = o->file_locks,
		.link_remap = o->link_remap,
		.lazy_pages = o->lazy_pages,
		.auto_dedup = o->auto_dedup,
		.track_mem = dump->tracks,
		.empty_network = dump->facts.user_namespace && dump->facts.network,
		.parent = o->base_path ? PARENT_NAME : o->parent_path,
		.config = criu_config(dump->spec),
		.server_address = o->server_address,
		.server_port = o->server_port,
	};

	if (!freezer)
		return error_code(err, ENOMEM, "checkpoint");

	int r = follow_memory(dump, err);

	if (r == 0 && dump->tracks)
		r = tracked_forget(dump->container, err);
	if (r < 0)
		return r;
	r = o->pre_dump ? criu_pre_dump(&dump->criu, &options, on_step, dump, err)
	                : criu_dump(&dump->criu, &options, on_step, dump, err);

	/* It reports no end of a pre-dump. */
	if (r == 0 && !o->pre_dump && !dump->saved)
		return error_set(err, EPROTO, "criu did not report the end of the dump");
	if (r == 0 && seals_late(dump))
		return run_on_and_seal(dump, err);
	if (r < 0) {
		const char *folder = o->work_path ? o->work_path : dump->image.path;
		size_t length = strlen(err->text);

		if (faccessat(dump->work_fd, DUMP_LOG_NAME, F_OK, 0) == 0)
			(void)snprintf(err->text + length, sizeof(err->text) - length,
			               "; log: %s/" DUMP_LOG_NAME, folder);
	}
	return r;
}

int checkpoint_dump(struct store *store, const char *id, const struct checkpoint_options *options,
                    struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	const char *path = options->image_path ? options->image_path : "checkpoint";
	scoped_dump dump = {
		.options = options,
		.container = options->container ? options->container : &container,
		.image = IMAGE_NONE,
		.criu = CRIU_NONE,
		.follow = FOLLOW_NONE,
		.parent = PARENT_NONE,
		.guardian = GUARDIAN_NONE,
		.work_fd = -1,
	};

	if (geteuid() != 0)
		return error_set(err, EPERM, "a checkpoint needs root");

	int r = options->container ? container_check(options->container, VERB_CHECKPOINT, err)
	                           : container_open(store, id, VERB_CHECKPOINT, &container, err);

	if (r == 0)
		r = facts_read_key(options->key_path, &dump.facts, err);
	if (r == 0)
		r = find_group(&dump, err);
	if (r == 0)
		r = image_begin(path, &dump.image, err);
	if (r == 0)
		r = start_guardian(&dump, err);
	if (r == 0)
		r = image_make(&dump.image, err);
	if (r == 0)
		r = open_work(&dump, err);
	if (r == 0)
		r = start_criu(&dump, err);
	if (r == 0)
		r = open_parent(&dump, err);
	if (r == 0)
		r = freeze(&dump, err);
	if (r == 0 && !dump.was_frozen && options->ret_frozen_ns)
		*options->ret_frozen_ns = clock_monotonic_ns();
	if (r == 0)
		r = tree_check(dump.group, dump.container->record.pid, options->stop_exec, err);
	if (r == 0)
		r = survey(&dump, err);
	if (r == 0)
		r = run_criu(&dump, err);
	if (r < 0)
		return r;
	image_keep(&dump.image);
	if (options->leave_running || options->pre_dump)
		return 0;
	dump.gone = true;
	return options->container ? 0 : container_destroy(&container, err);
}
