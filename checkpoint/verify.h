/*
 * The digests of the memory in an image directory, checked beside CRIU's work: what CRIU only copies needs
 * no check before CRIU sees it, but one before the program runs. Host side.
 *
 *	verify_start → (CRIU restores) → verify_finish
 */
#ifndef LVM_RUN_CHECKPOINT_VERIFY_H
#define LVM_RUN_CHECKPOINT_VERIFY_H

#include "base/process.h"
#include "checkpoint/facts.h"

struct verify {
	struct process process; /* the one that reads; a child of ours */
	int report; /* readable once it has come to an end; −1: nothing is being checked */
};
#define VERIFY_NONE                                                                                \
	{                                                                                          \
		.process = {.pidfd = -1}, .report = -1                                             \
	}
/* Ends and reaps it. */
void verify_done(struct verify *verify);
#define scoped_verify scoped(verify_done) struct verify

/* Starts a process for facts->pages of `directory`, when there is enough of it to be worth one. */
int verify_start(int directory, const struct facts *facts, struct verify *ret,
                 struct error *err) must_check;

/* Waits for the result: that of facts_check_pages. Once. */
int verify_finish(struct verify *verify, struct error *err) must_check;

#endif
