/*
 * The ends of a connection come back one after the other. What CRIU sends for the first before the other is
 * there must not be answered with a reset: it is held back until all are there. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_HOLD_H
#define LVM_RUN_CHECKPOINT_HOLD_H

#include <stdbool.h>
#include <sys/types.h>

#include "net/firewall.h"

/*
 * In the network namespace of a process, until firewall_free or our end. One that this restore has made is
 * nobody else's: all TCP waits there. In a joined one resets alone are dropped, and in our own nothing is.
 * Null: nothing is held back; a kernel that cannot (no nf_tables) is warned of.
 */
struct firewall *hold_connections(pid_t pid, bool joined);

#endif
