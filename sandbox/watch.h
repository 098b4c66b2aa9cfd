/*
 * While the program runs: its output, the clocks, the signals. Host side.
 *
 *	watch_prepare   before the launch: the streams that the program will inherit
 *	watch_run       until it has ended, by itself or by one of the limits, and init is reaped
 */
#ifndef LVM_RUN_SANDBOX_WATCH_H
#define LVM_RUN_SANDBOX_WATCH_H

#include <sys/resource.h>

#include "sandbox/pump.h"
#include "sandbox/sandbox.h"
#include "sandbox/storage.h"
#include "sandbox/terminal.h"

/* Which limit ended the program; WATCH_NONE: it ended itself. */
enum watch_stop { WATCH_NONE, WATCH_TIMEOUT, WATCH_SILENT, WATCH_LOG, WATCH_INTERRUPTED };

/* What runs; the descriptors are borrowed. */
struct watch_subject {
	struct process init; /* pid 1, a child of ours: with it all ends */
	struct process
		program; /* who is waited for and gets the signals: mostly init, which hands them on */
	int status_fd; /* where init says how its program ended; −1: it does not */
	int console;   /* the master of the program's terminal; −1: none */
	bool stays;    /* init goes on after it has said so */
};

struct watch {
	const struct sandbox_options *options;
	struct watch_subject subject;
	const struct storage *storage; /* borrowed; null before watch_run */
	struct pump in; /* from our standard input to the program's, where it passes through us */
	struct pump out, err; /* the same of the other two, the other way */
	struct terminal terminal;
	uint64_t bytes; /* of output that passed */
	enum watch_stop stop;
	bool ended; /* the program's status is known */
	int status; /* as of waitpid(2) */
	bool disk_was_full;
	uint64_t started_ms, last_output_ms, killed_ms, term_ms;
	uint64_t wall_us;
	struct rusage usage; /* of init and all that it reaped */
};

void watch_done(struct watch *watch);
#define scoped_watch scoped(watch_done) struct watch

/* Makes it empty: then watch_done may follow. */
void watch_begin(struct watch *ret, const struct sandbox_options *options);
/* `all`: all streams pass through us, and files as input too: nobody inside gets a file of the caller. */
int watch_prepare(struct watch *ret, bool all, struct error *err) must_check;
/* The launch failed or is done: our own streams are ours again. */
void watch_restore(struct watch *watch);
int watch_run(struct watch *watch, const struct watch_subject *subject,
              const struct storage *storage, struct error *err) must_check;

#endif
