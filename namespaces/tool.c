#include "namespaces/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

/* With `output` as its standard output and error; −errno without *err. */
static int spawn(char **argv, int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (r == 0)
		r = posix_spawnp(ret_pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* A child of ours keeps its number until it is reaped here, so a plain pid is safe. */
static int wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int tool_run(char **argv, char *said, size_t size, int *ret_status, struct error *err)
{
	scoped_fd in = -1, out = -1;
	int pipe_fds[2];
	pid_t pid = 0;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");
	in = pipe_fds[0];
	out = pipe_fds[1];

	int r = spawn(argv, out, &pid);

	if (r < 0)
		return error_code(err, -r, "start %s", argv[0]);
	fd_close(&out);

	ssize_t got = fd_read_all(in, said, size - 1);

	fd_close(&in); /* what else it has to say must not block it */
	said[got > 0 ? (size_t)got : 0] = '\0';
	r = wait_for(pid, ret_status);
	return r < 0 ? error_code(err, -r, "wait for %s", argv[0]) : 0;
}
