#include "kill.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 32 };

static int console_fd = -1;

/* --- Running --- */

static _Noreturn void become(char **argv, int output, bool stop)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	/* Not there: as without the variable (tests/kill/run). */
	static char helper[] = "LVM_RUN_HELPER=/tmp/helper";
	char *environment[] = {path, access("/tmp/helper", X_OK) == 0 ? helper : NULL, NULL};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0 || chdir("/") < 0)
		_exit(126);
	/* A shell in the background made us ignore them, and so would what we start. */
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGQUIT, SIG_DFL);
	if (stop && (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 || raise(SIGSTOP) != 0))
		_exit(126);
	(void)execve(argv[0], argv, environment);
	_exit(127);
}

pid_t command_spawn(const char *words, int output, bool stop)
{
	char copy[512];
	char *argv[WORDS_MAX] = {(char[]){"/tmp/runtime"}, (char[]){"--root"}, (char[]){STATE},
	                         (char[]){"--systemd-cgroup"}, NULL};
	size_t count = harness.systemd && strncmp(words, "--cgroup", 8) != 0 ? 4 : 3;
	char *rest = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", words);
	for (char *word = strtok_r(copy, " ", &rest); word && count < WORDS_MAX - 1;
	     word = strtok_r(NULL, " ", &rest))
		argv[count++] = strcmp(word, "@") == 0 ? harness.id : word;
	argv[count] = NULL;
	(void)fflush(stdout);

	pid_t pid = fork();

	if (pid == 0)
		become(argv, output, stop);
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	return pid;
}

int exit_code(int status)
{
	if (status == -1)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool await(pid_t pid, int timeout_ms, int *ret_status)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd fds = {.fd = pidfd, .events = POLLIN};
	int ready = 0;

	do
		ready = poll(&fds, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	if (ready <= 0)
		(void)kill(pid, SIGKILL);
	(void)waitpid(pid, ret_status, __WALL);
	(void)close(pidfd);
	return ready > 0;
}

int output_open(void)
{
	int fd = memfd_create("output", MFD_CLOEXEC);

	if (fd < 0) {
		perror("memfd_create");
		exit(2);
	}
	return fd;
}

void output_read(int fd, char *ret, size_t size)
{
	ssize_t count = pread(fd, ret, size - 1, 0);

	ret[count > 0 ? count : 0] = '\0';
	for (char *end = ret + strlen(ret); end > ret && end[-1] == '\n'; end--)
		end[-1] = '\0';
	(void)close(fd);
}

void command_run(const char *words, struct outcome *ret)
{
	int output = output_open();
	pid_t pid = command_spawn(words, output, false);

	if (!await(pid, COMMAND_TIMEOUT_MS * (int)harness.slow, &ret->status))
		ret->status = -1;
	output_read(output, ret->output, sizeof(ret->output));
}

bool command_expect(int expected, const char *words)
{
	struct outcome outcome;

	command_run(words, &outcome);

	int code = exit_code(outcome.status);

	if (code == expected)
		return true;
	if (code == -1)
		case_fail("%s: hung for %d s, killed: %s", words, COMMAND_TIMEOUT_MS / 1000,
		          outcome.output);
	else
		case_fail("%s: exit status %d, expected %d: %s", words, code, expected,
		          outcome.output);
	return false;
}

/* --- The console socket --- */

void console_begin(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONSOLE};

	console_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (console_fd < 0 ||
	    bind(console_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(console_fd, 64) < 0) {
		perror(CONSOLE);
		exit(2);
	}
}

/* Closing a connection frees the terminal that was sent over it. */
void console_drain(void)
{
	for (;;) {
		int fd = accept4(console_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return;
		(void)close(fd);
	}
}
