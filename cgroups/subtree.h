/*
 * The groups that a container has made below its own, with their processes and values: saved as data, and made again
 * in another group. Host side.
 *
 *	subtree_save → (elsewhere) → subtree_check → subtree_load
 */
#ifndef LVM_RUN_CGROUPS_SUBTREE_H
#define LVM_RUN_CGROUPS_SUBTREE_H

#include "base/arena.h"
#include "cgroups/cgroup.h"

struct subtree_value {
	char *file;
	char *value;
};

struct subtree_node {
	char *path; /* below the container's group: "a/b"; "": that one itself */
	pid_t *pids; /* as the pid namespace of the container has them; not of the container's group itself */
	size_t pid_count;
	struct subtree_value *values;
	size_t value_count;
};

struct subtree {
	struct subtree_node *nodes; /* each after the one above it */
	size_t count;
};

/*
 * Its processes stand still. `own`: also the limits of the container's group itself, not only of those below it.
 * Nothing to be saved: no nodes. Threaded groups are EOPNOTSUPP. All memory is the arena's.
 */
int subtree_save(const struct cgroup *group, bool own, struct arena *arena, struct subtree *ret,
                 struct error *err) must_check;

/* EBADMSG for paths and files that subtree_save does not write: it may come from anywhere. */
int subtree_check(const struct subtree *subtree, struct error *err) must_check;

/*
 * Makes the groups that are missing and moves the processes, which are in the container's group and stand still,
 * into theirs, with their limits; `own`: sets those of the container's group too. Processes of the caller's pid
 * namespace that are in the container's group leave it for the caller's where they are in the way.
 */
int subtree_load(const struct cgroup *group, const struct subtree *subtree, bool own,
                 struct error *err) must_check;

/* Whether the group was there before it was made for the container. */
bool subtree_was_there(const struct cgroup *group) must_check;

/* A file whose value is saved. */
bool subtree_is_value(const char *file) must_check;

#endif
