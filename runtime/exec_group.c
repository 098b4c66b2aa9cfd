#include "runtime/exec_group.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"

static int open_below(const struct cgroup *group, const char *path, int *ret_fd, struct error *err)
{
	*ret_fd = sys_openat2(cgroup_dirfd(group), *path ? path : ".",
	                      O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0,
	                      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (*ret_fd < 0)
		return error_errno(err, "cgroup \"%s\" of the container", path);
	return 0;
}

int exec_group_open(const struct container *container, const char *sub, int *ret_fd,
                    struct cgroup_legacy *ret_legacy, struct error *err)
{
	scoped_cgroup group = NULL;
	int r = container_cgroup(container, &group, err);

	*ret_fd = -1;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = cgroup_open_legacy(group, ret_legacy, err);
	if (r < 0)
		return r;
	/* "[controller:]PATH": a path is one in the v2 hierarchy, so the controller says nothing. */
	if (sub && strchr(sub, ':'))
		sub = strchr(sub, ':') + 1;
	while (sub && *sub == '/')
		sub++;
	return open_below(group, sub ? sub : "", ret_fd, err);
}

/* What follows `prefix` in the line "0::/PATH" of a /proc/PID/cgroup; null when it is not below. */
static const char *path_below(char *lines, const char *prefix)
{
	char *rest = NULL;

	for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		size_t length = strlen(prefix);

		if (!str_starts(line, "0::"))
			continue;
		line += strlen("0::");
		if (strncmp(line, prefix, length) != 0 || (line[length] && line[length] != '/'))
			return NULL;
		return line[length] ? line + length + 1 : "";
	}
	return NULL;
}

int exec_group_open_of_init(const struct container *container, int *ret_fd, struct error *err)
{
	scoped_cgroup group = NULL;
	char path[32];
	char lines[8192];
	int r = container_cgroup(container, &group, err);

	if (r < 0)
		return r == -ENOENT ? error_set(err, ENOENT, "the container has no cgroup") : r;
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", container->record.pid);

	ssize_t size = file_read_kernel(AT_FDCWD, path, lines, sizeof(lines), err);

	if (size < 0)
		return (int)size;

	const char *below = path_below(lines, cgroup_locate(group)->path);

	if (!below)
		return error_set(err, EBUSY, "init has left the cgroup of the container");
	return open_below(group, below, ret_fd, err);
}
