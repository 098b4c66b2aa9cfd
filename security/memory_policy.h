/*
 * linux.memoryPolicy: from which NUMA nodes the process gets its memory (set_mempolicy(2)). Children
 * and programs inherit it.
 */
#ifndef LVM_RUN_SECURITY_MEMORY_POLICY_H
#define LVM_RUN_SECURITY_MEMORY_POLICY_H

#include "base/cpulist.h"
#include "base/error.h"
#include "spec/spec.h"

struct memory_policy_plan {
	const struct spec_memory_policy *policy; /* null: as it is */
	/* As the kernel reads it: whole machine words, and one bit more than there is to read. */
	unsigned long mask[CPULIST_BYTES / sizeof(unsigned long)];
	unsigned long bits;
};

/* An absent policy, or null, leaves the plan empty. `policy` is borrowed. Host. */
int memory_policy_prepare(const struct spec_memory_policy *policy, struct memory_policy_plan *ret,
                          struct error *err) must_check;

/* Child. The calling thread must live in its cgroup already: the nodes must be in its cpuset.mems. */
int memory_policy_enter(const struct memory_policy_plan *plan, struct error *err) must_check;

#endif
