/*
 * The system calls of a sandbox: the built-in seccomp profile "build", as the section linux.seccomp of an
 * OCI configuration.
 *
 * Only the machine's own architecture. What the profile does not name is answered with ENOSYS, as an
 * older kernel would; what it knows and forbids with EPERM. Forbidden are: everything that takes privileges,
 * tracing and reading other processes, keys, io_uring, new namespaces, setuid and setgid bits on files
 * however they are set, socket families but the usual four, input pushed into a terminal. Comparisons of
 * 32-bit arguments are masked, so that high bits change nothing.
 */
#ifndef LVM_RUN_SANDBOX_PROFILE_H
#define LVM_RUN_SANDBOX_PROFILE_H

#include <stdbool.h>

#include "spec/spec.h"

struct profile_options {
	bool single_id; /* these are the only ids that the user namespace maps */
	uint32_t uid, gid;
	bool allow_userns; /* namespaces, mounts and what nested sandboxes need */
};

/* What it says, as a configuration would; everything lies in `arena` or is constant. */
int profile_build(struct arena *arena, const struct profile_options *options,
                  struct spec_seccomp *ret, struct error *err) must_check;

#endif
