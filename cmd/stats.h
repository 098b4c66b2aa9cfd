/* What the verb stats shows: samples of containers as a table, as JSON, as text for Prometheus. Pure. */
#ifndef LVM_RUN_CMD_STATS_H
#define LVM_RUN_CMD_STATS_H

#include <stdbool.h>

#include "base/str.h"
#include "cgroups/stats.h"

struct stats_sample {
	const char *id;
	struct cgroup_stats stats;
	/* CPU time since the sample before, hundredths of a percent of one CPU. */
	struct optional_u64 cpu_share;
};

typedef void stats_format(const struct stats_sample *samples, size_t count, struct strbuf *ret);

/* For people; "-" is what this host cannot tell. */
stats_format stats_format_table;
/* One line: an array with an object for each container. */
stats_format stats_format_json;
/* The text format of Prometheus; what no container has is left out. */
stats_format stats_format_prometheus;

#endif
