#include "runtime/reaper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/sys.h"

enum { EXIT_ORPHANED = 137 };

/* --- The program's side --- */

/* Its own process group: kill(0, …) reaches no init, and a terminal knows whom to interrupt. */
static int become_program(int fd, bool terminal, struct error *err)
{
	sigset_t none;
	pid_t self = getpid();

	(void)close(fd);
	if (setpgid(0, 0) < 0)
		return error_errno(err, "process group");
	/* All signals are still blocked: a background process may take the terminal (TIOCSPGRP). */
	if (terminal && ioctl(STDIN_FILENO, TIOCSPGRP, &self) < 0)
		return error_errno(err, "foreground of the terminal");
	if (sigemptyset(&none) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return error_errno(err, "signal mask");
	return 0;
}

/* --- Pid 1 --- */

static _Noreturn void end_with(int fd, int status)
{
	(void)!fd_write_all(fd, &status, sizeof(status));
	_exit(process_exit_code(status));
}

/*
 * Reaps all that has ended; comes back unless the program was among them. That it has stopped is told too, where there
 * is a terminal to stop it by.
 */
static void reap(int fd, pid_t program, bool terminal)
{
	const int options = WNOHANG | __WALL | (terminal ? WUNTRACED : 0);
	int status = 0;

	for (;;) {
		pid_t pid = waitpid(-1, &status, options);

		if (pid == program && WIFSTOPPED(status)) {
			(void)!fd_write_all(fd, &status, sizeof(status));
			continue;
		}
		if (pid > 0 && WIFSTOPPED(status))
			continue;
		if (pid == program)
			end_with(fd, status);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return;
	}
}

/* What a terminal sends to all of a job; the group is there as soon as the program is. */
static void hand_on(pid_t program, int signal)
{
	bool of_job =
		signal == SIGINT || signal == SIGQUIT || signal == SIGTSTP || signal == SIGCONT;

	if (!of_job || kill(-program, signal) < 0)
		(void)kill(program, signal);
}

static void take_signal(int signals, int fd, pid_t program, bool terminal)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		reap(fd, program, terminal);
	else
		hand_on(program, (int)info.ssi_signo);
}

static _Noreturn void watch(int fd, int signals, pid_t program, bool terminal)
{
	struct pollfd both[] = {
		{.fd = signals, .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};

	for (;;) {
		if (poll(both, ARRAY_SIZE(both), -1) < 0 && errno != EINTR)
			_exit(EXIT_ORPHANED);
		/* Nothing is ever said on it: readable means that the other end is closed. */
		if (both[1].revents)
			_exit(EXIT_ORPHANED);
		if (both[0].revents)
			take_signal(signals, fd, program, terminal);
	}
}

int reaper_enter(int fd, int talk, bool terminal, struct error *err)
{
	const struct clone_args args = {.exit_signal = SIGCHLD};
	sigset_t all;

	process_all_signals(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return error_errno(err, "signal mask");
	/* The change of ids cleared it. The end of the socket says the same, also if this came too late. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_errno(err, "parent death signal");

	scoped_fd signals = signalfd(-1, &all, SFD_CLOEXEC);

	if (signals < 0)
		return error_errno(err, "signalfd");

	pid_t program = sys_clone3(&args);

	if (program < 0)
		return error_errno(err, "start the program's process");
	if (program == 0)
		return become_program(fd, terminal, err);
	(void)close(talk);
	watch(fd, signals, program, terminal);
}
