/* The parts of view_build: what of the host is shown, and what the sandbox has of its own. */
#ifndef LVM_RUN_SANDBOX_VIEW_PARTS_H
#define LVM_RUN_SANDBOX_VIEW_PARTS_H

#include <sys/stat.h>

#include "checkpoint/mountinfo.h"
#include "sandbox/storage.h"
#include "sandbox/view.h"

struct view_builder {
	struct view *view;
	struct scratch *scratch;
	struct storage *storage;
	const struct sandbox_options *options;
	int root; /* of the sandbox, in the scratch */
	struct mountinfo_list mounts;
};

/* --- Kinds of mounts (view_mounts.c) --- */

int view_add_bind(struct view *view, const char *source, const char *target,
                  enum sandbox_step_kind kind, struct error *err) must_check;

/*
 * A directory of the storage. `host`: the empty directory of the host that it stands for, null: none; what is
 * written there is kept, listed and committed as in overlays.
 */
int view_add_own(const struct view_builder *b, const char *target, mode_t mode, const char *host,
                 struct error *err) must_check;

/* An overlay over the directory `source`, like `like`; read-only with a note where none can be. */
int view_add_overlay(const struct view_builder *b, const char *source, const char *target,
                     const struct stat *like, struct error *err) must_check;

/* --- The host's root, and the mounts below it (view_host.c) --- */

int view_add_host(const struct view_builder *b, struct error *err) must_check;

/* Made by the sandbox itself, or not there at all: /dev, /proc, /run, /sys, /tmp. */
bool view_is_own(const char *path);

/* --- What is the sandbox's own (view_own.c) --- */

int view_add_own_all(const struct view_builder *b, struct error *err) must_check;

#endif
