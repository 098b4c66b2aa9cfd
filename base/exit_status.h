/* How a process ended that is not a child of ours. Host side. */
#ifndef LVM_RUN_BASE_EXIT_STATUS_H
#define LVM_RUN_BASE_EXIT_STATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/process.h"

/*
 * Opens the process `pid` that started at `start_time`, a zombie too. −ESRCH without *err when it is
 * gone or another process bears its number; another −errno with *err.
 */
int exit_status_open(pid_t pid, uint64_t start_time, struct process *ret,
                     struct error *err) must_check;

/*
 * The wait status (waitpid(2)) of a process that has ended: true when it is known. As long as nobody has
 * reaped it, it stands in /proc/PID/stat for who may trace it; afterwards the pidfd tells it, if it was
 * opened before and the kernel has PIDFD_INFO_EXIT (Linux 6.15). Between the two there may be a moment in
 * which neither does.
 */
bool exit_status_read(const struct process *process, uint64_t start_time, int *ret_status);

/*
 * Waits until `process` has ended and how is known, at most `timeout_ms` (−1: for ever). 1 with
 * *ret_status, 0 when it has ended and nobody can tell how, −ETIMEDOUT without *err while it runs,
 * another −errno with *err.
 */
int exit_status_wait(const struct process *process, uint64_t start_time, int timeout_ms,
                     int *ret_status, struct error *err) must_check;

#endif
