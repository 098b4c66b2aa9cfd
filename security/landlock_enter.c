#include "security/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

/*
 * The kernel's interface, <linux/landlock.h>, of which older headers lack the newest parts. A newer member
 * that an older kernel does not know must be 0, or not be there.
 */
struct ruleset {
	uint64_t handled_fs;
	uint64_t handled_net;
	uint64_t scoped;
};
struct __attribute__((packed)) path_rule {
	uint64_t allowed;
	int32_t parent_fd;
};

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* Rights, in the order of their bits, and the version that brought them. */
static const uint64_t right_write = 1 << 1, right_truncate = 1 << 14, right_ioctl = 1 << 15;
static const uint64_t rights_change = 0x1ff0; /* remove_* and make_*, version 1 */
static const uint64_t right_refer = 1 << 13;
static const uint64_t scope_all = 3; /* abstract sockets, signals; version 6 */

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return version < 0 ? 0 : (int)version;
}

static uint64_t rights_of(int version)
{
	return right_write | rights_change | (version >= 2 ? right_refer : 0) |
	       (version >= 3 ? right_truncate : 0) | (version >= 5 ? right_ioctl : 0);
}

static int add_path(int ruleset, const struct landlock_path *path, uint64_t rights,
                    struct error *err)
{
	scoped_fd fd = open(path->path, O_PATH | O_CLOEXEC);
	const struct path_rule rule = {
		.allowed = path->nodes_only ? rights & (right_write | right_truncate | right_ioctl)
	                                    : rights,
		.parent_fd = fd,
	};

	if (fd < 0)
		return 0;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0)
		return 0;
	if (errno != EINVAL)
		return error_errno(err, "rule for %s", path->path);

	/* A file: rights that only directories have are refused. */
	const struct path_rule file = {
		.allowed = rights & (right_write | right_truncate | right_ioctl),
		.parent_fd = fd,
	};

	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &file, 0) < 0)
		return error_errno(err, "rule for %s", path->path);
	return 0;
}

int landlock_enter(const struct landlock_rules *rules, struct error *err)
{
	int version = landlock_version();
	const struct ruleset all = {
		.handled_fs = rights_of(version),
		.scoped = version >= 6 ? scope_all : 0,
	};
	size_t size = version >= 6 ? sizeof(all) : version >= 4 ? 16 : 8;

	if (version == 0)
		return 0;

	scoped_fd ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);

	if (ruleset < 0)
		return error_errno(err, "make a ruleset");
	for (size_t i = 0; i < rules->count; i++)
		if (add_path(ruleset, &rules->paths[i], all.handled_fs, err) < 0)
			return -err->code;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return error_errno(err, "restrict");
	return 0;
}
