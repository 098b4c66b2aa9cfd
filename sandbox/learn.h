/*
 * --learn: a profile of what ran. It is the sandbox's own profile without the calls that no process made; what
 * that refuses it still refuses, with the same errors, and its conditions on arguments stay. Calls that depend
 * on the kernel more than on the program (ends, returns from signals, the clocks of the vDSO, locks that are
 * contended) stay allowed.
 */
#ifndef LVM_RUN_SANDBOX_LEARN_H
#define LVM_RUN_SANDBOX_LEARN_H

#include "sandbox/audit.h"

/* What remains of `profile`, in `arena` and `profile`. */
int learn_reduce(struct arena *arena, const struct spec_seccomp *profile,
                 const struct audit_table *table, struct spec_seccomp *ret,
                 struct error *err) must_check;

/* As a file, or to the descriptor that `where` is the number of (report_store). */
int learn_store(const char *where, const struct spec_seccomp *profile, const struct audit *audit,
                struct error *err) must_check;

#endif
