/*
 * TCP in a network namespace stands still, as if the wire were cut. Connections can be put back one end after
 * the other then: what the first one sends finds nobody, and is sent once more instead of being answered with a
 * reset. Host side.
 */
#ifndef LVM_RUN_NET_STANDSTILL_H
#define LVM_RUN_NET_STANDSTILL_H

#include <stdint.h>

#include "net/firewall.h"

enum standstill {
	STANDSTILL_ALL,    /* no segment passes */
	STANDSTILL_RESETS, /* nobody is sent a reset; others in the namespace go on */
};

/*
 * In the namespace `netns_fd`, −1: in that of the process; until firewall_free, or the process ends, however
 * it does. Segments with that mark (SO_MARK of socket(7)) pass.
 */
int standstill_begin(int netns_fd, enum standstill what, uint32_t mark, struct firewall **ret,
                     struct error *err) must_check;

#endif
