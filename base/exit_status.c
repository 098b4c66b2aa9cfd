#include "base/exit_status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/pidfd.h"
#include "base/str.h"

/* Field numbers of /proc/PID/stat, proc(5). */
enum { STAT_STATE = 3, STAT_START_TIME = 22, STAT_EXIT_CODE = 52 };

/* struct pidfd_info in its first form and PIDFD_GET_INFO of <linux/pidfd.h> (Linux 6.13, 6.15). */
struct info {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t ids[11];
	int32_t exit_code;
};
#define GET_INFO _IOWR(0xff, 11, struct info)
#define INFO_EXIT (UINT64_C(1) << 3)

int exit_status_open(pid_t pid, uint64_t start_time, struct process *ret, struct error *err)
{
	scoped_fd pidfd = pidfd_open(pid, 0);

	if (pidfd < 0)
		return errno == ESRCH ? -ESRCH : error_errno(err, "pidfd_open %d", pid);
	/* The number was pinned first. */
	if (process_start_time(pid, NULL) != start_time)
		return -ESRCH;
	*ret = (struct process){.pid = pid, .pidfd = fd_take(&pidfd)};
	return 0;
}

/* Copies the blank-separated field `number` (from 3 on). */
static bool stat_field(const char *stat, int number, char *ret, size_t size)
{
	const char *field = strrchr(stat, ')');

	for (int i = 2; field && i < number; i++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}

	size_t length = field ? strcspn(field, " \n") : 0;

	if (length == 0 || length >= size)
		return false;
	memcpy(ret, field, length);
	ret[length] = '\0';
	return true;
}

/* Of a zombie. 0 stands there too for who may not know it, which root of the host always may. */
static bool read_zombie(pid_t pid, uint64_t start_time, int *ret_status)
{
	char path[32];
	char stat[1024];
	char field[24];
	struct error ignored;
	uint64_t started = 0;
	int status = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read_kernel(AT_FDCWD, path, stat, sizeof(stat), &ignored) < 0)
		return false;
	if (!stat_field(stat, STAT_STATE, field, sizeof(field)) || *field != 'Z')
		return false;
	if (!stat_field(stat, STAT_START_TIME, field, sizeof(field)) ||
	    parse_u64(field, &started) < 0 || started != start_time)
		return false;
	if (!stat_field(stat, STAT_EXIT_CODE, field, sizeof(field)) ||
	    parse_int(field, 0, 0xffff, &status) < 0)
		return false;
	*ret_status = status;
	return true;
}

static bool read_info(int pidfd, int *ret_status)
{
	struct info info = {.mask = INFO_EXIT};

	/* musl's ioctl takes an int, into which this request does not fit. */
	if (syscall(SYS_ioctl, pidfd, GET_INFO, &info) < 0 || !(info.mask & INFO_EXIT))
		return false;
	*ret_status = info.exit_code;
	return true;
}

bool exit_status_read(const struct process *process, uint64_t start_time, int *ret_status)
{
	return read_info(process->pidfd, ret_status) ||
	       read_zombie(process->pid, start_time, ret_status);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 1 when one of the events (POLLHUP always counts: it was reaped) came, 0 when the time was up. */
static int wait_for(int pidfd, short events, int timeout_ms)
{
	struct pollfd poller = {.fd = pidfd, .events = events};
	int64_t end = now_ms() + timeout_ms;
	int r;

	for (;;) {
		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();

		r = poll(&poller, 1, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0);
		if (r >= 0 || errno != EINTR)
			return r < 0 ? -errno : r;
	}
}

int exit_status_wait(const struct process *process, uint64_t start_time, int timeout_ms,
                     int *ret_status, struct error *err)
{
	/* Its parent is reaping it right now: how long that may take. */
	enum { REAPING_MS = 1000 };
	int r = wait_for(process->pidfd, POLLIN, timeout_ms);

	if (r == 0)
		return -ETIMEDOUT;
	if (r < 0)
		return error_code(err, -r, "wait for process %d", process->pid);
	if (exit_status_read(process, start_time, ret_status))
		return 1;
	r = wait_for(process->pidfd, 0, REAPING_MS);
	if (r < 0)
		return error_code(err, -r, "wait for process %d", process->pid);
	return exit_status_read(process, start_time, ret_status);
}
