/*
 * The network of a sandbox: none but loopback, the host's, or what --net-allow names (allow.h).
 *
 * For the last, a network namespace is made out here, so that nobody inside has a right over it, whatever
 * user namespace he makes. It has rules before it has a way out: what is not named is refused, and
 * nothing comes in but answers. Names are resolved by the helper program and pinned in the sandbox's
 * /etc/hosts; no name server is reachable. The way out is a veth pair for root (net/uplink.h), and for
 * users pasta(1), which speaks for the namespace with ordinary sockets. What cannot be had is an error;
 * nothing is left out silently.
 *
 *	network_prepare → network_start → … → network_done
 */
#ifndef LVM_RUN_SANDBOX_NETWORK_H
#define LVM_RUN_SANDBOX_NETWORK_H

#include <sys/types.h>

#include "net/uplink.h"
#include "sandbox/allow.h"
#include "sandbox/view.h"
#include "spec/writer.h"

struct network {
	struct allow *rules; /* each with its address, and the name that it was given by */
	size_t count, capacity;
	bool rootless;
	char path[PATH_MAX]; /* of the namespace, for the configuration; "": a new one, or none */
	struct uplink uplink;
	pid_t pasta;
};

#define NETWORK_NONE                                                                               \
	{                                                                                          \
		.uplink = UPLINK_NONE                                                              \
	}
void network_done(struct network *network);

/* After view_build: resolves the names and puts /etc/hosts into the view. Nothing is changed yet. */
int network_prepare(struct network *ret, struct view *view, const struct scratch *scratch,
                    const struct sandbox_options *options, struct error *err) must_check;

/* Makes the namespace, its rules and its way out; nothing to do without --net-allow. */
int network_start(struct network *network, const struct scratch *scratch,
                  struct error *err) must_check;

/* The object `key`: what may be reached, and how. */
void network_write(struct json_writer *writer, const char *key, const struct network *network,
                   const struct sandbox_options *options);

#endif
