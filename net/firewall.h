/*
 * Rules for packets: tables of nftables, written by netlink(7) without nft(8).
 *
 *	scoped_firewall fw = NULL;
 *	firewall_open(netns_fd, "name", FIREWALL_KEPT, &fw, &err);
 *	firewall_add_chain(fw, &chain, &err);           one for each hook
 *	firewall_add_rule(fw, &rule, &err);             in their order
 *
 * Each call is a transaction of its own: the chains come first and their policy holds at once, so that
 * nothing is let through that the rules to come would refuse. Source: the kernel's
 * include/uapi/linux/netfilter/nf_tables.h. Host side.
 */
#ifndef LVM_RUN_NET_FIREWALL_H
#define LVM_RUN_NET_FIREWALL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/address.h"

enum firewall_life {
	FIREWALL_KEPT,  /* until its network namespace ends */
	FIREWALL_OWNED, /* until firewall_free, or the process ends, however it does (Linux 5.12) */
};

struct firewall;
void firewall_free(struct firewall **firewall);
#define scoped_firewall scoped(firewall_free) struct firewall *

/*
 * A new table for IPv4 and IPv6, in the network namespace `netns_fd`; −1: in that of the process.
 * −EEXIST when there is one of that name.
 */
int firewall_open(int netns_fd, const char *table, enum firewall_life life, struct firewall **ret,
                  struct error *err) must_check;

struct firewall_chain {
	const char *name;
	uint32_t hook;    /* NF_INET_… */
	int32_t priority; /* NF_IP_PRI_… */
	bool nat;         /* for rules that rewrite addresses */
	bool drop;        /* what no rule names is dropped; else it is accepted */
};
int firewall_add_chain(struct firewall *firewall, const struct firewall_chain *chain,
                       struct error *err) must_check;

enum firewall_verdict {
	FIREWALL_ACCEPT,
	FIREWALL_DROP,
	FIREWALL_REJECT,     /* the sender is told: administratively prohibited */
	FIREWALL_MASQUERADE, /* the sender's address becomes that of the interface it leaves by */
};

/* What a packet must be like; what is zero or null does not matter. */
struct firewall_rule {
	const char *chain;
	const char *in, *out; /* names of interfaces; with '*' at the end: how they begin */
	bool out_not;         /* any but `out` */
	bool established;     /* belongs to a connection that was accepted */
	const struct address *from, *to; /* with their prefixes */
	bool from_not;                   /* anything but `from` */
	uint8_t protocol;                /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6 */
	uint16_t first, last;            /* ports of the destination, or types of ICMPv6 */
	bool resets;                     /* of TCP: segments that end a connection at once */
	uint32_t mark;                   /* of the packet; its sender sets it with SO_MARK */
	bool mark_not;                   /* any but `mark` */
	enum firewall_verdict verdict;
};
int firewall_add_rule(struct firewall *firewall, const struct firewall_rule *rule,
                      struct error *err) must_check;

#endif
