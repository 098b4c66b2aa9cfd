#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroups/group.h"
#include "cgroups/text.h"

/* The value of `key` in the open cgroup.events, or −errno; −ENODATA when the key is not there. */
static int read_key(int fd, const char *key)
{
	char text[256];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	if (size < 0)
		return -errno;
	text[size] = '\0';

	int value = text_flat_key(text, key);

	return value < 0 ? -ENODATA : value;
}

static int events_open(int dirfd)
{
	int fd = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int events_get(int dirfd, const char *key)
{
	scoped_fd fd = events_open(dirfd);

	return fd < 0 ? fd : read_key(fd, key);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int events_wait(int dirfd, const char *key, int value, int timeout_ms)
{
	scoped_fd fd = events_open(dirfd);

	if (fd < 0)
		return fd;

	int64_t end = now_ms() + timeout_ms;

	for (;;) {
		int seen = read_key(fd, key);

		if (seen < 0 || seen == value)
			return seen < 0 ? seen : 0;

		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();

		if (timeout_ms >= 0 && left <= 0)
			return -ETIMEDOUT;

		struct pollfd wait = {.fd = fd, .events = POLLPRI};

		if (poll(&wait, 1, (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}
