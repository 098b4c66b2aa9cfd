#include "checkpoint/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"

enum { THAW_TIMEOUT_MS = 10000 };

void guardian_done(struct guardian *guardian)
{
	const char word = 'w';
	struct error ignored;
	int status = 0;

	if (guardian->process.pidfd < 0)
		return;
	(void)!fd_write_all(guardian->word, &word, 1);
	fd_close(&guardian->word);
	(void)!process_reap(&guardian->process, &status, &ignored);
	process_done(&guardian->process);
}

static void guard(const struct guardian_request *request, int word)
{
	struct error ignored;
	sigset_t all;
	char text;

	process_all_signals(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	if (fd_read_all(word, &text, 1) == 1)
		_exit(0);
	if (request->thaw)
		(void)!cgroup_thaw(request->group, THAW_TIMEOUT_MS, &ignored);
	image_find(request->image);
	image_done(request->image);
	_exit(0);
}

int guardian_start(const struct guardian_request *request, struct guardian *ret, struct error *err)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&ret->process.pidfd,
		.exit_signal = SIGCHLD,
	};
	int word[2];

	if (pipe2(word, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");

	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		fd_close(&word[1]);
		guard(request, word[0]);
	}
	fd_close(&word[0]);
	if (pid < 0) {
		fd_close(&word[1]);
		return error_errno(err, "process that guards the container");
	}
	/* What is meant for the whole job is not meant for it, from before there is anything to guard. */
	(void)setpgid(pid, pid);
	ret->process.pid = pid;
	ret->word = word[1];
	return 0;
}
