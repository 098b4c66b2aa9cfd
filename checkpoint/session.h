/*
 * What every operation on snapshots begins with, and its parts: the container and its disk, locked; its processes
 * saved, ended, restored in place. Private to the snapshot and clone files. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_SESSION_H
#define LVM_RUN_CHECKPOINT_SESSION_H

#include "checkpoint/snapshot.h"
#include "runtime/container.h"

enum { SESSION_STREAMS = 3 };

struct session {
	struct store *store;
	struct container container;
	struct disk disk;
	bool had_disk; /* there was one before */
	int streams
		[SESSION_STREAMS]; /* those of the container's process, to be handed to the next */
	char foreign[PATH_MAX]; /* the writable layer, or the whole root, of somebody else's root */
};
#define SESSION_NONE                                                                               \
	{                                                                                          \
		.container = CONTAINER_NONE, .disk = DISK_NONE, .streams = { -1, -1, -1 }          \
	}
void session_done(struct session *session);
#define scoped_session scoped(session_done) struct session

/*
 * Opens and locks both and ends what a killed command has left undone. `make`: a container without a disk gets
 * one (for a root that is not managed); else that is −ENOENT with *err.
 */
int session_open(struct session *session, struct store *store, const char *id,
                 const char *store_path, bool make, struct error *err) must_check;

bool session_is_alive(const struct session *session); /* running or paused */

/* "nodes/NAME", absolute with `inside` ("/memory") behind it. */
int session_node_path(const struct disk *disk, const char *name, const char *inside,
                      char ret[static PATH_MAX], struct error *err) must_check;
/* Makes the directory of a node anew and puts the configuration into it. */
int session_node_make(const struct session *session, const char *name,
                      struct error *err) must_check;
void session_node_remove(const struct disk *disk, const char *name);

/* --- What goes on, for whoever finds it --- */

#define PHASE_FREEZE "freeze"   /* nothing is lost yet: the processes at most stand still */
#define PHASE_PAUSED "paused"   /* the same of a container that was paused before */
#define PHASE_SAVED "saved"     /* the processes are whole in images, and about to be ended */
#define PHASE_RESTORE "restore" /* the record says what shall be: processes are made from images */

/* The verb of a clone that is being made. It is brought to no end, but removed. */
#define VERB_BIRTH "birth"

int session_begin(struct session *session, const char *verb, const char *node, const char *image,
                  struct error *err) must_check;
int session_enter(struct session *session, const char *phase, struct error *err) must_check;
int session_finish(struct session *session, struct error *err) must_check;
/* A container that was paused before is so again. */
int session_pause(struct session *session, struct error *err) must_check;

/* See snapshot_revert.c. */
int session_recover(struct session *session, struct error *err) must_check;
/* Processes that nobody holds: what was restored goes on, what was being restored does not. */
bool session_is_whole(const struct session *session);

/* --- Processes --- */

/* Takes copies of the process's standard streams. What cannot be had stays −1. */
void session_take_streams(struct session *session);

/*
 * Saves the processes into the node's directory, whose memory *ret_path then is; `options` has the hooks, and
 * whether they are to end.
 */
int session_save(struct session *session, const char *node,
                 const struct checkpoint_options *options, char ret_path[static PATH_MAX],
                 struct error *err) must_check;
/* The hook of a save that ends the processes, with the session as its context: the images are whole. */
int session_on_saved(pid_t pid, void *context, struct error *err) must_check;

/* A new writable layer on `layers`; the old one is left alone. Not written yet. */
int session_replace_upper(struct session *session, const struct string_list *layers,
                          int *ret_layer_fd, struct error *err) must_check;

/* Waits until nothing has the writable layer mounted any more, for a moment at most. */
int session_await_idle(const struct session *session, struct error *err) must_check;

/*
 * Makes the processes from the images at `image`, or without images starts the program anew, in the state
 * directory that is there, on the disk as its record says. `node` (null: none) lends its configuration. On
 * failure the container is a stopped one.
 */
int session_revive(struct session *session, const char *node, const char *image,
                   const struct checkpoint_options *options, struct error *err) must_check;

/* Seals the writable layer: it becomes the topmost of the record's layers, below a new one. Not written yet. */
int session_rotate(struct session *session, int *ret_layer_fd, struct error *err) must_check;

/* Adds the node to the record and makes it the current one. */
int session_add_node(struct session *session, const struct disk_node *node,
                     struct error *err) must_check;

/* What is written to: of a managed root the data of its writable layer. O_PATH. */
int session_open_upper(const struct session *session, struct error *err) must_check;

/* --- Somebody else's root (foreign.c) --- */

/* Where its writable layer is, and the layers below it, from the mounts of a process, or of this one. */
int foreign_find(struct session *session, struct error *err) must_check;

/* The options of an overlay in mountinfo. Names go into `arena`; *ret_upper is null: it has none. */
int foreign_parse(const char *options, struct arena *arena, struct string_list *ret_lowers,
                  char **ret_upper, bool *ret_metacopy, struct error *err) must_check;

#endif
