#include <errno.h>

#include "base/cpulist.h"
#include "spec/validate.h"

/* set_mempolicy(2): what each mode does with nodes. */
enum nodes_rule { NODES_NONE, NODES_OPTIONAL, NODES_REQUIRED };

static enum nodes_rule nodes_rule(uint32_t mode)
{
	switch (mode) {
	case MEMORY_MODE_DEFAULT:
	case MEMORY_MODE_LOCAL:
		return NODES_NONE;
	case MEMORY_MODE_PREFERRED:
		return NODES_OPTIONAL;
	default:
		return NODES_REQUIRED;
	}
}

static int check_nodes(const struct spec_memory_policy *policy, bool *ret_any,
                       const struct spec_sink *out)
{
	static const char path[] = "linux.memoryPolicy.nodes";
	enum nodes_rule rule = nodes_rule(policy->mode);
	struct cpulist nodes = {.used = 0};
	int r = policy->nodes ? cpulist_parse(policy->nodes, &nodes) : 0;

	if (r == -ERANGE)
		return spec_invalid(out, path, "\"%.100s\": a number is above %d", policy->nodes,
		                    CPULIST_BITS - 1);
	if (r < 0)
		return spec_invalid(out, path, "\"%.100s\" is no list of nodes (0-3,7)",
		                    policy->nodes);
	if (rule == NODES_NONE && nodes.used > 0)
		return spec_invalid(out, path, "must be empty with MPOL_DEFAULT and MPOL_LOCAL");
	if (rule == NODES_REQUIRED && nodes.used == 0)
		return spec_invalid(out, path, "is missing, this mode needs a list of nodes");
	*ret_any = nodes.used > 0;
	return 0;
}

static int check_flags(const struct spec_memory_policy *policy, bool any_node,
                       const struct spec_sink *out)
{
	static const char path[] = "linux.memoryPolicy.flags";
	uint32_t both = MEMORY_FLAG_STATIC_NODES | MEMORY_FLAG_RELATIVE_NODES;

	if ((policy->flags & both) == both)
		return spec_invalid(
			out, path,
			"MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
	if (policy->flags & both && !any_node)
		return spec_invalid(out, path,
		                    "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes");
	if (policy->flags & MEMORY_FLAG_NUMA_BALANCING && policy->mode != MEMORY_MODE_BIND &&
	    policy->mode != MEMORY_MODE_PREFERRED_MANY)
		return spec_invalid(
			out, path,
			"MPOL_F_NUMA_BALANCING goes only with MPOL_BIND and MPOL_PREFERRED_MANY");
	return 0;
}

int spec_check_memory_policy(const struct spec *spec, const struct spec_sink *out)
{
	const struct spec_memory_policy *policy = &spec->linux.memory_policy;
	bool any_node = false;

	if (!policy->set)
		return 0;

	int r = check_nodes(policy, &any_node, out);

	return r < 0 ? r : check_flags(policy, any_node, out);
}
