/*
 * What a restore hands to CRIU as descriptors, in the place of what the images name and do not hold: the network
 * namespace and the standard streams. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_INHERIT_H
#define LVM_RUN_CHECKPOINT_INHERIT_H

#include "checkpoint/criu.h"
#include "checkpoint/facts.h"

enum { INHERIT_MAX = STREAM_COUNT + 1 };

struct inherited {
	int network_fd; /* the namespace that the container joins; −1: none */
	int streams[STREAM_COUNT];
	struct criu_inherit list[INHERIT_MAX];
	size_t count;
};
#define INHERITED_NONE                                                                             \
	{                                                                                          \
		.network_fd = -1, .streams = { -1, -1, -1 }                                        \
	}
void inherited_done(struct inherited *inherited);
#define scoped_inherited scoped(inherited_done) struct inherited

/* The namespace that the configuration names by its path, else a new one with nothing but lo. */
int inherit_network(struct inherited *inherited, const struct facts *facts, const struct spec *spec,
                    struct error *err) must_check;

/* Brings up lo in the network namespace of a process, which CRIU has made. */
int inherit_loopback(pid_t pid, struct error *err) must_check;

/* Our own standard streams, with the access that the container had. `facts` stays. */
int inherit_streams(struct inherited *inherited, const struct facts *facts,
                    struct error *err) must_check;

#endif
