/* A pseudo-terminal of a container's own devpts (pts(4)). Child side. */
#ifndef LVM_RUN_ROOTFS_PTY_H
#define LVM_RUN_ROOTFS_PTY_H

#include <sys/types.h>

#include "base/error.h"

/*
 * Opens a pty in the devpts instance `devpts_fd` (its root directory), which is verified to be one;
 * gives the slave to `uid`:`gid`, mode 0620. The slave comes from the master itself (TIOCGPTPEER),
 * not from a path. Lines end as the program writes them (ONLCR off, as runc does). Both descriptors
 * are the caller's.
 */
int pty_enter_open(int devpts_fd, uid_t uid, gid_t gid, int *ret_master, int *ret_slave,
                   struct error *err) must_check;

#endif
