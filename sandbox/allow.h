/*
 * What a sandbox may reach: --net-allow HOST[:PORT[-PORT]][/tcp|/udp]. HOST is a name, an address
 * (IPv6 in brackets when a port follows) or a range of addresses, ADDRESS/LENGTH, brackets around all of
 * it for IPv6. Without a port all are meant, without a protocol both.
 *
 * Addresses that are no public host's are reached only when they are named themselves, by an address or
 * by a range that lies wholly in such a network: a name that resolves to one is refused, since whoever
 * answers for the name could point it at the insides of the caller's network. A range that is larger
 * than such a network means only the public addresses in it. Pure.
 */
#ifndef LVM_RUN_SANDBOX_ALLOW_H
#define LVM_RUN_SANDBOX_ALLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/address.h"

enum { ALLOW_NAME_SIZE = 254 };

struct allow {
	char name[ALLOW_NAME_SIZE]; /* "": an address or a range */
	struct address address;     /* host bits are zero */
	uint16_t first, last;       /* of the ports; 0: all */
	uint8_t protocol;           /* IPPROTO_…; 0: TCP and UDP */
};

/* The error says what is wrong with `text`. */
int allow_parse(const char *text, struct allow *ret, struct error *err) must_check;

/* A network of no public hosts. */
struct allow_network {
	const char *what; /* "private", "link-local", … */
	const char *text; /* "10.0.0.0/8" */
};
extern const struct allow_network allow_networks[];
extern const size_t allow_network_count;

/* That in which the range lies wholly; null: it is public, at least in part. */
const struct allow_network *allow_find_network(const struct address *range);

/* ::ffff:a.b.c.d is another spelling of a.b.c.d. */
void allow_unmap(struct address *address);

#endif
