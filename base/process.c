#include "base/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/pidfd.h"
#include "base/str.h"

static const char hexadecimal[] = "0123456789abcdef";

void process_done(struct process *process)
{
	fd_close(&process->pidfd);
}

/* The field `number` (from 1, proc(5)) behind the name, which may hold blanks and parentheses. */
static const char *stat_field(const char *stat, int number)
{
	const char *field = strrchr(stat, ')');

	for (int i = 2; field && i < number; i++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	return field;
}

uint64_t process_start_time(pid_t pid, char *ret_state)
{
	char path[32];
	char stat[512];
	struct error ignored;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (file_read_kernel(AT_FDCWD, path, stat, sizeof(stat), &ignored) < 0)
		return 0;

	const char *state = stat_field(stat, 3);
	const char *start = stat_field(stat, 22);
	uint64_t value = 0;
	char digits[24] = "";

	if (!state || !start)
		return 0;

	size_t length = strspn(start, "0123456789");

	if (length == 0 || length >= sizeof(digits))
		return 0;
	memcpy(digits, start, length);
	if (parse_u64(digits, &value) < 0)
		return 0;
	if (ret_state)
		*ret_state = *state;
	return value;
}

int process_open(pid_t pid, uint64_t start_time, struct process *ret, struct error *err)
{
	char state = '\0';
	scoped_fd pidfd = pidfd_open(pid, 0);

	if (pidfd < 0)
		return errno == ESRCH ? -ESRCH : error_errno(err, "pidfd_open %d", pid);
	/* The number was pinned first: what is read now is of the process behind the pidfd. */
	if (process_start_time(pid, &state) != start_time || state == 'Z' || state == 'X')
		return -ESRCH;
	*ret = (struct process){.pid = pid, .pidfd = fd_take(&pidfd)};
	return 0;
}

int process_signal(const struct process *process, int signal, struct error *err)
{
	if (pidfd_send_signal(process->pidfd, signal, NULL, 0) < 0)
		return error_errno(err, "send signal %d to process %d", signal, process->pid);
	return 0;
}

int process_wait_gone(const struct process *process, int timeout_ms, struct error *err)
{
	struct pollfd poller = {.fd = process->pidfd, .events = POLLIN};
	int r = 0;

	do
		r = poll(&poller, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return error_errno(err, "wait for process %d", process->pid);
	if (r == 0)
		return error_code(err, ETIMEDOUT, "wait for process %d", process->pid);
	return 0;
}

/* --- The end of a pid namespace's init --- */

/* Between two looks at who else is in the namespace, which are dear. */
enum { LOOK_INTERVAL_MS = 50 };

/* "pid:[4026531836]"; false with errno. */
static bool read_namespace(int proc_fd, const char *pid, const char *name, char *ret, size_t size)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%.20s/ns/%s", pid, name);

	ssize_t length = readlinkat(proc_fd, path, ret, size - 1);

	ret[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Its namespaces are the last that a process gives back; its place in the pid namespace it still has then. */
static bool has_let_go(int proc_fd, const char *pid)
{
	char link[64];

	return !read_namespace(proc_fd, pid, "mnt", link, sizeof(link)) && errno == ENOENT;
}

/* Whether all processes of the pid namespace that `pid` is in have let go of what they had. */
static bool is_namespace_dead(const char *pid)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	char own[64];
	bool dead = proc && read_namespace(dirfd(proc), pid, "pid", own, sizeof(own)) &&
	            has_let_go(dirfd(proc), pid);

	while (dead && (entry = readdir(proc))) {
		char other[64];

		if (strchr("0123456789", entry->d_name[0]) &&
		    read_namespace(dirfd(proc), entry->d_name, "pid", other, sizeof(other)) &&
		    str_equal(other, own))
			dead = has_let_go(dirfd(proc), entry->d_name);
	}
	if (proc)
		(void)closedir(proc);
	return dead;
}

int process_wait_ended(const struct process *process, int timeout_ms, struct error *err)
{
	struct error late = {0};
	char pid[16];
	int r = -ETIMEDOUT;

	(void)snprintf(pid, sizeof(pid), "%d", process->pid);
	for (int left = timeout_ms; left > 0 && r == -ETIMEDOUT; left -= LOOK_INTERVAL_MS) {
		int slice = left < LOOK_INTERVAL_MS ? left : LOOK_INTERVAL_MS;

		r = process_wait_gone(process, slice, &late);
		if (r == -ETIMEDOUT && is_namespace_dead(pid))
			r = 0;
	}
	if (r < 0)
		*err = late;
	return r;
}

int process_reap(const struct process *process, int *ret_status, struct error *err)
{
	int status = 0;
	pid_t pid = 0;

	do
		pid = waitpid(process->pid, &status, __WALL);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return error_errno(err, "wait for process %d", process->pid);
	*ret_status = status;
	return 0;
}

/* --- A child for one thing --- */

static _Noreturn void run_body(process_body *body, void *context, int report)
{
	struct error err = {0};

	if (body(context, &err) >= 0)
		_exit(0);
	(void)!fd_write_all(report, &err, sizeof(err));
	_exit(1);
}

int process_in_child(process_body *body, void *context, struct error *err)
{
	struct error failure = {0};
	int ends[2], status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");

	scoped_fd report = ends[0];
	scoped_fd write_end = ends[1];
	pid_t pid = fork();

	if (pid < 0)
		return error_errno(err, "fork");
	if (pid == 0)
		run_body(body, context, write_end);
	fd_close(&write_end);

	ssize_t size = fd_read_all(report, &failure, sizeof(failure));

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "wait for the child");
	if (size == (ssize_t)sizeof(failure)) {
		*err = failure;
		return -failure.code;
	}
	return status == 0 ? 0 : error_set(err, EIO, "its child was ended");
}

void process_all_signals(sigset_t *ret)
{
	memset(ret, 0xff, sizeof(*ret));
}

/* The set of ignored signals, bit 0 for signal 1; all when it cannot be read. */
static uint64_t read_ignored(void)
{
	static const char key[] = "\nSigIgn:\t";
	char status[4096];
	struct error failure;
	uint64_t ignored = 0;

	if (file_read_kernel(AT_FDCWD, "/proc/self/status", status, sizeof(status), &failure) < 0)
		return UINT64_MAX;

	const char *digits = strstr(status, key);

	if (!digits)
		return UINT64_MAX;
	for (digits += sizeof(key) - 1; *digits && *digits != '\n'; digits++) {
		const char *digit = strchr(hexadecimal, *digits);

		if (!digit)
			return UINT64_MAX;
		ignored = ignored << 4 | (uint64_t)(digit - hexadecimal);
	}
	return ignored;
}

void process_reset_signals(void)
{
	/* The kernel's own structure, larger than it is anywhere; all zero is SIG_DFL. */
	static const uint64_t standard[16];
	uint64_t ignored = read_ignored();

	/* The C libraries refuse some numbers. Those that the kernel refuses are not ignored either. */
	for (int signal = 1; ignored; signal++, ignored >>= 1)
		if (ignored & 1)
			(void)syscall(SYS_rt_sigaction, signal, standard, NULL, sizeof(ignored));
}

int process_exit_code(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

int process_boot_id(char ret[static BOOT_ID_SIZE], struct error *err)
{
	ssize_t length = file_read_kernel(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret,
	                                  BOOT_ID_SIZE, err);

	return length < 0 ? (int)length : 0;
}

bool process_is_rootless(void)
{
	char map[128];
	struct error ignored;

	if (geteuid() != 0)
		return true;
	if (file_read_kernel(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map), &ignored) < 0)
		return false;

	const char *size = strrchr(map, ' ');

	return !size || !str_equal(size, " 4294967295");
}
