/* Programs of filters, looked at, run and changed outside the kernel. Pure. */
#ifndef LVM_RUN_SECURITY_SECCOMP_BPF_H
#define LVM_RUN_SECURITY_SECCOMP_BPF_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#include "security/seccomp.h"

/* Whether the program ends, and has no jump or access beyond what the kernel accepts. */
bool seccomp_bpf_is_sound(const struct seccomp_program *program);

/* What a sound program that seccomp_compile made answers, SECCOMP_RET_…; an unknown instruction kills. */
uint32_t seccomp_bpf_answer(const struct seccomp_program *program, const struct seccomp_data *data);

/*
 * Lets the listener answer (SECCOMP_RET_USER_NOTIF) what the program refuses itself, or allows itself, or
 * both. No other answer changes.
 */
void seccomp_bpf_ask(struct seccomp_program *program, bool refused, bool allowed);

#endif
