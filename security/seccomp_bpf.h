/* A look at a program before the kernel's own. */
#ifndef LVM_RUN_SECURITY_SECCOMP_BPF_H
#define LVM_RUN_SECURITY_SECCOMP_BPF_H

#include <stdbool.h>

#include "security/seccomp.h"

/* Whether the program ends, and has no jump or access beyond what the kernel accepts. */
bool seccomp_bpf_is_sound(const struct seccomp_program *program);

#endif
