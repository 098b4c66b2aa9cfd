#include <stddef.h>

#include "spec/sections.h"

const struct json_word spec_memory_modes[] = {
	{"MPOL_DEFAULT", MEMORY_MODE_DEFAULT},
	{"MPOL_BIND", MEMORY_MODE_BIND},
	{"MPOL_INTERLEAVE", MEMORY_MODE_INTERLEAVE},
	{"MPOL_WEIGHTED_INTERLEAVE", MEMORY_MODE_WEIGHTED_INTERLEAVE},
	{"MPOL_PREFERRED", MEMORY_MODE_PREFERRED},
	{"MPOL_PREFERRED_MANY", MEMORY_MODE_PREFERRED_MANY},
	{"MPOL_LOCAL", MEMORY_MODE_LOCAL},
	{0},
};

const struct json_word spec_memory_flags[] = {
	{"MPOL_F_NUMA_BALANCING", MEMORY_FLAG_NUMA_BALANCING},
	{"MPOL_F_RELATIVE_NODES", MEMORY_FLAG_RELATIVE_NODES},
	{"MPOL_F_STATIC_NODES", MEMORY_FLAG_STATIC_NODES},
	{0},
};

static const struct json_field fields[] = {
	{"mode", FIELD_WORD, .offset = offsetof(struct spec_memory_policy, mode), .required = true,
         .words = spec_memory_modes},
	{"nodes", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_memory_policy, nodes)},
	{"flags", FIELD_FLAGS, .offset = offsetof(struct spec_memory_policy, flags),
         .words = spec_memory_flags},
};
const struct json_table spec_memory_policy_table = JSON_TABLE(fields, struct spec_memory_policy);
