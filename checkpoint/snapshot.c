/* snapshot create. */
#include "checkpoint/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "checkpoint/parent.h"
#include "checkpoint/session.h"
#include "runtime/delete.h"

enum { FREEZE_TIMEOUT_MS = 10000 };

struct take {
	const struct snapshot_options *options;
	struct snapshot_result *result;
	struct session session;
	struct disk_node node;
	char layer[LAYER_NAME_SIZE]; /* of a copy */
	int layer_fd;                /* holds the lock on a new layer until it is named */
	int64_t frozen_ns;           /* since when, and until when (0: now) */
	int64_t thawed_ns;
	bool begun; /* there may be something to take back */
	bool done;
};

/* A failure leaves no node and no phase behind; what ended meanwhile has been revived, or is stopped. */
static void take_done(struct take *take)
{
	struct error ignored;

	fd_close(&take->layer_fd);
	if (take->begun && !take->done) {
		session_node_remove(&take->session.disk, take->node.name);
		if (take->session.disk.record.operation.verb)
			(void)!session_finish(&take->session, &ignored);
		(void)!disk_sweep(take->session.disk.store_fd, &ignored);
	}
	session_done(&take->session);
}
#define scoped_take scoped(take_done) struct take

/* --- Names --- */

static int choose_name(struct take *take, struct error *err)
{
	const struct disk_record *record = &take->session.disk.record;
	char *name = take->result->name;
	size_t size = sizeof(take->result->name);

	if (take->options->name) {
		/* Those with a plus sign in front are ours. */
		if (!disk_name_valid(take->options->name) || take->options->name[0] == '+')
			return error_set(
				err, EINVAL,
				"invalid name \"%.64s\" of a snapshot: letters, digits and "
				"_-+. are allowed, the last two not in front",
				take->options->name);
		(void)snprintf(name, size, "%s", take->options->name);
		return disk_record_find(record, name)
		               ? error_set(err, EEXIST, "snapshot %s exists", name)
		               : 0;
	}
	for (size_t number = record->node_count + 1;; number++) {
		(void)snprintf(name, size, "s%zu", number);
		if (!disk_record_find(record, name))
			return 0;
	}
}

static int make_node(struct take *take, struct error *err)
{
	int r = choose_name(take, err);

	if (r < 0)
		return r;
	take->node.name = take->result->name;
	if (take->options->comment) {
		take->node.comment =
			arena_strdup(&take->session.disk.arena, take->options->comment);
		if (!take->node.comment)
			return error_code(err, ENOMEM, "snapshot");
	}
	take->begun = true;
	return session_node_make(&take->session, take->node.name, err);
}

/* --- Copying --- */

/* While nothing writes to it. The layer is named by no record before the node is. */
static int copy_upper(struct take *take, struct error *err)
{
	struct disk *disk = &take->session.disk;
	scoped_fd from = session_open_upper(&take->session, err);
	scoped_fd to = -1;
	int r;

	if (from < 0)
		return from;
	r = disk_layer_make(disk, &disk->record.layers, take->layer, &take->layer_fd, err);
	if (r < 0)
		return r;
	to = disk_layer_open(disk, take->layer, "data", err);
	return to < 0 ? to : layer_copy(from, to, &take->result->copied, err);
}

static void name_method(struct take *take, const char *method)
{
	take->result->method = method;
	take->node.method = (char *)(uintptr_t)method; /* only read */
}

static int commit_copy(struct take *take, struct error *err)
{
	struct disk *disk = &take->session.disk;
	int r = disk_list_join(disk, take->layer, &disk->record.layers, &take->node.layers, err);

	name_method(take, "copied");
	if (r == 0)
		r = session_add_node(&take->session, &take->node, err);
	return r < 0 ? r : session_finish(&take->session, err);
}

static void note_frozen(struct take *take)
{
	int64_t end = take->thawed_ns ? take->thawed_ns : clock_monotonic_ns();

	if (take->frozen_ns)
		take->result->frozen_us = (uint64_t)(end - take->frozen_ns) / 1000;
	take->node.frozen_us = take->result->frozen_us;
}

static int on_frozen_copy(pid_t pid unused_parameter, void *context, struct error *err)
{
	return copy_upper(context, err);
}

/*
 * A snapshot that memory is tracked since. Restores and comparisons read all images that one goes on from, so there is
 * an end to them.
 */
static bool find_base(const struct take *take, char ret[static PATH_MAX])
{
	enum { CHAIN_MAX = 16 };
	const struct session *session = &take->session;
	const struct disk_record *record = &session->disk.record;
	char digest[SHA256_HEX_SIZE];
	struct error ignored;

	if (!tracked_since(&session->container, digest))
		return false;
	for (size_t i = record->node_count; i > 0; i--) {
		const struct disk_node *node = &record->nodes[i - 1];

		if (!node->memory || session_node_path(&session->disk, node->name,
		                                       "/" DISK_MEMORY_NAME, ret, &ignored) < 0)
			continue;

		scoped_fd images = open(ret, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (images >= 0 && tracked_is(digest, images))
			return parent_depth(images) < CHAIN_MAX;
	}
	return false;
}

/* Only what has changed where that is known; whatever is wrong with that, all of the memory needs nothing. */
static int save_live(struct take *take, struct checkpoint_options *dump, struct error *err)
{
	char path[PATH_MAX], base[PATH_MAX];
	struct error failure;
	int r;

	dump->track_memory = true;
	if (!find_base(take, base))
		return session_save(&take->session, take->node.name, dump, path, err);
	dump->base_path = base;
	r = session_save(&take->session, take->node.name, dump, path, &failure);
	dump->base_path = NULL;
	take->result->incremental = r == 0;
	if (r == 0)
		return 0;
	log_write(LOG_LEVEL_WARNING, "snapshot: all of the memory is saved: %s", failure.text);
	fd_close(&take->layer_fd);
	take->result->copied = (struct layer_copied){0};
	return session_save(&take->session, take->node.name, dump, path, err);
}

/* Processes and disk, the processes stay. */
static int take_live(struct take *take, struct error *err)
{
	struct session *session = &take->session;
	struct checkpoint_options dump = take->options->checkpoint;
	int r = session_begin(session, "snapshot", take->node.name, NULL, err);

	dump.leave_running = true;
	dump.frozen = on_frozen_copy;
	dump.context = take;
	dump.ret_frozen_ns = &take->frozen_ns;
	dump.ret_thawed_ns = &take->thawed_ns;
	if (r == 0)
		r = save_live(take, &dump, err);
	if (r < 0)
		return r;
	note_frozen(take);
	take->node.memory = take->result->memory = true;
	return commit_copy(take, err);
}

/* The disk of a container that lives. */
static int take_frozen_disk(struct take *take, struct error *err)
{
	struct session *session = &take->session;
	bool was_frozen = session->container.status == STATUS_PAUSED;
	scoped_cgroup group = NULL;
	struct error late;
	int r = session_begin(session, "snapshot", take->node.name, NULL, err);

	if (r == 0)
		r = container_cgroup(&session->container, &group, err);
	if (r == -ENOENT)
		return error_set(err, ENOTSUP,
		                 "the container has no cgroup of its own, so that it cannot be "
		                 "frozen");
	if (r == 0 && !was_frozen) {
		take->frozen_ns = clock_monotonic_ns();
		r = cgroup_freeze(group, FREEZE_TIMEOUT_MS, err);
	}
	if (r == 0)
		r = copy_upper(take, err);
	if (group && !was_frozen && cgroup_thaw(group, FREEZE_TIMEOUT_MS, &late) < 0)
		log_write(LOG_LEVEL_WARNING, "snapshot: %s", late.text);
	note_frozen(take);
	return r < 0 ? r : commit_copy(take, err);
}

/* --- Rotating --- */

/* The writable layer becomes the node's: O(1). `next`: a phase, or null for the end. */
static int commit_rotation(struct take *take, const char *next, struct error *err)
{
	struct session *session = &take->session;
	int64_t begin = clock_monotonic_ns();
	int r = session_await_idle(session, err);

	if (r == 0)
		r = session_rotate(session, &take->layer_fd, err);

	name_method(take, "rotated");
	take->node.layers = session->disk.record.layers;
	if (r == 0)
		r = session_add_node(session, &take->node, err);
	if (r == 0)
		r = next ? session_enter(session, next, err) : disk_write(&session->disk, err);
	take->result->disk_us = (uint64_t)(clock_monotonic_ns() - begin) / 1000;
	fd_close(&take->layer_fd);
	return r;
}

static int take_stopped(struct take *take, struct error *err)
{
	return commit_rotation(take, NULL, err);
}

/* Nothing writes to somebody else's root now, as far as we know. */
static int take_stopped_foreign(struct take *take, struct error *err)
{
	int r = copy_upper(take, err);

	return r < 0 ? r : commit_copy(take, err);
}

/* dump → stop → rotate → restore in place. */
static int take_rotated(struct take *take, struct error *err)
{
	struct session *session = &take->session;
	struct checkpoint_options dump = take->options->checkpoint;
	bool was_paused = session->container.status == STATUS_PAUSED;
	char path[PATH_MAX];
	int r = session_begin(session, "snapshot", take->node.name, NULL, err);

	session_take_streams(session);
	dump.leave_running = false;
	dump.frozen = session_on_saved;
	dump.context = session;
	dump.ret_frozen_ns = &take->frozen_ns;
	if (r == 0)
		r = session_save(session, take->node.name, &dump, path, err);
	if (r < 0)
		return r;
	take->node.memory = take->result->memory = true;
	r = container_end(&session->container, err);
	if (r == 0)
		r = commit_rotation(take, PHASE_RESTORE, err);
	if (r < 0)
		return r;
	take->done = true; /* the node is whole from here on */
	r = session_revive(session, take->node.name, path, &take->options->checkpoint, err);
	if (r < 0) {
		struct error late;

		(void)!session_finish(session, &late);
		return error_wrap(err, "snapshot %s is whole, but the container did not come back",
		                  take->node.name);
	}
	note_frozen(take);
	disk_record_find(&session->disk.record, take->node.name)->frozen_us = take->node.frozen_us;
	if (was_paused)
		(void)!session_pause(session, err);
	return session_finish(session, err);
}

/* --- The whole --- */

static int choose_and_take(struct take *take, struct error *err)
{
	const struct snapshot_options *options = take->options;
	bool foreign = take->session.disk.record.foreign;

	if (!session_is_alive(&take->session))
		return foreign ? take_stopped_foreign(take, err) : take_stopped(take, err);
	if (options->disk_only)
		return take_frozen_disk(take, err);
	return options->live || foreign ? take_live(take, err) : take_rotated(take, err);
}

int snapshot_create(struct store *store, const char *id, const struct snapshot_options *options,
                    struct snapshot_result *ret, struct error *err)
{
	scoped_take take = {
		.options = options, .result = ret, .session = SESSION_NONE, .layer_fd = -1};
	int r = session_open(&take.session, store, id, options->store_path, true, err);

	if (r == 0 && options->live && !session_is_alive(&take.session))
		return error_set(err, ESRCH, "cannot take a live snapshot: container not running");
	if (r == 0 && take.session.disk.record.foreign)
		r = foreign_find(&take.session, err);
	if (r == 0)
		r = make_node(&take, err);
	if (r == 0)
		r = choose_and_take(&take, err);
	take.done |= r == 0;
	/* It is there in any case. */
	if (r == 0 && options->checkpoint.sync && syncfs(take.session.disk.fd) < 0)
		r = error_errno(err, "the snapshot was made, but --sync failed");
	return r;
}
