/*
 * Writes the program of a filter from numbers: for each architecture a binary search over ranges of
 * calls with the same answer. Pure functions; what the numbers are is the business of seccomp.c.
 *
 * The programs are ours and not libseccomp's because that of Debian 12 gets some of them wrong (rules
 * that are never found, conditions that compare the wrong half of an argument: a deny-list lets
 * through, an allow-list lets in), takes a hundred times as long, and writes longer ones.
 */
#ifndef LVM_RUN_SECURITY_SECCOMP_WRITE_H
#define LVM_RUN_SECURITY_SECCOMP_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "security/seccomp.h"

/* One way in which a call gets an answer: all its conditions hold. */
struct seccomp_entry {
	uint32_t number;                           /* of the call; with x32's bit on x86-64 */
	unsigned int order;                        /* of the rule within the section */
	uint32_t action;                           /* SECCOMP_RET_… with its data */
	const struct spec_seccomp_arg *conditions; /* borrowed */
	size_t condition_count;
	unsigned int multiplexed; /* not 0: also the first argument is this (socketcall, ipc) */
};

struct seccomp_architecture {
	uint32_t audit_arch;           /* AUDIT_ARCH_…, as in seccomp_data */
	struct seccomp_entry *entries; /* owned; in any order */
	size_t count;
	size_t capacity;
	int64_t newest;     /* the highest number that the section names; −1: none */
	int64_t newest_x32; /* the same of the x32 calls, with their bit */
	bool x32;           /* x32 calls are filtered; else they are of a foreign architecture */
};

enum { SECCOMP_ARCHITECTURE_LIMIT = 32, SECCOMP_X32_BIT = 0x40000000 };

struct seccomp_filter {
	struct seccomp_architecture architectures[SECCOMP_ARCHITECTURE_LIMIT];
	size_t count;
	uint32_t default_action;
	uint32_t foreign_action; /* for calls of an architecture that is not listed */
	bool refuse_newer;       /* newer_action instead of the default for calls above `newest` */
	uint32_t newer_action;
};

void seccomp_filter_done(struct seccomp_filter *filter);

/* Adds an entry; −1 when memory runs out. */
int seccomp_filter_add(struct seccomp_architecture *architecture,
                       const struct seccomp_entry *entry) must_check;

/*
 * A call's entries answer in their order, the first whose conditions hold; but one without conditions
 * overrules all others, as in libseccomp. −E2BIG for what the kernel would not take.
 */
int seccomp_write(struct seccomp_filter *filter, struct seccomp_program *ret,
                  struct error *err) must_check;

#endif
