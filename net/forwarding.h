/*
 * Lets interfaces of this host forward IPv4 packets for as long as somebody needs it, and no longer.
 *
 *	struct forwarding forwarding = FORWARDING_NONE;
 *	forwarding_hold(&forwarding, "eth0", &err);     again for others
 *	forwarding_guard(&forwarding, &err);            once, after the last
 *	forwarding_begin(&forwarding, &err);            when rules say what may pass
 *	… forwarding_done(&forwarding);
 *
 * Who holds an interface that did not forward has a shared lock on a file in /run/lvm-run that says so;
 * who gives up the last lock sets it back. A child of ours keeps the locks, so that this is done after
 * a kill -9 of the caller too; were that one killed as well, the file stays and the next holder sets it
 * back. Nothing is changed, and there is no child, where the host forwards anyway. Host side, root.
 */
#ifndef LVM_RUN_NET_FORWARDING_H
#define LVM_RUN_NET_FORWARDING_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum { FORWARDING_LIMIT = 8 };

struct forwarding_item {
	char name[IFNAMSIZ];
	int lock; /* −1: it forwards anyway */
};

struct forwarding {
	struct forwarding_item items[FORWARDING_LIMIT];
	size_t count;
	int alive; /* closed: the child sets all back */
	pid_t keeper;
};

#define FORWARDING_NONE                                                                            \
	{                                                                                          \
		.alive = -1                                                                        \
	}
/* Sets back what nobody else holds, and waits until that is done. */
void forwarding_done(struct forwarding *forwarding);

/* Holding one twice is holding it once. −E2BIG beyond FORWARDING_LIMIT. */
int forwarding_hold(struct forwarding *forwarding, const char *name, struct error *err) must_check;
/* Starts the child. */
int forwarding_guard(struct forwarding *forwarding, struct error *err) must_check;
/* Switches forwarding on: now that somebody will set it back, and once rules say what may pass. */
int forwarding_begin(const struct forwarding *forwarding, struct error *err) must_check;

#endif
