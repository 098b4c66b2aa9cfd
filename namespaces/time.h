/*
 * The time namespace (time_namespaces(7)): offsets can be written only after unshare(CLONE_NEWTIME)
 * and before the first process enters. Runs in the intermediate process.
 */
#ifndef LVM_RUN_NAMESPACES_TIME_H
#define LVM_RUN_NAMESPACES_TIME_H

#include "base/error.h"
#include "spec/spec.h"

/* unshare(CLONE_NEWTIME) and write the offsets through `proc_fd` (the host's /proc). */
int time_enter_new(int proc_fd, const struct spec_time_offset *monotonic,
                   const struct spec_time_offset *boottime, struct error *err) must_check;

#endif
