/*
 * Hooks (config.md "POSIX-platform Hooks"): programs run one after another with the container's state
 * on standard input. Init runs createContainer and startContainer hooks itself, in the container's cgroup
 * (hooks_run); the host the others (hooks_run_on_host).
 *
 * On the host a hook runs in a group of its own, lvm-run-ID:hooks-NUMBER, so that what it forks can be
 * found:
 *
 *	it fails, or exceeds its timeout    all in the group is killed
 *	it ends well                        what it left running on purpose moves to the group of this command,
 *	                                    where it would have been without a group of its own
 *	this command is killed meanwhile    the hook dies with it; `delete --force` and gc kill the rest
 *
 * The name follows from id and state root, so that not even a journal is needed to find it. There is no
 * group, and only the hook itself is ended, with --cgroup-manager disabled, without the right to make one,
 * and for an id of more than about 220 characters.
 */
#ifndef LVM_RUN_RUNTIME_HOOKS_H
#define LVM_RUN_RUNTIME_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "spec/spec.h"

struct store;
struct cgroup;

/* Whose hooks they are. */
struct hooks_owner {
	struct store *store;
	const char *id;
	bool without_group; /* --cgroup-manager disabled */
};

/* Where hooks of the host run. */
struct hook_group {
	const struct hooks_owner *owner;
	struct cgroup *cgroup;
	int fd; /* of the group; −1: none */
	/* After each hook: ends or moves what it left. */
	void (*settle)(struct hook_group *group, bool well);
	bool left; /* something could not be moved */
};

/*
 * Runs all hooks of `kind`, in `group` unless it is null; stops at the first that fails, exceeds its
 * timeout or cannot be run. The error names kind, path and what happened. `state` is the OCI state as
 * text. Either side.
 */
int hooks_run(const struct spec *spec, enum spec_hook_kind kind, const char *state,
              size_t state_size, struct hook_group *group, struct error *err) must_check;

/* The same in a group of their own, host side. Costs nothing where there are none of that kind. */
int hooks_run_on_host(const struct hooks_owner *owner, const struct spec *spec,
                      enum spec_hook_kind kind, const char *state, struct error *err) must_check;

/*
 * Kills what hooks of a killed command left. While their command lives they are left alone, but with
 * `interrupt` they are killed all the same, and the command finds its hook failed.
 */
int hooks_end(struct store *store, const char *id, bool interrupt, struct error *err) must_check;

/* The same (without `interrupt`) for all containers of this state root, those that are gone among them. */
typedef void hooks_report(const char *id, const char *what, void *context);
int hooks_sweep(struct store *store, hooks_report *report, void *context,
                struct error *err) must_check;

#endif
