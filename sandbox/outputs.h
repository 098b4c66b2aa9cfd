/*
 * What a sandbox gives back when its last process is gone: outputs, copied out of its layers (copy.h), and
 * the list of what changed in the host's directories. The layers are looked at from outside, through
 * descriptors, never through the program's own mounts. Host side.
 */
#ifndef LVM_RUN_SANDBOX_OUTPUTS_H
#define LVM_RUN_SANDBOX_OUTPUTS_H

#include "sandbox/copy.h"
#include "sandbox/view.h"

/*
 * Where an output goes: opened before the program runs, which might put a link in the way where it can write
 * on the host.
 */
struct output_place {
	int parent;
	const char *name;
	int directory; /* the destination itself, if it is a directory; −1 */
};
struct output_places {
	struct arena arena;
	struct output_place *items;
	size_t count;
};
int outputs_open_places(const struct sandbox_options *options, struct output_places *ret,
                        struct error *err) must_check;
void output_places_done(struct output_places *places);

/*
 * Copies all outputs of the options to their places; what is missing or refused is in ret->refusals. The lists
 * belong to `ret`, which starts out as COPY_NONE.
 */
int outputs_collect(const struct view *view, const struct scratch *scratch,
                    const struct sandbox_options *options, const struct output_places *places,
                    struct copy *ret, struct error *err) must_check;

/*
 * The tree that the program saw at `path`, without the mounts below it: a directory's descriptor, and in
 * *ret_rest what of the path lies below it ("." for itself).
 */
int outputs_open_tree(const struct view *view, const struct scratch *scratch, const char *path,
                      const char **ret_rest, struct error *err) must_check;

/* What is copied: a name in a directory that is reached through no link. */
struct output_source {
	int directory;
	const char *name;
	mode_t mode; /* of the name itself, its kind too */
};
#define OUTPUT_SOURCE_NONE                                                                         \
	{                                                                                          \
		.directory = -1                                                                    \
	}
void output_source_done(struct output_source *source);
#define scoped_output_source scoped(output_source_done) struct output_source

/* The source at a path of the program: 1. 0: it is not there, which is in copy->refusals. */
int outputs_find(const struct view *view, const struct scratch *scratch, const char *path,
                 struct copy *copy, struct output_source *ret, struct error *err) must_check;

/* --- Changes --- */

enum change_kind { CHANGE_ADDED, CHANGE_MODIFIED, CHANGE_DELETED };

struct change {
	enum change_kind kind;
	const char *path; /* absolute, as the program saw it */
};
struct changes {
	struct arena arena;
	struct change *items;
	size_t count, capacity;
	uint64_t names; /* bytes of paths that were looked at */
};
void changes_done(struct changes *changes);
#define scoped_changes scoped(changes_done) struct changes

/* What differs from the host in the directories that are its own; sorted by path. */
int changes_find(const struct view *view, struct changes *ret, struct error *err) must_check;

/* The letters that lists use: "A", "M", "D". */
const char *change_letter(enum change_kind kind);

/*
 * Makes those of the changes that lie below the paths to be committed on the host, in order: files and links are copied
 * as outputs are, deleted ones removed. What was refused is in ret->refusals; an error leaves the rest undone.
 */
int outputs_commit(const struct view *view, const struct scratch *scratch,
                   const struct sandbox_options *options, const struct changes *changes,
                   struct copy *ret, struct error *err) must_check;

#endif
