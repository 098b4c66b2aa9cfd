/* The control group in which exec's process is born. Host side. */
#ifndef LVM_RUN_RUNTIME_EXEC_GROUP_H
#define LVM_RUN_RUNTIME_EXEC_GROUP_H

#include "runtime/container.h"

/*
 * Opens the directory of the container's group, or of `sub` below it ("PATH" or "[controller:]PATH",
 * may be null); *ret_fd −1 when the container has no group. *ret_legacy: its groups in v1 hierarchies. Both
 * are the caller's.
 */
int exec_group_open(const struct container *container, const char *sub, int *ret_fd,
                    struct cgroup_legacy *ret_legacy, struct error *err) must_check;

/*
 * The same for the group that init is in now. A container that manages groups of its own (systemd in
 * it) has moved init into one below: the container's own then admits no process (EBUSY).
 */
int exec_group_open_of_init(const struct container *container, int *ret_fd,
                            struct error *err) must_check;

#endif
