#include "security/memory_policy.h"

#include <errno.h>
#include <limits.h>

/* Bit n of the mask is node n, whatever the byte order of the machine. */
static void fill(struct memory_policy_plan *plan, const struct cpulist *nodes)
{
	enum { WORD_BYTES = sizeof(unsigned long) };

	for (size_t i = 0; i < nodes->used; i++)
		plan->mask[i / WORD_BYTES] |= (unsigned long)nodes->bytes[i]
		                              << i % WORD_BYTES * CHAR_BIT;
	plan->bits = nodes->used == 0 ? 0 : nodes->used * CHAR_BIT + 1;
}

int memory_policy_prepare(const struct spec_memory_policy *policy, struct memory_policy_plan *ret,
                          struct error *err)
{
	struct cpulist nodes = {.used = 0};

	*ret = (struct memory_policy_plan){.policy = NULL};
	if (!policy || !policy->set)
		return 0;
	if (policy->nodes && cpulist_parse(policy->nodes, &nodes) < 0)
		return error_set(err, EINVAL,
		                 "linux.memoryPolicy.nodes: \"%.100s\" is no list of nodes",
		                 policy->nodes);
	ret->policy = policy;
	fill(ret, &nodes);
	return 0;
}
