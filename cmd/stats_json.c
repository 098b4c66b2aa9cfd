#include "cmd/stats_json.h"

static void write_number(struct json_writer *w, const char *key, struct optional_u64 number)
{
	if (number.set)
		json_writer_unsigned(w, key, number.value);
}

/* Microseconds as nanoseconds. */
static void write_time(struct json_writer *w, const char *key, struct optional_u64 us)
{
	if (us.set)
		json_writer_unsigned(w, key, us.value * 1000);
}

static void write_stall(struct json_writer *w, const char *key, const struct stats_stall *stall)
{
	json_writer_object(w, key);
	json_writer_hundredths(w, "avg10", stall->avg10);
	json_writer_hundredths(w, "avg60", stall->avg60);
	json_writer_hundredths(w, "avg300", stall->avg300);
	json_writer_unsigned(w, "total", stall->total_us);
	json_writer_end(w);
}

static void write_pressure(struct json_writer *w, const struct stats_pressure *pressure)
{
	if (!pressure->some.set && !pressure->full.set)
		return;
	json_writer_object(w, "psi");
	write_stall(w, "some", &pressure->some);
	write_stall(w, "full", &pressure->full);
	json_writer_end(w);
}

static void write_cpu(struct json_writer *w, const struct cgroup_stats *stats)
{
	json_writer_object(w, "cpu");
	json_writer_object(w, "usage");
	write_time(w, "total", stats->cpu_total_us);
	json_writer_unsigned(w, "kernel", stats->cpu_system_us.value * 1000);
	json_writer_unsigned(w, "user", stats->cpu_user_us.value * 1000);
	json_writer_end(w);
	json_writer_object(w, "throttling");
	write_number(w, "periods", stats->cpu_periods);
	write_number(w, "throttledPeriods", stats->cpu_throttled_periods);
	write_time(w, "throttledTime", stats->cpu_throttled_us);
	json_writer_end(w);
	write_pressure(w, &stats->cpu_pressure);
	json_writer_end(w);
}

/* cgroup v2 has none of these numbers, but readers expect them. */
static void write_cpuset(struct json_writer *w)
{
	static const char *const keys[] = {
		"cpu_exclusive",   "mem_hardwall",       "mem_exclusive",
		"memory_migrate",  "memory_spread_page", "memory_spread_slab",
		"memory_pressure", "sched_load_balance", "sched_relax_domain_level",
	};

	json_writer_object(w, "cpuset");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_writer_unsigned(w, keys[i], 0);
	json_writer_end(w);
}

static void write_memory_entry(struct json_writer *w, const char *key, struct optional_u64 limit,
                               struct optional_u64 usage, struct optional_u64 most,
                               struct optional_u64 failures)
{
	json_writer_object(w, key);
	json_writer_unsigned(w, "limit", limit.value);
	write_number(w, "usage", usage);
	write_number(w, "max", most);
	json_writer_unsigned(w, "failcnt", failures.value);
	json_writer_end(w);
}

static struct optional_u64 sum(struct optional_u64 a, struct optional_u64 b)
{
	struct optional_u64 both = {.set = a.set && b.set};

	if (both.set)
		both.value = a.value > UINT64_MAX - b.value ? UINT64_MAX : a.value + b.value;
	return both;
}

static struct optional_u64 find(const struct cgroup_stats *stats, const char *key)
{
	for (size_t i = 0; i < stats->memory_stat_count; i++) {
		if (str_equal(stats->memory_stat[i].key, key))
			return (struct optional_u64){.set = true,
			                             .value = stats->memory_stat[i].value};
	}
	return (struct optional_u64){0};
}

static void write_memory(struct json_writer *w, const struct cgroup_stats *stats)
{
	const struct optional_u64 none = {0};
	struct optional_u64 file = find(stats, "file");

	json_writer_object(w, "memory");
	/* The name in cgroup v2, and that in v1. */
	write_number(w, "cache", file.set ? file : find(stats, "cache"));
	write_memory_entry(w, "usage", stats->memory_limit, stats->memory, stats->memory_peak,
	                   stats->memory_limit_hits);
	write_memory_entry(w, "swap", sum(stats->swap_limit, stats->memory_limit),
	                   sum(stats->swap, stats->memory), none, none);
	write_memory_entry(w, "kernel", none, none, none, none);
	write_memory_entry(w, "kernelTCP", none, none, none, none);
	if (stats->memory_stat_count > 0) {
		json_writer_object(w, "raw");
		for (size_t i = 0; i < stats->memory_stat_count; i++)
			json_writer_unsigned(w, stats->memory_stat[i].key,
			                     stats->memory_stat[i].value);
		json_writer_end(w);
	}
	write_pressure(w, &stats->memory_pressure);
	json_writer_end(w);
}

static void write_pids(struct json_writer *w, const struct cgroup_stats *stats)
{
	json_writer_object(w, "pids");
	write_number(w, "current", stats->pids);
	/* Readers take an absent limit for none. */
	if (stats->pids_limit.value != STATS_NO_LIMIT)
		write_number(w, "limit", stats->pids_limit);
	json_writer_end(w);
}

static void write_operation(struct json_writer *w, const struct stats_device *device,
                            const char *operation, struct optional_u64 value)
{
	if (!value.set)
		return;
	json_writer_object(w, NULL);
	json_writer_unsigned(w, "major", device->major);
	json_writer_unsigned(w, "minor", device->minor);
	json_writer_string(w, "op", operation);
	json_writer_unsigned(w, "value", value.value);
	json_writer_end(w);
}

static void write_block_io(struct json_writer *w, const struct cgroup_stats *stats)
{
	json_writer_object(w, "blkio");
	if (stats->device_count > 0) {
		json_writer_array(w, "ioServiceBytesRecursive");
		for (size_t i = 0; i < stats->device_count; i++) {
			write_operation(w, &stats->devices[i], "Read",
			                stats->devices[i].read_bytes);
			write_operation(w, &stats->devices[i], "Write",
			                stats->devices[i].write_bytes);
		}
		json_writer_end(w);
		json_writer_array(w, "ioServicedRecursive");
		for (size_t i = 0; i < stats->device_count; i++) {
			write_operation(w, &stats->devices[i], "Read", stats->devices[i].reads);
			write_operation(w, &stats->devices[i], "Write", stats->devices[i].writes);
		}
		json_writer_end(w);
	}
	write_pressure(w, &stats->io_pressure);
	json_writer_end(w);
}

static void write_hugetlb(struct json_writer *w, const struct cgroup_stats *stats)
{
	json_writer_object(w, "hugetlb");
	for (size_t i = 0; i < stats->hugetlb_count; i++) {
		json_writer_object(w, stats->hugetlb[i].size);
		write_number(w, "usage", stats->hugetlb[i].usage);
		json_writer_unsigned(w, "failcnt", stats->hugetlb[i].failures.value);
		json_writer_end(w);
	}
	json_writer_end(w);
}

static void write_cache_info(struct json_writer *w, const struct resctrl_stats *class)
{
	if (!class->cbm_mask)
		return;
	json_writer_object(w, "l3_cache_info");
	json_writer_string(w, "cbm_mask", class->cbm_mask);
	write_number(w, "min_cbm_bits", class->min_cbm_bits);
	write_number(w, "num_closids", class->cache_classes);
	json_writer_end(w);
}

static void write_bandwidth_info(struct json_writer *w, const struct resctrl_stats *class)
{
	if (!class->bandwidth_gran.set)
		return;
	json_writer_object(w, "mem_bw_info");
	write_number(w, "bandwidth_gran", class->bandwidth_gran);
	write_number(w, "delay_linear", class->delay_linear);
	write_number(w, "min_bandwidth", class->min_bandwidth);
	write_number(w, "num_closids", class->bandwidth_classes);
	json_writer_end(w);
}

static void write_domains(struct json_writer *w, const struct resctrl_stats *class)
{
	const struct resctrl_domain *first = class->domains;

	if (class->domain_count > 0 && (first->total_bytes.set || first->local_bytes.set)) {
		json_writer_array(w, "mbm_stats");
		for (size_t i = 0; i < class->domain_count; i++) {
			json_writer_object(w, NULL);
			write_number(w, "mbm_total_bytes", class->domains[i].total_bytes);
			write_number(w, "mbm_local_bytes", class->domains[i].local_bytes);
			json_writer_end(w);
		}
		json_writer_end(w);
	}
	if (class->domain_count > 0 && first->occupancy.set) {
		json_writer_array(w, "cmt_stats");
		for (size_t i = 0; i < class->domain_count; i++) {
			json_writer_object(w, NULL);
			write_number(w, "llc_occupancy", class->domains[i].occupancy);
			json_writer_end(w);
		}
		json_writer_end(w);
	}
}

static void write_class(struct json_writer *w, const struct resctrl_stats *class)
{
	json_writer_object(w, "intel_rdt");
	if (class && class->set) {
		write_cache_info(w, class);
		json_writer_optional(w, "l3_cache_schema_root", class->root_cache);
		json_writer_optional(w, "l3_cache_schema", class->cache);
		write_bandwidth_info(w, class);
		json_writer_optional(w, "mem_bw_schema_root", class->root_bandwidth);
		json_writer_optional(w, "mem_bw_schema", class->bandwidth);
		write_domains(w, class);
	}
	json_writer_end(w);
}

void stats_write_json(struct json_writer *w, const char *key, const struct cgroup_stats *stats,
                      const struct resctrl_stats *class)
{
	json_writer_object(w, key);
	write_cpu(w, stats);
	write_cpuset(w);
	write_memory(w, stats);
	write_pids(w, stats);
	write_block_io(w, stats);
	write_hugetlb(w, stats);
	write_class(w, class);
	json_writer_array(w, "network_interfaces");
	json_writer_end(w);
	json_writer_end(w);
}
