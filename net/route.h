/*
 * Routes (rtnetlink(7), RTM_*ROUTE) with one next hop. Host side.
 */
#ifndef LVM_RUN_NET_ROUTE_H
#define LVM_RUN_NET_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/address.h"
#include "net/netlink.h"

struct route {
	uint8_t family;   /* AF_INET, AF_INET6 */
	uint8_t prefix;   /* of the destination; 0: the default route */
	uint8_t scope;    /* RT_SCOPE_… */
	uint8_t protocol; /* RTPROT_…; 0: RTPROT_BOOT, as of a command */
	uint8_t type;     /* RTN_…; 0: RTN_UNICAST */
	uint32_t table;   /* RT_TABLE_…; 0: RT_TABLE_MAIN */
	uint32_t metric;  /* 0: the kernel's choice */
	uint8_t destination[ADDRESS_SIZE];
	bool has_gateway;
	uint8_t gateway[ADDRESS_SIZE];
	bool has_source; /* the address that is preferred for what goes there */
	uint8_t source[ADDRESS_SIZE];
};

struct route_list {
	struct route *items;
	size_t count;
};
void route_list_done(struct route_list *list);
#define scoped_route_list scoped(route_list_done) struct route_list

/*
 * The routes over the interface that somebody has set: not those that the kernel makes for addresses,
 * or finds out. Those with a gateway come last, so that they can be added in this order.
 */
int route_list(struct netlink *nl, int index, struct route_list *ret, struct error *err) must_check;

int route_add(struct netlink *nl, int index, const struct route *route,
              struct error *err) must_check;

/* Which way the kernel would send something. */
struct route_way {
	int index;      /* of the interface */
	uint8_t prefix; /* of the route that says so; 0: the default route */
	uint8_t type;   /* RTN_UNICAST, RTN_LOCAL: to this host itself, … */
};
/* −ENETUNREACH with *err when there is none. */
int route_find(struct netlink *nl, uint8_t family, const void *destination, struct route_way *ret,
               struct error *err) must_check;

#endif
