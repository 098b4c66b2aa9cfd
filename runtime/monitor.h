/*
 * Following a container that lives: its end, its statistics, the strikes of the OOM killer. No lock is
 * held: others may act on the container. Host side.
 *
 *	container_monitor_open → container_monitor_wait, container_monitor_stats → container_monitor_free
 */
#ifndef LVM_RUN_RUNTIME_MONITOR_H
#define LVM_RUN_RUNTIME_MONITOR_H

#include "base/arena.h"
#include "cgroups/resctrl_stats.h"
#include "cgroups/stats.h"
#include "runtime/runtime.h"

struct container_monitor;
void container_monitor_free(struct container_monitor **monitor);
#define scoped_monitor scoped(container_monitor_free) struct container_monitor *

/* A created, running or paused container. */
int container_monitor_open(struct store *store, const char *id, struct container_monitor **ret,
                           struct error *err) must_check;

enum monitor_event {
	MONITOR_TIME, /* the time is up */
	MONITOR_OOM,  /* the OOM killer has ended a process since the last look */
	MONITOR_END   /* the container has ended */
};
/* Waits at most `timeout_ms`, −1 for ever. */
int container_monitor_wait(struct container_monitor *monitor, int timeout_ms,
                           enum monitor_event *ret, struct error *err) must_check;

/* Lists and texts of *ret lie in the arena. −ENODEV with *err when the container's cgroup is gone. */
int container_monitor_stats(const struct container_monitor *monitor, struct arena *arena,
                            struct cgroup_stats *ret, struct error *err) must_check;

/* What its class of service has and uses; ret->set is false where it has none. */
int container_monitor_class(const struct container_monitor *monitor, struct arena *arena,
                            struct resctrl_stats *ret, struct error *err) must_check;

#endif
