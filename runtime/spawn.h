/* The clone that makes init. Host side. */
#ifndef LVM_RUN_RUNTIME_SPAWN_H
#define LVM_RUN_RUNTIME_SPAWN_H

#include "base/process.h"
#include "runtime/plan.h"

/*
 * Makes init with its namespaces, in the cgroup `cgroup_fd` (−1: ours) from its first moment on
 * (CLONE_INTO_CGROUP), with a pidfd; through an intermediate process where that is needed. Init is
 * our child in either case. Closes init's end of the sync pair.
 */
int spawn_init(struct init_plan *plan, int cgroup_fd, struct process *ret,
               struct error *err) must_check;

/*
 * The end of an intermediate process: receives the number of the process that it made with
 * CLONE_PARENT (SYNC_PID over `sync`), or its error, and reaps it. *ret has a pidfd.
 */
int spawn_take_from_stage(int sync, struct process *stage, struct process *ret,
                          struct error *err) must_check;

/* SIGKILL and reap: for guards. */
void spawn_destroy(struct process *process);

#endif
