/* User, groups and umask of the process (credentials(7)). Child side. */
#ifndef LVM_RUN_SECURITY_IDENTITY_H
#define LVM_RUN_SECURITY_IDENTITY_H

#include <stdbool.h>

#include "base/error.h"
#include "spec/spec.h"

struct identity_plan {
	const struct spec_user *user; /* borrowed */
	bool keep_capabilities;       /* they are still needed after the uid is no longer 0 */
};

/* Host. `needs_capabilities`: some of them shall outlive the change of the uid. */
void identity_prepare(const struct spec_user *user, bool needs_capabilities,
                      struct identity_plan *ret);

/*
 * Supplementary groups (exactly those asked for, or those there are), gid, uid. Where the user namespace denies
 * setgroups, additional groups are an error, none asked for is not.
 */
int identity_enter(const struct identity_plan *plan, struct error *err) must_check;

/* The umask asked for, else 0022: the caller's own may be 0, and is not meant for the container. */
void identity_enter_umask(const struct identity_plan *plan);

/*
 * No other process may look into this one (ptrace(2), /proc/PID/fd) although it may be visible in a
 * container's pid namespace already; execve ends it. It also hands /proc/self to the host's root.
 */
int identity_enter_private(struct error *err) must_check;

#endif
