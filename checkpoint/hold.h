/*
 * The ends of a connection come back one after the other. What CRIU sends for the first before the other is
 * there must not be answered with a reset: it is held back until all are there. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_HOLD_H
#define LVM_RUN_CHECKPOINT_HOLD_H

#include <sys/types.h>

#include "net/standstill.h"

/*
 * In the network namespace of a process, until firewall_free or our end; in our own nothing is held back. All
 * waits where there is nobody else to be disturbed, or where the container's own packets must not be lost;
 * else resets alone are dropped. Null: nothing is held back; a kernel that cannot (no nf_tables) is warned of.
 */
struct firewall *hold_connections(pid_t pid, enum standstill what);

#endif
