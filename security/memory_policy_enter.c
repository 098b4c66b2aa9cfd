#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "security/memory_policy.h"

static int explain(const struct spec_memory_policy *policy, struct error *err)
{
	const char *nodes = policy->nodes ? policy->nodes : "";

	if (errno == ENOSYS)
		return error_set(err, ENOSYS,
		                 "linux.memoryPolicy: this kernel knows no NUMA nodes");
	if (errno == EINVAL)
		return error_set(err, EINVAL,
		                 "linux.memoryPolicy: set_mempolicy: Invalid argument (is there "
		                 "memory on one "
		                 "of the nodes \"%s\", does linux.resources.cpu.mems allow it, and "
		                 "does this "
		                 "kernel know the mode %u with the flags %#x?)",
		                 nodes, policy->mode, policy->flags);
	return error_errno(err, "linux.memoryPolicy: set_mempolicy");
}

int memory_policy_enter(const struct memory_policy_plan *plan, struct error *err)
{
	const struct spec_memory_policy *policy = plan->policy;

	if (!policy)
		return 0;
	/* An int with the flags in its upper half, as <linux/mempolicy.h> has it. */
	if (syscall(SYS_set_mempolicy, (long)(policy->mode | policy->flags),
	            plan->bits ? plan->mask : NULL, plan->bits) < 0)
		return explain(policy, err);
	return 0;
}
