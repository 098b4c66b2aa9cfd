/* The child's half of the groups in v1 hierarchies. */
#include <unistd.h>

#include "base/fd.h"
#include "cgroups/cgroup.h"

int cgroup_enter_legacy(struct cgroup_legacy *legacy, struct error *err)
{
	for (size_t i = 0; i < legacy->count; i++) {
		if (write(legacy->fds[i], "0", 1) < 0)
			return error_errno(err, "enter the container's group in cgroup v1");
		fd_close(&legacy->fds[i]);
	}
	legacy->count = 0;
	return 0;
}
