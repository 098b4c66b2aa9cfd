/*
 * What a group has used: its files as numbers. What the kernel does not offer is left unset, be it for want
 * of a controller, of a file or of a key. Host side.
 *
 *	scoped_arena arena = {0};
 *	cgroup_stats_read(group, &arena, &stats, &err);      lists and texts lie in the arena
 */
#ifndef LVM_RUN_CGROUPS_STATS_H
#define LVM_RUN_CGROUPS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "cgroups/cgroup.h"

/* Where a file says "max". */
#define STATS_NO_LIMIT UINT64_MAX

/* Time in which some or all processes waited for a resource (the kernel's document "PSI"). */
struct stats_stall {
	bool set;
	uint32_t avg10, avg60, avg300; /* hundredths of a percent */
	uint64_t total_us;
};
struct stats_pressure {
	struct stats_stall some;
	struct stats_stall full;
};

struct stats_entry { /* a line of memory.stat */
	const char *key;
	uint64_t value;
};

struct stats_device { /* a line of io.stat */
	uint32_t major, minor;
	struct optional_u64 read_bytes, write_bytes, reads, writes;
};

struct stats_hugetlb {
	const char *size; /* "2MB" */
	struct optional_u64 usage, limit, failures;
};

struct cgroup_stats {
	struct optional_u64 cpu_total_us, cpu_user_us, cpu_system_us;
	int64_t cpu_at_ns; /* when they were read, on the monotonic clock */
	struct optional_u64 cpu_periods, cpu_throttled_periods, cpu_throttled_us;
	struct optional_u64 memory, memory_limit, memory_peak, memory_limit_hits;
	struct optional_u64 swap, swap_limit, swap_peak; /* without memory */
	struct optional_u64 oom_kills;
	struct optional_u64 pids, pids_limit;
	struct stats_entry *memory_stat;
	size_t memory_stat_count;
	struct stats_device *devices;
	size_t device_count;
	struct stats_hugetlb *hugetlb;
	size_t hugetlb_count;
	struct stats_pressure cpu_pressure, memory_pressure, io_pressure;
};

/* −ENODEV with *err when the group is gone or there is none. */
int cgroup_stats_read(const struct cgroup *group, struct arena *arena, struct cgroup_stats *ret,
                      struct error *err) must_check;

/* Watching the OOM killer: poll(2) on `fd` for `events` wakes when it may have struck. */
struct cgroup_oom {
	int fd; /* −1: no memory controller */
	short events;
	int control; /* memory.oom_control of cgroup v1; −1: it is in v2 */
	uint64_t kills;
};
void cgroup_oom_open(const struct cgroup *group, struct cgroup_oom *ret);
void cgroup_oom_done(struct cgroup_oom *oom);
/* Whether it has struck since the last call. */
bool cgroup_oom_has_struck(struct cgroup_oom *oom);

#endif
