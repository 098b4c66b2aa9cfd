#include "cmd/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/pidfd.h"
#include "base/process.h"

enum { OUTPUT_LIMIT = 16 * 1024 * 1024 };

static int64_t now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int remaining_ms(int64_t deadline)
{
	int64_t rest = deadline - now_ms();

	return rest > 0 ? (int)rest : 0;
}

static int spawn(char *const *argv, int output, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (r == 0)
		r = posix_spawnp(ret, argv[0], &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Reads until end of file; −ETIMEDOUT, −EFBIG or another −errno. */
static int collect(int fd, int64_t deadline, struct strbuf *output)
{
	char chunk[16384];

	while (output->length <= OUTPUT_LIMIT && !output->failed) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int ready = poll(&wait, 1, remaining_ms(deadline));

		if (ready == 0)
			return -ETIMEDOUT;

		ssize_t count = ready < 0 ? -1 : read(fd, chunk, sizeof(chunk));

		if (count < 0 && errno != EINTR)
			return -errno;
		if (count == 0)
			return 0;
		if (count > 0)
			strbuf_add(output, chunk, (size_t)count);
	}
	return output->failed ? -ENOMEM : -EFBIG;
}

static int finish(struct process *process, int64_t deadline, int *ret_status, struct error *err)
{
	int status = 0;
	int r = process_wait_gone(process, remaining_ms(deadline), err);

	if (r < 0)
		return r;
	r = process_reap(process, &status, err);
	if (r >= 0)
		*ret_status = process_exit_code(status);
	return r < 0 ? r : 0;
}

static void end(struct process *process)
{
	struct error ignored;
	int status;

	if (process_signal(process, SIGKILL, &ignored) == 0)
		(void)!process_reap(process, &status, &ignored);
}

int subprocess_capture(char *const *argv, int timeout_ms, struct strbuf *ret_output,
                       int *ret_status, struct error *err)
{
	scoped_process process = {.pidfd = -1};
	int64_t deadline = now_ms() + timeout_ms;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "%s: pipe", argv[0]);

	scoped_fd input = ends[0];
	scoped_fd output = ends[1];
	int r = spawn(argv, output, &process.pid);

	if (r == -ENOENT)
		return error_set(err, ENOENT, "%s: executable file not found in $PATH", argv[0]);
	if (r < 0)
		return error_code(err, -r, "run %s", argv[0]);
	fd_close(&output);
	process.pidfd = pidfd_open(process.pid, 0);
	if (process.pidfd < 0)
		return error_errno(err, "%s: pidfd_open", argv[0]);
	r = collect(input, deadline, ret_output);
	if (r == 0)
		r = finish(&process, deadline, ret_status, err);
	if (r == 0)
		return 0;
	end(&process);
	return error_code(err, -r, "run %s", argv[0]);
}

bool subprocess_find(const char *name, char **ret_path)
{
	const char *path = getenv("PATH");
	scoped_str list = str_format("%s:/usr/local/sbin:/usr/sbin:/sbin", path ? path : "");
	char *rest = list;
	char *dir;

	while (rest && (dir = strsep(&rest, ":"))) {
		scoped_str file = str_format("%s/%s", dir, name);

		if (dir[0] == '/' && file && access(file, X_OK) == 0) {
			*ret_path = str_take(&file);
			return true;
		}
	}
	return false;
}
