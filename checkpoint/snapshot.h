/*
 * Snapshots: a named tree of states of a container, its disk and, where its processes were saved too, its memory,
 * of the same instant. The records are those of runtime/disk.h. Needs root.
 *
 * The disk of a managed root is taken without copying by sealing the writable layer (rotating), which needs that
 * nothing is mounted: of a container that runs, it is saved, ended, given a new writable layer and restored in
 * place. Where the processes are to stay (live), and of the root of an engine, the writable layer is copied
 * while they stand still. There the kernel is asked to track changes of memory, where it can, and the next one saves only
 * what has changed: its images have a second name for each file that they go on from (parent.h), so that every snapshot
 * is whole by itself, whatever becomes of the others. A restore ends that, and the next one is full again.
 *
 * Whatever is cut off (kill -9) is brought to its old or its new state by the next of these functions on that
 * container, by its deletion, or by snapshot_recover_all. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_SNAPSHOT_H
#define LVM_RUN_CHECKPOINT_SNAPSHOT_H

#include "checkpoint/checkpoint.h"
#include "rootfs/layer.h"
#include "runtime/disk.h"

struct snapshot_options {
	const char *store_path; /* null: the default */
	const char *name;       /* null: s1, s2, … */
	const char *comment;
	bool disk_only;
	bool live;
	bool start; /* revert: start the program anew where the snapshot has no memory */
	bool force; /* revert: also when the present state cannot be saved for the case that it fails */
	struct checkpoint_options checkpoint;
};

struct snapshot_result {
	char name[256];
	const char *method; /* "rotated", "copied" */
	bool memory;
	bool incremental;   /* of the memory what has changed since another snapshot */
	bool running;       /* revert: it runs now */
	uint64_t frozen_us; /* how long processes stood still; 0: there were none */
	uint64_t
		disk_us; /* of that, or of the whole: what sealing the disk took; 0: it was copied */
	struct layer_copied copied;
	bool merged; /* delete: the layer was merged into the one above it */
	bool kept;   /* delete: the layer stays for the time being, as it is in use */
};

int snapshot_create(struct store *store, const char *id, const struct snapshot_options *options,
                    struct snapshot_result *ret, struct error *err) must_check;

/* The container goes on where it was then. In the end it is as before or as then, never between. */
int snapshot_revert(struct store *store, const char *id, const char *name,
                    const struct snapshot_options *options, struct snapshot_result *ret,
                    struct error *err) must_check;

/* Snapshots that came after it get its parent. */
int snapshot_delete(struct store *store, const char *id, const char *name,
                    const struct snapshot_options *options, struct snapshot_result *ret,
                    struct error *err) must_check;

/* What the memory of a snapshot takes: by itself, and with what it goes on from. */
struct snapshot_memory {
	uint64_t own;
	uint64_t total;
	bool incremental;
};
int snapshot_memory(const struct disk *disk, const struct disk_node *node,
                    struct snapshot_memory *ret, struct error *err) must_check;

/* The records, to be read, and not changed by others until disk_done. −ENOENT: there are none. */
int snapshot_look(struct store *store, const char *id, const char *store_path, struct disk *ret,
                  struct error *err) must_check;

/* From `from` to `to`; a null one is the present state. */
struct snapshot_pair {
	const char *store_path;
	const char *from;
	const char *to;
};
int snapshot_diff(struct store *store, const char *id, const struct snapshot_pair *pair,
                  layer_report *report, void *context, struct error *err) must_check;

/*
 * Ends what killed commands have left undone, and removes roots whose container is gone, unless they were to be
 * kept or have snapshots; `report` as of container_gc. All are tried; the first error.
 */
int snapshot_recover_all(struct store *store, const char *store_path, gc_report *report,
                         void *context, struct error *err) must_check;

#endif
