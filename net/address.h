/*
 * Addresses of network interfaces (rtnetlink(7), RTM_*ADDR). Host side.
 */
#ifndef LVM_RUN_NET_ADDRESS_H
#define LVM_RUN_NET_ADDRESS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/netlink.h"

enum { ADDRESS_SIZE = 16 }; /* of IPv6; IPv4 uses the first four */

struct address {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t prefix;
	uint8_t scope;  /* RT_SCOPE_… */
	uint32_t flags; /* IFA_F_… */
	uint8_t local[ADDRESS_SIZE];
	bool has_peer; /* of a point-to-point link: the prefix is the peer's */
	uint8_t peer[ADDRESS_SIZE];
	bool has_broadcast;
	uint8_t broadcast[4];
	char label[IFNAMSIZ]; /* IPv4; "": the interface's name */
};

struct address_list {
	struct address *items;
	size_t count;
};
void address_list_done(struct address_list *list);
#define scoped_address_list scoped(address_list_done) struct address_list

/* "10.0.0.1/24", "fd00::1/64"; without a prefix it is the address alone. −EINVAL untouched *err. */
int address_parse(const char *text, struct address *ret) must_check;

/* All addresses of the interface, IPv4 first. *ret is the caller's. */
int address_list(struct netlink *nl, int index, struct address_list *ret,
                 struct error *err) must_check;

/* An address that is there already is an error (EEXIST). */
int address_add(struct netlink *nl, int index, const struct address *address,
                struct error *err) must_check;

/* Bytes of an address of the family. */
size_t address_size(uint8_t family);

#endif
