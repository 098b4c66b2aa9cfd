#include "checkpoint/hold.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "checkpoint/criu.h"

static int is_our_own(int netns_fd, bool *ret, struct error *err)
{
	struct stat own, other;

	if (stat("/proc/self/ns/net", &own) < 0 || fstat(netns_fd, &other) < 0)
		return error_errno(err, "network namespace");
	*ret = own.st_dev == other.st_dev && own.st_ino == other.st_ino;
	return 0;
}

static int begin(pid_t pid, enum standstill what, struct firewall **ret, struct error *err)
{
	bool own = false;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);

	scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? error_errno(err, "%s", path) : is_our_own(fd, &own, err);

	if (r < 0 || own)
		return r;
	return standstill_begin(fd, what, CRIU_MARK, ret, err);
}

struct firewall *hold_connections(pid_t pid, enum standstill what)
{
	struct firewall *held = NULL;
	struct error err;

	if (begin(pid, what, &held, &err) < 0)
		log_write(LOG_LEVEL_WARNING,
		          "packets are not held back, so that connections may be reset: %s",
		          err.text);
	return held;
}
