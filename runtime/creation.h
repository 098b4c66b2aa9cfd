/*
 * A container in the making, shared by create and run: everything that exists already is in one
 * guard, which takes all of it back unless creation_keep was called.
 *
 *	creation_begin → creation_converse → creation_commit → (creation_start) → creation_keep
 */
#ifndef LVM_RUN_RUNTIME_CREATION_H
#define LVM_RUN_RUNTIME_CREATION_H

#include <limits.h>

#include "base/process.h"
#include "cgroups/resctrl.h"
#include "net/devices.h"
#include "runtime/container.h"
#include "runtime/disk_root.h"
#include "runtime/plan.h"
#include "runtime/store.h"

struct creation {
	const struct create_options *options;
	struct store_entry entry;
	struct init_plan plan;
	struct cgroup *cgroup;
	bool cgroup_created;
	struct process init;
	struct resctrl resctrl;          /* all null: none */
	struct net_devices *net_devices; /* the interfaces that have been moved; null: none */
	int bundle_fd;
	int console; /* the pty's master, once init has sent it; −1: none */
	char bundle[PATH_MAX];
	const char *rootfs;     /* absolute; null: the one of the plan */
	struct disk_root *root; /* null: the root is root.path of the configuration */
	char boot_id[BOOT_ID_SIZE];
	uint64_t start_time;
	struct record record;
	bool pid_file_written;
	bool hooks_begun; /* the record is filled, and undoing it ends with the poststop hooks */
	bool kept;
};

#define CREATION_NONE                                                                              \
	{                                                                                          \
		.entry = {.fd = -1, .journal_fd = -1}, .init = {.pidfd = -1}, .bundle_fd = -1,     \
		.console = -1,                                                                     \
		.plan = {                                                                          \
			.proc_fd = -1,                                                             \
			.sync_fds = {-1, -1},                                                      \
			.listen_fd = -1,                                                           \
			.reaper_fd = -1,                                                           \
			.hold_fd = -1,                                                             \
		},                                                                                 \
	}

/* Undoes what is not kept: init, cgroup, pid file, state; then frees. */
void creation_done(struct creation *creation);
#define scoped_creation scoped(creation_done) struct creation

/*
 * Loads the configuration, takes the id, writes the journal, makes cgroup, plan and init. `listen`:
 * init will be started through the socket in the state directory (create).
 */
int creation_begin(struct creation *creation, struct store *store,
                   const struct create_options *options, bool listen, struct error *err) must_check;

/*
 * creation_begin up to the making of plan and init, which a restore has from elsewhere: id, journal
 * and cgroup are there afterwards.
 */
int creation_reserve(struct creation *creation, struct store *store,
                     const struct create_options *options, bool listen,
                     struct error *err) must_check;

/* Init and its start time are known: that goes into the journal. */
int creation_note_process(struct creation *creation, struct error *err) must_check;

/* Fills the record from what is known once init exists (hooks are shown it before it is written). */
int creation_fill_record(struct creation *creation, struct error *err) must_check;

/* Runs the host's hooks of `kind`, which are told `status`. */
int creation_run_hooks(const struct creation *creation, enum container_status status,
                       enum spec_hook_kind kind, struct error *err) must_check;

/* The host's half of the conversation, up to CREATED. */
int creation_converse(struct creation *creation, struct error *err) must_check;

/* Record, console, pid file, pidfd socket; COMMIT to an init that waits for it. */
int creation_commit(struct creation *creation, struct error *err) must_check;

/* START over the sync socket, execve, poststart hooks. */
int creation_start(struct creation *creation, struct error *err) must_check;

/*
 * The same for who does not need to know how far init is: all that it is to hear is said ahead, while it works, and
 * the caller is woken once, when the program runs or init has failed.
 *
 *	creation_begin → creation_can_hurry → creation_hurry → creation_hurry_start → creation_keep
 */

/* Whether init has nothing to wait for and nothing to send: no hooks before the pivot, no terminal. */
bool creation_can_hurry(const struct creation *creation) must_check;

/* For creation_converse and creation_commit: HOST_READY and all that commit writes. Init may have failed by then. */
int creation_hurry(struct creation *creation, struct error *err) must_check;

/* For creation_start: START, then what init answered to all of it. The error is its own, wherever it failed. */
int creation_hurry_start(struct creation *creation, struct error *err) must_check;

/* The container stays. */
void creation_keep(struct creation *creation);

/*
 * Ends and removes after all what was kept and unlocked; poststop hooks run. What another command has removed
 * meanwhile is no error.
 */
int creation_destroy(struct creation *creation, enum container_status status,
                     struct error *err) must_check;

#endif
