/*
 * The digest of the memory, made while CRIU still writes it: a process reads the file as it grows, on another
 * processor. Host side.
 *
 *	follow_start → (CRIU dumps) → follow_finish
 */
#ifndef LVM_RUN_CHECKPOINT_FOLLOW_H
#define LVM_RUN_CHECKPOINT_FOLLOW_H

#include "base/process.h"
#include "base/sha256.h"

/* The first file of memory, where nearly all of it goes. */
#define FOLLOW_NAME "pages-1.img"

struct follow {
	struct process process; /* a child of ours */
	int talk;               /* a socket to it; −1: none */
};
#define FOLLOW_NONE                                                                                \
	{                                                                                          \
		.process = {.pidfd = -1}, .talk = -1                                               \
	}
/* Ends and reaps it. */
void follow_done(struct follow *follow);
#define scoped_follow scoped(follow_done) struct follow

struct follow_result {
	uint64_t size;
	char sha256[SHA256_HEX_SIZE]; /* as in the manifest; "": it could not be followed */
};

int follow_start(int directory, struct follow *ret, struct error *err) must_check;
/* Nothing is written to it any more: waits for the digest. Once. */
int follow_finish(struct follow *follow, struct follow_result *ret, struct error *err) must_check;

#endif
