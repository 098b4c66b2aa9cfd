/*
 * A way out for a network namespace: a veth pair, addresses from a range that no network uses, and
 * address translation on this host.
 *
 *	struct uplink uplink = UPLINK_NONE;
 *	uplink_make(&uplink, netns_fd, addresses, count, &err);   … uplink_done(&uplink);
 *
 * Nothing is left behind, also after kill -9: the pair ends with the namespace, the host's table with
 * the process (firewall.h), forwarding by its keeper (forwarding.h). Which of the packets may leave at
 * all is for rules in the namespace itself. Where an interface forwards only for our sake, what comes in
 * there for anybody but us is dropped. Host side, root.
 */
#ifndef LVM_RUN_NET_UPLINK_H
#define LVM_RUN_NET_UPLINK_H

#include <net/if.h>
#include <stdbool.h>

#include "base/error.h"
#include "net/address.h"
#include "net/firewall.h"
#include "net/forwarding.h"

struct uplink {
	char name[IFNAMSIZ];              /* of this host's end; the other is eth0 */
	struct address host[2], inner[2]; /* IPv4, IPv6 */
	bool has_ipv6;                    /* only where this host forwards it anyway */
	struct firewall *firewall;
	struct forwarding forwarding;
};

#define UPLINK_NONE                                                                                \
	{                                                                                          \
		.forwarding = FORWARDING_NONE                                                      \
	}
void uplink_done(struct uplink *uplink);

/* Whether this host forwards IPv6 (net.ipv6.conf.all.forwarding). */
bool uplink_knows_ipv6(void);

/* `to`: what is to be reached, for each of which this host must have a route. */
int uplink_make(struct uplink *ret, int netns_fd, const struct address *to, size_t count,
                struct error *err) must_check;

#endif
