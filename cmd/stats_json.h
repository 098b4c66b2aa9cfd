/* Statistics as JSON, in the form that runc events prints (types/events.go of runc). */
#ifndef LVM_RUN_CMD_STATS_JSON_H
#define LVM_RUN_CMD_STATS_JSON_H

#include "cgroups/resctrl_stats.h"
#include "cgroups/stats.h"
#include "spec/writer.h"

/*
 * Writes the object that is "data" of an event. What is not known is left out; numbers that every such object
 * has are then 0. `class` (null: none) is intel_rdt. Times are in nanoseconds; swap is counted together with
 * memory, as in cgroup v1.
 */
void stats_write_json(struct json_writer *writer, const char *key, const struct cgroup_stats *stats,
                      const struct resctrl_stats *class);

#endif
