#include "namespaces/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"

/*
 * "sys/" and the name as a path. The separator that comes first decides, as in sysctl(8): after a dot,
 * dots separate and a slash stands for a dot within a part; after a slash it is a path already.
 */
int sysctl_path(const char *name, char path[static SYSCTL_PATH_SIZE], struct error *err)
{
	static const char prefix[] = "sys/";
	const size_t length = strlen(name), start = sizeof(prefix) - 1;
	char *part = path + start;

	if (length == 0 || start + length >= SYSCTL_PATH_SIZE)
		return error_set(err, ENAMETOOLONG, "sysctl name of %zu characters", length);
	memcpy(path, prefix, start);
	memcpy(part, name, length + 1);
	if (part[strcspn(part, "./")] != '.')
		return 0;
	for (; *part; part++) {
		if (*part == '.')
			*part = '/';
		else if (*part == '/')
			*part = '.';
	}
	return 0;
}

static int write_one(int proc_fd, const struct spec_annotation *entry, struct error *err)
{
	const size_t size = strlen(entry->value);
	char path[SYSCTL_PATH_SIZE];
	int r = sysctl_path(entry->key, path, err);

	if (r < 0)
		return r;

	scoped_fd fd = sys_openat2(proc_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY, 0,
	                           RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);

	if (fd < 0 && errno == ENOENT)
		return error_set(
			err, ENOENT,
			"sysctl %s: this kernel does not have it in the container's namespaces",
			entry->key);
	if (fd < 0)
		return error_errno(err, "sysctl %s: open", entry->key);
	if (write(fd, entry->value, size) < 0)
		return error_errno(err, "sysctl %s: write \"%s\"", entry->key, entry->value);
	return 0;
}

int sysctl_enter(int proc_fd, const struct spec_annotation *values, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		int r = write_one(proc_fd, &values[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}
