/*
 * Warm starts: a sandbox whose daemons run already, from a template. A template is a directory of the store
 * (checkpoint/clone.h), with one node whose method is "sandbox":
 *
 *	init            pid 1 of its processes (helper/init.c), as it was when they were saved
 *	sandbox.txt     which sandbox it is: a start must ask for the same (warm_record.c)
 *	nodes/state/memory/    the processes (checkpoint.h)
 *	nodes/state/layers/N/  what they have written to the Nth directory of the view that is discarded
 *
 *	saving:   warm_begin → warm_shape → warm_launch → (watch until the command has ended) → warm_save
 *	starting: warm_begin → warm_shape → warm_launch, which restores it and runs the command in it → (watch)
 *
 * Overlays are mounted out here and bound into the view: a restore cannot make them again, and could
 * not find them if nobody out here had them. Landlock cannot be saved (the kernel tells nobody of it, and CRIU could
 * not talk to who is confined by it): the daemons are without, the command of a start has it, as it has the filter.
 * Nobody inside gets a file of the caller therefore: all of its streams pass through us. Host side.
 */
#ifndef LVM_RUN_SANDBOX_WARM_H
#define LVM_RUN_SANDBOX_WARM_H

#include <stdint.h>

#include "runtime/disk.h"
#include "sandbox/sandbox.h"
#include "sandbox/view.h"
#include "sandbox/watch.h"
#include "spec/writer.h"

struct run;

struct warm {
	struct disk disk; /* of the template, locked until it is restored or saved */
	int control;      /* saving: our end of what pid 1 tells; −1 */
	bool begun;       /* saving: what is there is half a template */
	struct process command;
	uint64_t restore_us;
};
#define WARM_NONE                                                                                  \
	{                                                                                          \
		.disk = DISK_NONE, .control = -1, .command = {.pidfd = -1 }                        \
	}
/* Removes half a template. */
void warm_done(struct warm *warm);

/* Whether a run has to do with templates at all: without, none of the rest is called. */
bool warm_is_asked(const struct sandbox_options *options);

/* EINVAL with the name of an option that goes with no template. */
int warm_begin(struct run *run, struct error *err) must_check;
/* After view_build: adds pid 1, compares with the template and takes its layers, mounts the overlays. */
int warm_shape(struct run *run, struct error *err) must_check;

/* What runs when a template is saved: pid 1 before the command. In the view's arena; null: no memory. */
char **warm_command(struct run *run) must_check;

int warm_launch(struct run *run, const struct create_options *create, struct launch **ret,
                struct error *err) must_check;
void warm_set_subject(const struct run *run, struct watch_subject *subject);

/*
 * The command has ended: if with 0, what runs and what was written becomes the template, and nothing runs
 * afterwards. Else there is none, which is no error.
 */
int warm_save(struct run *run, struct error *err) must_check;

/* The object `key` of a report; nothing without a template. */
void warm_write(struct json_writer *writer, const char *key, const struct warm *warm,
                const struct sandbox_options *options);

/* --- Parts --- */

#define WARM_INIT_NAME "init"
#define WARM_RECORD_NAME "sandbox.txt"
#define WARM_LAYERS_NAME DISK_NODES_NAME "/state/layers"
/* Where the sandbox has pid 1's file. */
#define WARM_INIT_TARGET "/dev/lvm-run-init"

/* Which sandbox this is, a line for each fact; null: no memory (free). */
char *warm_record_write(const struct run *run) must_check;
/* EINVAL with the option in which `now` differs from `saved`. */
int warm_record_compare(const char *saved, const char *now, struct error *err) must_check;

/* The directory in which lies what is discarded of a mount; null: it has none. */
const char *warm_layer(const struct view_mount *mount);

int warm_save_begin(struct run *run, struct error *err) must_check;
int warm_start_begin(struct run *run, struct error *err) must_check;
int warm_start_fill(struct run *run, struct error *err) must_check;
int warm_start_launch(struct run *run, const struct create_options *create, struct launch **ret,
                      struct error *err) must_check;
int warm_save_launch(struct run *run, const struct create_options *create, struct launch **ret,
                     struct error *err) must_check;

#endif
