/* The systemd driver. */
#include <errno.h>

#include "cgroups/group.h"

static int systemd_plan(const struct cgroup_request *request, struct cgroup *group,
                        struct error *err)
{
	(void)request;
	(void)group;
	return error_set(err, ENOTSUP, "the systemd driver: not supported yet");
}

const struct driver driver_systemd = {.name = "systemd", .plan = systemd_plan};
