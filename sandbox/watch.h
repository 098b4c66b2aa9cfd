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

struct watch {
	const struct sandbox_options *options;
	struct launch *launch;         /* borrowed; null before the launch */
	const struct storage *storage; /* borrowed */
	struct pump out, err; /* from the program's streams to ours, where they pass through us */
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
int watch_prepare(struct watch *ret, struct error *err) must_check;
/* The launch failed or is done: our own streams are ours again. */
void watch_restore(struct watch *watch);
int watch_run(struct watch *watch, struct launch *launch, const struct storage *storage,
              struct error *err) must_check;

#endif
