/*
 * Network interfaces (rtnetlink(7), RTM_*LINK): looking at them, making, changing, moving, deleting.
 * Every function acts in the namespace of its socket. Host side.
 */
#ifndef LVM_RUN_NET_LINK_H
#define LVM_RUN_NET_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "net/netlink.h"

enum { LINK_ADDRESS_SIZE = 32 }; /* MAX_ADDR_LEN */

struct link {
	int index;
	unsigned int flags; /* IFF_… */
	uint32_t mtu;
	int master; /* the index of the bridge or bond that it belongs to; 0: none */
	uint8_t address[LINK_ADDRESS_SIZE];
	size_t address_size;
	char name[IFNAMSIZ];
	char kind[16]; /* "veth", "bridge", …; "" of a device */
};

/* −ENODEV with *err when there is none of that name. */
int link_find(struct netlink *nl, const char *name, struct link *ret, struct error *err) must_check;
/* Whether an interface has that name: 1, 0, −errno. */
int link_exists(struct netlink *nl, const char *name, struct error *err) must_check;

/*
 * The name that `name` stands for: itself, or for "eth%d" the one with the lowest number that no
 * interface has, up to a length of IFNAMSIZ. −EEXIST with *err when it is taken.
 */
int link_choose_name(struct netlink *nl, const char *name, char ret[static IFNAMSIZ],
                     struct error *err) must_check;

int link_set_up(struct netlink *nl, int index, bool up, struct error *err) must_check;
int link_set_mtu(struct netlink *nl, int index, uint32_t mtu, struct error *err) must_check;
/* 0 takes it out of its bridge or bond. */
int link_set_master(struct netlink *nl, int index, int master, struct error *err) must_check;

/*
 * Moves it into the namespace `netns_fd`, where it gets `name`. It goes down and loses its addresses
 * and routes; index and name there may be taken, then it stays where it was. MTU and hardware address
 * come along.
 */
int link_move(struct netlink *nl, int index, int netns_fd, const char *name,
              struct error *err) must_check;

/* A pair whose second end lies in `peer_netns_fd`, −1: beside the first. */
int link_add_veth(struct netlink *nl, const char *name, const char *peer, int peer_netns_fd,
                  struct error *err) must_check;
int link_delete(struct netlink *nl, int index, struct error *err) must_check;

#endif
