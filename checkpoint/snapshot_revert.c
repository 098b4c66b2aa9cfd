/* snapshot revert, and what a killed command has left undone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "checkpoint/facts.h"
#include "checkpoint/hold.h"
#include "checkpoint/origin.h"
#include "checkpoint/session.h"
#include "runtime/delete.h"

/* The present state, for the case that the one that is wanted cannot be had. */
#define UNDO "+undo"

enum { FREEZE_TIMEOUT_MS = 10000 };

struct revert {
	const struct snapshot_options *options;
	struct session session;
	struct firewall *held; /* packets of connections; null: none */
	int64_t frozen_ns;
	bool undoable; /* the present state was saved */
};

static void revert_done(struct revert *revert)
{
	firewall_free(&revert->held);
	session_done(&revert->session);
}
#define scoped_revert scoped(revert_done) struct revert

/* --- Before anything is changed --- */

static int check_node(const struct revert *revert, const struct disk_node *node, struct error *err)
{
	char path[PATH_MAX];
	int r = 0;

	if (revert->session.disk.record.foreign)
		return error_set(err, ENOTSUP,
		                 "the root is not managed by lvm-run (--overlay), so it cannot be "
		                 "put back; clone --from %s makes a new container of it",
		                 node->name);
	for (size_t i = 0; i < node->layers.count && r == 0; i++) {
		scoped_fd layer =
			disk_layer_open(&revert->session.disk, node->layers.items[i], "data", err);

		r = layer < 0 ? layer : 0;
	}
	if (r < 0 || !node->memory)
		return r;
	r = session_node_path(&revert->session.disk, node->name, "/" DISK_MEMORY_NAME, path, err);
	if (r < 0)
		return r;

	scoped_facts facts = {0};
	scoped_fd image = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (image < 0)
		return error_errno(err, "images of snapshot %s", node->name);
	return facts_read(image, &facts, err);
}

/*
 * In a network namespace that outlives the processes CRIU would leave its lock for a restore of these images,
 * while it is others that are restored: nobody would ever take it away. Ours ends with this command.
 */
static int lock_network(struct revert *revert, struct checkpoint_options *dump, struct error *err)
{
	const struct container *container = &revert->session.container;
	scoped_spec spec = NULL;

	if (!dump->tcp_established || dump->lock == CRIU_LOCK_SKIP)
		return 0;

	int r = container_spec(container, &spec, err);

	if (r < 0)
		return r;

	const struct spec_namespace *network = &spec->linux.namespaces[NAMESPACE_NETWORK];

	if (network->set && !network->path)
		return 0;
	dump->lock = CRIU_LOCK_SKIP;
	revert->held = hold_connections(container->record.pid, STANDSTILL_ALL);
	return 0;
}

/* Saves the processes; they have ended afterwards. */
static int save_present(struct revert *revert, struct error *err)
{
	struct session *session = &revert->session;
	struct checkpoint_options dump = revert->options->checkpoint;
	char path[PATH_MAX];
	int r = session_node_make(session, UNDO, err);

	dump.leave_running = false;
	dump.frozen = session_on_saved;
	dump.context = session;
	dump.ret_frozen_ns = &revert->frozen_ns;
	if (r == 0)
		r = lock_network(revert, &dump, err);
	if (r == 0)
		r = session_save(session, UNDO, &dump, path, err);
	revert->undoable = r == 0;
	if (r < 0)
		return error_wrap(err, "the present state cannot be saved for the case that the "
		                       "revert fails (--force does without)");
	return 0;
}

/* --- Back to the old state --- */

static int undo(struct session *session, const struct checkpoint_options *options, bool undoable,
                struct error *err)
{
	struct disk_record *record = &session->disk.record;
	struct disk_operation old = record->operation;
	char path[PATH_MAX];
	int r = 0;

	record->upper = old.upper;
	record->layers = old.layers;
	record->current = old.current;
	r = session_enter(session, PHASE_SAVED, err);
	if (r == 0 && undoable) {
		r = session_await_idle(session, err);
		if (r == 0)
			r = session_node_path(&session->disk, UNDO, "/" DISK_MEMORY_NAME, path,
			                      err);
		if (r == 0)
			r = session_revive(session, UNDO, path, options, err);
	}
	return r;
}

static int end_operation(struct session *session, struct error *err)
{
	scoped_str node = NULL;
	const struct disk_record *record = &session->disk.record;

	/* One that never came to be has left its directory. */
	if (record->operation.node && !disk_record_find(record, record->operation.node))
		node = strdup(record->operation.node);

	int r = session_finish(session, err);

	if (node)
		session_node_remove(&session->disk, node);
	session_node_remove(&session->disk, UNDO);
	return r < 0 ? r : disk_sweep(session->disk.store_fd, err);
}

/* --- Forward to the new one --- */

/* The one rename that decides: from here on the new state is what a kill is followed by. */
static int decide(struct session *session, const struct disk_node *node, struct error *err)
{
	scoped_fd layer = -1;
	int r = session_replace_upper(session, &node->layers, &layer, err);

	session->disk.record.current = node->name;
	return r < 0 ? r : session_enter(session, PHASE_RESTORE, err);
}

static int go_there(struct session *session, const struct disk_node *node, bool start,
                    const struct checkpoint_options *options, struct error *err)
{
	char path[PATH_MAX];
	int r = session_await_idle(session, err);

	/* It is another run of what was: what must not happen twice can be told from the first. */
	if (r == 0)
		r = identity_write(&session->disk, NULL, err);
	if (r < 0 || (!node->memory && !start))
		return r;
	r = session_node_path(&session->disk, node->name, "/" DISK_MEMORY_NAME, path, err);
	return r < 0 ? r
	             : session_revive(session, node->name, node->memory ? path : NULL, options,
	                              err);
}

static int revert_to(struct revert *revert, const struct disk_node *node, bool was_alive,
                     struct error *err)
{
	struct session *session = &revert->session;
	const struct checkpoint_options *options = &revert->options->checkpoint;
	struct error late;
	int r = container_end(&session->container, err);

	if (r == 0)
		r = decide(session, node, err);
	if (r == 0)
		r = go_there(session, node, was_alive || revert->options->start, options, err);
	if (r == 0)
		return end_operation(session, err);
	if (undo(session, options, revert->undoable, &late) < 0)
		(void)error_wrap(err, "the old state could not be had again either (%.200s)",
		                 late.text);
	else
		(void)error_wrap(err, "the old state is back%s",
		                 was_alive && !revert->undoable ? " but for its processes" : "");
	r = -err->code;
	(void)!end_operation(session, &late);
	return r;
}

int snapshot_revert(struct store *store, const char *id, const char *name,
                    const struct snapshot_options *options, struct snapshot_result *ret,
                    struct error *err)
{
	scoped_revert revert = {.options = options, .session = SESSION_NONE};
	struct session *session = &revert.session;
	int r = session_open(session, store, id, options->store_path, false, err);

	if (r < 0)
		return r;

	struct disk_node *node = disk_record_find(&session->disk.record, name);
	bool alive = session_is_alive(session);
	bool saves = alive && session->container.status != STATUS_CREATED;

	if (!node)
		return error_set(err, ENOENT, "snapshot %s does not exist", name);
	r = check_node(&revert, node, err);
	if (r == 0)
		r = session_begin(session, "revert", name, UNDO, err);
	if (r < 0)
		return r;
	session_take_streams(session);
	revert.frozen_ns = alive ? clock_monotonic_ns() : 0;
	if (saves) {
		r = save_present(&revert, err);
		if (r < 0 && !options->force) {
			struct error late;

			(void)!end_operation(session, &late);
			return r;
		}
	}
	r = revert_to(&revert, node, alive, err);
	firewall_free(&revert.held);
	if (r < 0)
		return r;
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->memory = node->memory;
	ret->running = session_is_alive(session);
	if (revert.frozen_ns)
		ret->frozen_us = (uint64_t)(clock_monotonic_ns() - revert.frozen_ns) / 1000;
	return 0;
}

/* --- After a kill --- */

static bool has_undo(const struct session *session)
{
	return faccessat(session->disk.fd,
	                 DISK_NODES_NAME "/" UNDO "/" DISK_MEMORY_NAME "/" MANIFEST_NAME, F_OK,
	                 0) == 0;
}

bool session_is_whole(const struct session *session)
{
	char path[32];
	char text[4096];
	struct error ignored;

	if (!session_is_alive(session))
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", session->container.record.pid);
	if (file_read_kernel(AT_FDCWD, path, text, sizeof(text), &ignored) < 0)
		return false;
	return strstr(text, "\nTracerPid:\t0\n") && !strstr(text, "\nState:\tt") &&
	       !strstr(text, "\nState:\tT");
}

static int recover_frozen(struct session *session, bool was_paused, struct error *err)
{
	scoped_cgroup group = NULL;
	int r = container_cgroup(&session->container, &group, err);

	if (r == 0 && !was_paused)
		r = cgroup_thaw(group, FREEZE_TIMEOUT_MS, err);
	if (r == 0 && !was_paused && session->container.status == STATUS_PAUSED)
		session->container.status = STATUS_RUNNING;
	return r == -ENOENT ? 0 : r;
}

/* The images are whole, and that is all that is certain: what lives ends, and comes back from them. */
static int recover_snapshot(struct session *session, bool decided,
                            const struct checkpoint_options *options, struct error *err)
{
	struct disk_record *record = &session->disk.record;
	char path[PATH_MAX];
	scoped_fd layer = -1;
	struct disk_node node = {
		.name = record->operation.node, .method = record->operation.verb, .memory = true};
	static const char rotated[] = "rotated";
	int r = container_end(&session->container, err);

	node.method = (char *)(uintptr_t)rotated; /* only read */
	if (r == 0)
		r = session_await_idle(session, err);
	if (r == 0 && !decided) {
		r = session_rotate(session, &layer, err);
		node.layers = record->layers;
		if (r == 0)
			r = session_add_node(session, &node, err);
		if (r == 0)
			r = session_enter(session, PHASE_RESTORE, err);
	}
	if (r == 0)
		r = session_node_path(&session->disk, node.name, "/" DISK_MEMORY_NAME, path, err);
	return r < 0 ? r : session_revive(session, node.name, path, options, err);
}

static int recover_revert(struct session *session, bool decided,
                          const struct checkpoint_options *options, struct error *err)
{
	const struct disk_record *record = &session->disk.record;
	const struct disk_node *node = disk_record_find(record, record->operation.node);
	bool undoable = has_undo(session);
	int r = container_end(&session->container, err);

	if (r == 0 && decided && node) {
		r = go_there(session, node, undoable, options, err);
		if (r == 0)
			return 0;
	}
	return undo(session, options, undoable, err);
}

int session_recover(struct session *session, struct error *err)
{
	const struct disk_operation *operation = &session->disk.record.operation;
	const struct checkpoint_options options = {
		.tcp_established = true, .ext_unix_sockets = true, .file_locks = true};
	bool is_revert = str_equal(operation->verb, "revert");
	bool decided = str_equal(operation->phase, PHASE_RESTORE);
	int r;

	if (str_equal(operation->verb, VERB_BIRTH) && !session_is_whole(session))
		return error_set(err, EBUSY,
		                 "its making was cut off (delete --force or gc removes it)");
	if (decided && session_is_whole(session))
		r = 0;
	else if (str_equal(operation->phase, PHASE_SAVED) || decided)
		r = is_revert ? recover_revert(session, decided, &options, err)
		              : recover_snapshot(session, decided, &options, err);
	else
		r = recover_frozen(session, str_equal(operation->phase, PHASE_PAUSED), err);
	if (r < 0)
		return error_wrap(err, "finish what a killed command has begun");
	return end_operation(session, err);
}
