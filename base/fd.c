#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/sys.h"

void fd_close(int *fd)
{
	if (*fd < 0)
		return;

	int saved = errno;

	(void)close(*fd); /* also closed after EINTR on Linux */
	errno = saved;
	*fd = -1;
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

char *fd_path(int fd, char buffer[static FD_PATH_SIZE])
{
	static const char prefix[] = "/proc/self/fd/";
	char digits[12];
	unsigned int count = 0;
	unsigned int rest = fd < 0 ? 0 : (unsigned int)fd;
	char *end = buffer;

	do {
		digits[count++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	for (const char *c = prefix; *c; c++)
		*end++ = *c;
	while (count)
		*end++ = digits[--count];
	*end = '\0';
	return buffer;
}

int fd_open(const char *path, int flags)
{
	return openat(AT_FDCWD, path, flags);
}

int fd_write_all(int fd, const void *data, size_t size)
{
	const char *next = data;

	while (size > 0) {
		ssize_t written = write(fd, next, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		next += written;
		size -= (size_t)written;
	}
	return 0;
}

ssize_t fd_read_all(int fd, void *data, size_t size)
{
	char *next = data;
	size_t have = 0;

	while (have < size) {
		ssize_t count = read(fd, next + have, size - have);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		have += (size_t)count;
	}
	return (ssize_t)have;
}

int fd_set_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

int fd_fill_standard(void)
{
	struct pollfd standard[] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};

	if (poll(standard, ARRAY_SIZE(standard), 0) < 0)
		return -errno;
	/* The lowest free number is always the next one here. */
	for (size_t i = 0; i < ARRAY_SIZE(standard); i++)
		if (standard[i].revents & POLLNVAL && open("/dev/null", O_RDWR | O_NOCTTY) < 0)
			return -errno;
	return 0;
}

int fd_cloexec_from(unsigned int first)
{
	return close_range(first, UINT32_MAX, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}
