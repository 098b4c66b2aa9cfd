/*
 * What is done to a program of libseccomp: the stand-in for the default action is replaced, and a
 * prologue answers calls that are newer than the section. Pure functions over instructions.
 */
#ifndef LVM_RUN_SECURITY_SECCOMP_BPF_H
#define LVM_RUN_SECURITY_SECCOMP_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "security/seccomp.h"

/* The newest call that the section names for one architecture. */
struct seccomp_newest {
	uint32_t audit_arch; /* AUDIT_ARCH_…, as seccomp_data.arch */
	/*
	 * Highest number; below 0x40000000. −1: none is named, nothing is known to be newer.
	 */
	int64_t number;
	int64_t x32_number; /* the same for x32, with its bit; −1: none. Only for x86-64 */
};

enum { SECCOMP_ARCHITECTURE_LIMIT = 32 };

/* Every "return `from`" becomes "return `to`". */
void seccomp_bpf_replace_action(struct seccomp_program *program, uint32_t from, uint32_t to);

/* Puts the prologue in front of the program; `newer_action` is what newer calls get. */
int seccomp_bpf_refuse_newer(struct seccomp_program *program, const struct seccomp_newest *newest,
                             size_t count, uint32_t newer_action, struct error *err) must_check;

/* Whether the program ends, and has no jump or access beyond what the kernel accepts. */
bool seccomp_bpf_is_sound(const struct seccomp_program *program);

/*
 * Whether a word of seccomp_data is only compared with what it can be: the architecture with one of
 * `architectures`, and nothing before it is loaded. A program that lost a load on the way fails here.
 * The program is sound.
 */
bool seccomp_bpf_compares_well(const struct seccomp_program *program, const uint32_t *architectures,
                               size_t count);

#endif
