/*
 * Conversations with the kernel's routing netlink (rtnetlink(7)); the only door to libmnl. What links,
 * addresses and routes say stands in their own modules, which build messages with these functions:
 *
 *	scoped_netlink nl = NULL;
 *	netlink_open(-1, &nl, &err);
 *	netlink_begin(nl, RTM_NEWLINK, 0, &header, sizeof(header));
 *	netlink_put_text(nl, IFLA_IFNAME, "eth0");
 *	netlink_talk(nl, "rename eth1", &err);
 *
 * Host side: it allocates. A socket belongs to the network namespace that it was opened in for ever,
 * wherever its process goes.
 */
#ifndef LVM_RUN_NET_NETLINK_H
#define LVM_RUN_NET_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct netlink;
void netlink_free(struct netlink **nl);
#define scoped_netlink scoped(netlink_free) struct netlink *

/*
 * A socket in the network namespace `netns_fd`, −1: in that of the process. For another one the process
 * goes there for a moment, which takes CAP_SYS_ADMIN over both, and must have no other thread.
 */
int netlink_open(int netns_fd, struct netlink **ret, struct error *err) must_check;

/* The same for another family of netlink than NETLINK_ROUTE: NETLINK_NETFILTER. */
int netlink_open_family(int netns_fd, int family, struct netlink **ret,
                        struct error *err) must_check;

/*
 * Starts a request of nftables: a transaction (nfnetlink's batch) with this one message NFT_MSG_… in
 * it. Attributes and netlink_talk as with any other; numbers in them are big-endian.
 */
void netlink_begin_nft(struct netlink *nl, uint16_t type, uint16_t flags, uint8_t family);

/* Starts a request: its type, NLM_F_… besides NLM_F_REQUEST, and the header of its family. */
void netlink_begin(struct netlink *nl, uint16_t type, uint16_t flags, const void *header,
                   size_t size);
/* Attributes. What does not fit any more makes netlink_talk fail with EMSGSIZE. */
void netlink_put(struct netlink *nl, uint16_t type, const void *data, size_t size);
void netlink_put_u32(struct netlink *nl, uint16_t type, uint32_t value);
void netlink_put_text(struct netlink *nl, uint16_t type, const char *text);
/* Attributes inside an attribute: what nest gave goes to end; they may lie in each other. */
struct nlattr *netlink_nest(struct netlink *nl, uint16_t type);
void netlink_nest_end(struct netlink *nl, struct nlattr *nest);
/* The header of another family inside an attribute (the peer of a veth pair). */
void netlink_put_header(struct netlink *nl, const void *header, size_t size);

/* Sends the request and waits until it is done; `what` is the error's context. */
int netlink_talk(struct netlink *nl, const char *what, struct error *err) must_check;

/*
 * The same for a request that answers: `answer` gets every message of it and returns 0, or −errno to
 * end with. It must not use `nl`. NLM_F_DUMP asks for all there are; a dump that changed while it was
 * read is asked for again, after `restart` (may be null) has dropped what `answer` kept.
 */
typedef int netlink_answer(const struct nlmsghdr *message, void *context);
typedef void netlink_restart(void *context);
int netlink_ask(struct netlink *nl, const char *what, netlink_answer *answer,
                netlink_restart *restart, void *context, struct error *err) must_check;

/*
 * Of a message with a family's header of `header` bytes: the payload of the first attribute of the type,
 * at least `least` bytes long; null when there is none. Its size in *ret_size (may be null).
 */
const void *netlink_find(const struct nlmsghdr *message, size_t header, uint16_t type, size_t least,
                         size_t *ret_size);
/* The same in the payload of an attribute that holds others. */
const void *netlink_find_nested(const void *nest, size_t nest_size, uint16_t type, size_t least,
                                size_t *ret_size);
/* A number, or `fallback` without the attribute. */
uint32_t netlink_find_u32(const struct nlmsghdr *message, size_t header, uint16_t type,
                          uint32_t fallback);
/* The family's header; null when the message is shorter. */
const void *netlink_header(const struct nlmsghdr *message, size_t header);

#endif
