/*
 * Capability sets (capabilities(7)), worked out on the host, applied by system calls in the child.
 *
 * process.capabilities absent means none at all. What the runtime itself does not have cannot be
 * given; the specification asks for a warning then, not for a failure.
 */
#ifndef LVM_RUN_SECURITY_CAPABILITIES_H
#define LVM_RUN_SECURITY_CAPABILITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "spec/spec.h"

struct capability_plan {
	uint64_t bounding; /* what stays; all else is dropped */
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
	uint64_t borrowed; /* kept until the seccomp filter is loaded, then given up */
};

struct capability_request {
	const struct spec_capabilities *capabilities;
	bool user_namespace;    /* the child has all of them, in a user namespace of its own */
	bool load_needs_rights; /* a seccomp filter is to be loaded without no_new_privs */
};

/* Clips what was asked for to what can be given, with a warning for each lost capability. Host. */
int capabilities_prepare(const struct capability_request *request, struct capability_plan *ret,
                         struct error *err) must_check;

/* Drops from the bounding set what is not in the plan. Needs CAP_SETPCAP. Child. */
int capabilities_enter_bounding(const struct capability_plan *plan, struct error *err) must_check;

/* Sets the planned sets, the borrowed capability still in them, and the ambient set. Child. */
int capabilities_enter_sets(const struct capability_plan *plan, struct error *err) must_check;

/* Gives up the borrowed capability; no system call when none was borrowed. Child. */
int capabilities_enter_final(const struct capability_plan *plan, struct error *err) must_check;

#endif
