/*
 * A group for processes of the host that work for a container (its hooks): right below the root of the
 * v2 hierarchy, without limits, there only as long as they run. Host side.
 *
 *	beside_make → clone into cgroup_dirfd → beside_release, or cgroup_kill → cgroup_destroy
 *
 * Who uses one holds a lock on it, so that others can tell whether its user still lives.
 */
#ifndef LVM_RUN_CGROUPS_BESIDE_H
#define LVM_RUN_CGROUPS_BESIDE_H

#include "base/str.h"
#include "cgroups/cgroup.h"

/* Makes the group and locks it; −EEXIST when there is one of that name. */
int beside_make(const char *name, struct cgroup **ret, struct error *err) must_check;

/* Opens an existing one, without the lock; −ENOENT without *err when there is none. */
int beside_find(const char *name, struct cgroup **ret, struct error *err) must_check;

/* Adds the names of those that begin and end so, each with its null byte. */
int beside_list(const char *prefix, const char *suffix, struct strbuf *names,
                struct error *err) must_check;

/* Takes the lock; false when another process that lives has it. */
bool beside_lock(const struct cgroup *group) must_check;

/* Moves all processes in it to the caller's own group. */
int beside_release(const struct cgroup *group, struct error *err) must_check;

#endif
