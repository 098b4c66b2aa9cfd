/*
 * The files that the program of a sandbox sees: a list of mounts over an empty root, worked out from the
 * host as it is now.
 *
 * Each directory of the host's root, and each mount below one, becomes an overlay of its own over the
 * host's directory (one overlay of / would show the mounts below it empty, and a user may not mount it),
 * or a read-only bind where no overlay can be. /tmp, /var/tmp, /dev/shm and /run are the sandbox's own and
 * empty; /dev has the harmless devices; /sys is not there. Then come the caller's steps, in his order.
 */
#ifndef LVM_RUN_SANDBOX_VIEW_H
#define LVM_RUN_SANDBOX_VIEW_H

#include "base/arena.h"
#include "sandbox/sandbox.h"
#include "sandbox/scratch.h"
#include "sandbox/storage.h"

enum { VIEW_OPTION_LIMIT = 8 };

struct view_mount {
	const char *target;
	const char *type;
	const char *source; /* may be null */
	const char *options[VIEW_OPTION_LIMIT];
	size_t option_count;
	bool writable;  /* the program may write there */
	bool discarded; /* what it writes is gone afterwards */
	/* Where what the program changes of the host's directory `lower` lies; null: it changes none. */
	const char *upper;
	const char *lower;
};

struct view {
	struct arena arena;
	struct view_mount *mounts;
	size_t mount_count, mount_capacity;
	const char **hidden; /* masked afterwards */
	size_t hidden_count, hidden_capacity;
	const char *directory; /* where the command starts */
	const char **notes;    /* what is not as usual, for the report: "…: read-only" */
	size_t note_count, note_capacity;
};

void view_done(struct view *view);
#define scoped_view scoped(view_done) struct view

/*
 * Fills a zeroed view, after storage_make; makes the directories it needs in the storage.
 */
int view_build(struct view *ret, struct scratch *scratch, struct storage *storage,
               const struct sandbox_options *options, struct error *err) must_check;

/* --- Within sandbox/ --- */

/* Adds an entry; −ENOMEM with *err. `path` must live as long as the view. */
int view_hide(struct view *view, const char *path, struct error *err) must_check;
struct view_mount *view_add(struct view *view, const char *target, const char *type,
                            const char *source, struct error *err) must_check;
int view_note(struct view *view, const char *text, struct error *err) must_check;

/* Whether `path` is `parent` or lies below it. Both are absolute and plain. */
bool view_is_below(const char *path, const char *parent);

#endif
