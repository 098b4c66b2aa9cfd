#include "runtime/monitor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "cgroups/resctrl_stats.h"
#include "runtime/container.h"

struct container_monitor {
	struct process init;
	struct cgroup *group;
	struct cgroup_oom oom;
	struct arena arena; /* of the paths in resctrl */
	struct resctrl resctrl;
};

void container_monitor_free(struct container_monitor **monitor)
{
	if (!*monitor)
		return;
	process_done(&(*monitor)->init);
	cgroup_free(&(*monitor)->group);
	cgroup_oom_done(&(*monitor)->oom);
	arena_done(&(*monitor)->arena);
	free(*monitor);
	*monitor = NULL;
}

static int find_class(struct container_monitor *monitor, const struct container *container,
                      struct error *err)
{
	scoped_spec spec = NULL;

	if (!container->record.intel_rdt)
		return 0;

	int r = container_spec(container, &spec, err);

	return r < 0 ? r
	             : resctrl_find(&spec->linux.intel_rdt, container->record.id, &monitor->arena,
	                            &monitor->resctrl, err);
}

static int fill(struct container_monitor *monitor, const struct container *container,
                struct error *err)
{
	int r = container_process(container, &monitor->init, err);

	if (r == 0)
		r = container_cgroup(container, &monitor->group, err);
	if (r == -ENOENT)
		return error_set(err, ENOTSUP, "the container has no cgroup of its own");
	if (r == 0)
		r = find_class(monitor, container, err);
	if (r < 0)
		return r;
	cgroup_oom_open(monitor->group, &monitor->oom);
	return 0;
}

int container_monitor_open(struct store *store, const char *id, struct container_monitor **ret,
                           struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	scoped_monitor monitor = NULL;
	int r = container_open(store, id, VERB_STATS, &container, err);

	if (r < 0)
		return r;
	monitor = calloc(1, sizeof(*monitor));
	if (!monitor)
		return error_code(err, ENOMEM, "container %s", id);
	monitor->init.pidfd = -1;
	monitor->oom = (struct cgroup_oom){.fd = -1, .control = -1};
	r = fill(monitor, &container, err);
	if (r < 0)
		return r;
	*ret = monitor;
	monitor = NULL;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int container_monitor_wait(struct container_monitor *monitor, int timeout_ms,
                           enum monitor_event *ret, struct error *err)
{
	struct pollfd polled[] = {{.fd = monitor->init.pidfd, .events = POLLIN},
	                          {.fd = monitor->oom.fd, .events = monitor->oom.events}};
	int64_t end = now_ms() + timeout_ms;

	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();
		int r = poll(polled, ARRAY_SIZE(polled),
		             timeout_ms >= 0 && left < 0 ? 0 : (int)left);

		if (r < 0 && errno != EINTR)
			return error_errno(err, "wait for events");
		if (r < 0)
			continue;
		/* What ended the container is told before its end. */
		if (cgroup_oom_has_struck(&monitor->oom))
			*ret = MONITOR_OOM;
		else if (r > 0 && polled[0].revents)
			*ret = MONITOR_END;
		else if (r == 0 || (timeout_ms >= 0 && now_ms() >= end))
			*ret = MONITOR_TIME;
		else
			continue;
		return 0;
	}
}

int container_monitor_stats(const struct container_monitor *monitor, struct arena *arena,
                            struct cgroup_stats *ret, struct error *err)
{
	return cgroup_stats_read(monitor->group, arena, ret, err);
}

int container_monitor_class(const struct container_monitor *monitor, struct arena *arena,
                            struct resctrl_stats *ret, struct error *err)
{
	*ret = (struct resctrl_stats){.set = false};
	return monitor->resctrl.group ? resctrl_stats_read(&monitor->resctrl, arena, ret, err) : 0;
}
