/*
 * Who lets the container run on when the checkpoint command is killed: a process that waits for the end of the
 * command and of CRIU, which notices by itself that nobody answers it and takes all back. Told nothing
 * before, it thaws the container and removes the images that are not whole. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_GUARDIAN_H
#define LVM_RUN_CHECKPOINT_GUARDIAN_H

#include "base/process.h"
#include "cgroups/cgroup.h"
#include "checkpoint/image.h"

struct guardian {
	struct process process; /* a child of ours */
	int word; /* its end is what is waited for: CRIU inherits it; −1: there is none */
};
#define GUARDIAN_NONE                                                                              \
	{                                                                                          \
		.process = {.pidfd = -1}, .word = -1                                               \
	}

struct guardian_request {
	struct cgroup *group;
	bool thaw;
	struct image *image;
};

int guardian_start(const struct guardian_request *request, struct guardian *ret,
                   struct error *err) must_check;
/* All is well: it goes. */
void guardian_done(struct guardian *guardian);

#endif
