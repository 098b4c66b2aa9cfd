/*
 * Resource limits and scheduling of the process: rlimits, scheduler, I/O priority, oom_score_adj.
 *
 * The functions act on the process `pid`, 0 for the caller: init calls them for itself; for a container
 * with a user namespace the host calls them first, because the rights to raise a limit are asked for in
 * the host's user namespace. Setting again what is set already needs no right.
 */
#ifndef LVM_RUN_SECURITY_LIMITS_H
#define LVM_RUN_SECURITY_LIMITS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "spec/spec.h"

/* Refuses what the kernel would refuse with a bare EINVAL, by the name of the property. Host. */
int limits_prepare(const struct spec_process *process, struct error *err) must_check;

/*
 * A limit so low that it would hinder the runtime's own last steps ("tight") is set by
 * limits_enter_tight, right before the rights are dropped; all others early. Either side.
 */
int limits_enter_rlimits(const struct spec_process *process, pid_t pid,
                         struct error *err) must_check;
int limits_enter_tight(const struct spec_process *process, pid_t pid, struct error *err) must_check;

/* sched_setattr(2), ioprio_set(2). Either side. */
int limits_enter_scheduler(const struct spec_scheduler *scheduler, pid_t pid,
                           struct error *err) must_check;
int limits_enter_io_priority(const struct spec_io_priority *io_priority, pid_t pid,
                             struct error *err) must_check;

/* Writes /proc/PID/oom_score_adj below `proc_fd`. Either side. */
int limits_enter_oom_score(const struct optional_i64 *score, int proc_fd, pid_t pid,
                           struct error *err) must_check;

#endif
