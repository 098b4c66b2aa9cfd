/*
 * What a class of service has and uses: the files of the resctrl file system as texts and numbers, for
 * `events`. What the processor cannot do is absent. Host side.
 */
#ifndef LVM_RUN_CGROUPS_RESCTRL_STATS_H
#define LVM_RUN_CGROUPS_RESCTRL_STATS_H

#include "cgroups/resctrl.h"

/* Of one cache or memory controller: llc_occupancy, mbm_total_bytes, mbm_local_bytes. */
struct resctrl_domain {
	struct optional_u64 occupancy, total_bytes, local_bytes;
};

struct resctrl_stats {
	bool set;
	/* info/L3 and info/MB; null texts: no such resource. */
	const char *cbm_mask;
	struct optional_u64 min_cbm_bits, cache_classes;
	struct optional_u64 bandwidth_gran, delay_linear, min_bandwidth, bandwidth_classes;
	/* Lines of the schemata of the root and of the class; may be null. */
	const char *root_cache, *root_bandwidth, *cache, *bandwidth;
	struct resctrl_domain *domains; /* of mon_data, in the order of their names */
	size_t domain_count;
};

/* All lies in the arena. */
int resctrl_stats_read(const struct resctrl *resctrl, struct arena *arena,
                       struct resctrl_stats *ret, struct error *err) must_check;

#endif
