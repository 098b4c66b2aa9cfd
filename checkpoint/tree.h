/* The processes of a container that is to be saved. Host side. */
#ifndef LVM_RUN_CHECKPOINT_TREE_H
#define LVM_RUN_CHECKPOINT_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "cgroups/cgroup.h"

/* A number of /proc/PID/status, whose line begins with `key` ("\nPPid:\t"); 0: it has none. */
int tree_status_number(pid_t pid, const char *key);

/*
 * What exec has brought in is no part of init's tree, which is all that CRIU saves: EBUSY with the process ids,
 * or with `end` they are killed, frozen as they are, and are gone afterwards.
 */
int tree_check(const struct cgroup *group, pid_t init, bool end, struct error *err) must_check;

#endif
