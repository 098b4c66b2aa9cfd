#include "sandbox/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/pidfd.h"

/* How often the free space of a limited disk is looked at, and whether we are in the foreground again. */
enum { SAMPLE_MS = 100 };

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t now_ms(void)
{
	return now_us() / 1000;
}

/* --- Streams --- */

/* The stream `fd` of ours is replaced by what the program will inherit; `to` keeps what it was. */
static int divert(int fd, struct pump *pump, struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");

	scoped_fd in = ends[1];

	if (pump_begin(pump, ends[0], fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0) {
		fd_close(&ends[0]);
		return error_code(err, ENOMEM, "divert output");
	}
	if (pump->to < 0 || dup2(in, fd) < 0)
		return error_errno(err, "divert output");
	if (fcntl(pump->from, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "divert output");
	return 0;
}

/*
 * A file as standard input is read by us: who inside is not bound by Landlock could open it again, for writing. What
 * cannot be opened anew to do more stays as it is.
 */
static int divert_input(struct pump *pump, struct error *err)
{
	struct stat st;
	int ends[2];

	if (fstat(STDIN_FILENO, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");

	scoped_fd out = ends[0];

	if (pump_begin(pump, fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), ends[1]) < 0) {
		fd_close(&ends[1]);
		return error_code(err, ENOMEM, "divert input");
	}
	if (pump->from < 0 || fcntl(pump->to, F_SETFL, O_NONBLOCK) < 0 ||
	    dup2(out, STDIN_FILENO) < 0)
		return error_errno(err, "divert input");
	return 0;
}

static int redirect(int fd, const char *path, struct error *err)
{
	scoped_fd file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);

	if (file < 0)
		return error_errno(err, "open %s", path);
	return dup2(file, fd) < 0 ? error_errno(err, "redirect to %s", path) : 0;
}

void watch_begin(struct watch *ret, const struct sandbox_options *options)
{
	*ret = (struct watch){
		.options = options,
		.in = PUMP_NONE,
		.out = PUMP_NONE,
		.err = PUMP_NONE,
		.terminal = TERMINAL_NONE,
	};
}

/*
 * The streams are the caller's files and come along as they are. A directory among them would be a way around the
 * view: /proc/self/fd/0/.. is the host's.
 */
static int check_streams(struct error *err)
{
	static const char *const names[] = {"input", "output", "error"};
	struct stat st;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
			return error_set(err, EISDIR,
			                 "standard %s is a directory, which would show the host "
			                 "around the sandbox's view",
			                 names[fd]);
	return 0;
}

int watch_prepare(struct watch *ret, bool all, struct error *err)
{
	const struct sandbox_options *options = ret->options;
	bool diverted = all || ((options->log_limit || options->silent_ms) && !options->terminal);
	int r = check_streams(err);

	if (r == 0 && all)
		r = divert_input(&ret->in, err);
	if (r == 0 && options->stdout_file)
		r = redirect(STDOUT_FILENO, options->stdout_file, err);
	if (r == 0 && options->stderr_file)
		r = redirect(STDERR_FILENO, options->stderr_file, err);
	if (r == 0 && diverted)
		r = divert(STDOUT_FILENO, &ret->out, err);
	return r == 0 && diverted ? divert(STDERR_FILENO, &ret->err, err) : r;
}

static void restore_one(int fd, struct pump *pump)
{
	if (pump->to >= 0)
		(void)dup2(pump->to, fd);
}

void watch_restore(struct watch *watch)
{
	if (watch->in.from >= 0)
		(void)dup2(watch->in.from, STDIN_FILENO);
	restore_one(STDOUT_FILENO, &watch->out);
	restore_one(STDERR_FILENO, &watch->err);
}

void watch_done(struct watch *watch)
{
	watch_restore(watch);
	fd_close(&watch->in.from);
	fd_close(&watch->in.to);
	fd_close(&watch->out.from);
	fd_close(&watch->out.to);
	fd_close(&watch->err.from);
	fd_close(&watch->err.to);
	pump_done(&watch->in);
	pump_done(&watch->out);
	pump_done(&watch->err);
	pump_done(&watch->terminal.in);
	pump_done(&watch->terminal.out);
}

/* --- Ending the program --- */

/* What ends it all is for init; what is left is for the program and, from a terminal, all of its group. */
static void send_signal(const struct watch *watch, int signal)
{
	const struct watch_subject *subject = &watch->subject;

	if (signal == SIGKILL || subject->program.pid == subject->init.pid)
		(void)pidfd_send_signal(subject->init.pidfd, signal, NULL, 0);
	else if (kill(-subject->program.pid, signal) < 0)
		(void)pidfd_send_signal(subject->program.pidfd, signal, NULL, 0);
}

/* Politely first, where there is a grace: init hands the signal on to the program. */
static void stop(struct watch *watch, enum watch_stop why, bool politely)
{
	if (watch->stop != WATCH_NONE)
		return;
	watch->stop = why;
	if (politely && watch->options->grace_ms) {
		watch->term_ms = now_ms();
		send_signal(watch, SIGTERM);
		send_signal(watch, SIGCONT);
		return;
	}
	send_signal(watch, SIGKILL);
}

static void count_output(struct watch *watch, size_t count)
{
	if (!count)
		return;
	watch->last_output_ms = now_ms();
	watch->bytes += count;
	if (watch->options->log_limit && watch->bytes > watch->options->log_limit)
		stop(watch, WATCH_LOG, false);
}

/* --- Clocks --- */

/* Milliseconds until `start` + `span`; 0 when that is over. */
static int left(uint64_t now, uint64_t start, uint64_t span)
{
	uint64_t end = start + span;

	if (end <= now)
		return 0;
	return end - now > INT32_MAX ? INT32_MAX : (int)(end - now);
}

static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Acts on the clocks that have run out; how long until the next does, −1 for ever. */
static int look_at_clocks(struct watch *watch)
{
	const struct sandbox_options *options = watch->options;
	uint64_t now = now_ms();
	int wait = -1;

	/* A shell says nothing to a job that runs already when it brings it to the foreground. */
	if (watch->terminal.away) {
		terminal_resume(&watch->terminal);
		wait = SAMPLE_MS;
	}
	if (options->disk_limit) {
		watch->disk_was_full |= storage_is_full(watch->storage);
		wait = SAMPLE_MS;
	}
	if (watch->term_ms) {
		int rest = left(now, watch->term_ms, options->grace_ms);

		if (rest == 0)
			send_signal(watch, SIGKILL);
		return rest == 0 ? wait : sooner(wait, rest);
	}
	if (watch->stop != WATCH_NONE)
		return wait;
	if (options->timeout_ms) {
		int rest = left(now, watch->started_ms, options->timeout_ms);

		if (rest == 0)
			stop(watch, WATCH_TIMEOUT, true);
		wait = sooner(wait, rest == 0 ? (int)options->grace_ms : rest);
	}
	if (options->silent_ms && watch->stop == WATCH_NONE) {
		int rest = left(now, watch->last_output_ms, options->silent_ms);

		if (rest == 0)
			stop(watch, WATCH_SILENT, true);
		wait = sooner(wait, rest == 0 ? (int)options->grace_ms : rest);
	}
	return wait;
}

/* --- The loop --- */

/*
 * As the caller has stopped us, or the program stopped itself on its own terminal: both stand still until the shell
 * continues us. A clock of silence has not run meanwhile.
 */
static void stand_still(struct watch *watch, bool group)
{
	terminal_stop(&watch->terminal, group);
	send_signal(watch, SIGCONT);
	watch->last_output_ms = now_ms();
}

static void take_signals(struct watch *watch, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int signal = (int)info.ssi_signo;

		if (signal == SIGWINCH && watch->terminal.master >= 0) {
			terminal_copy_size(&watch->terminal);
			continue;
		}
		if (signal == SIGCONT)
			terminal_resume(&watch->terminal);
		send_signal(watch, signal);
		if (signal == SIGTSTP && watch->terminal.master < 0)
			stand_still(watch, false);
	}
}

/* What init says: that the program has stopped (only with a terminal), or how it ended. */
static void take_status(struct watch *watch, int fd)
{
	int status = 0;

	if (read(fd, &status, sizeof(status)) != (ssize_t)sizeof(status))
		return;
	if (!WIFSTOPPED(status)) {
		watch->ended = true;
		watch->status = status;
	} else if (terminal_is_ours()) {
		stand_still(watch, true);
	}
}

/* Where poll(2) finds what; a pump takes two. */
enum {
	SLOT_SIGNALS,
	SLOT_STATUS,
	SLOT_PROGRAM,
	SLOT_IN,
	SLOT_OUT = SLOT_IN + 2,
	SLOT_TERM_IN = SLOT_OUT + 4,
	SLOT_COUNT = SLOT_OUT + 8
};

static struct pump *pump_at(struct watch *watch, int slot)
{
	struct pump *const pumps[] = {&watch->in, &watch->out, &watch->err, &watch->terminal.in,
	                              &watch->terminal.out};

	return pumps[(slot - SLOT_IN) / 2];
}

/* All that the program wrote has been handed on, or cannot be. */
static bool is_drained(const struct watch *watch)
{
	return pump_is_done(&watch->out) && pump_is_done(&watch->err) &&
	       pump_is_done(&watch->terminal.out);
}

static int loop(struct watch *watch, int signals, struct error *err)
{
	const struct watch_subject *subject = &watch->subject;
	/* Where the program's end is init's, that says enough, and the status can wait (reap). */
	int status_fd = subject->stays || watch->terminal.master >= 0 ? subject->status_fd : -1;
	int program = subject->program.pidfd;

	while (program >= 0 || !is_drained(watch)) {
		struct pollfd fds[SLOT_COUNT] = {
			[SLOT_SIGNALS] = {.fd = signals, .events = POLLIN},
			[SLOT_STATUS] = {.fd = status_fd, .events = POLLIN},
			[SLOT_PROGRAM] = {.fd = program, .events = POLLIN},
		};
		int wait = program >= 0 ? look_at_clocks(watch) : 0;

		for (int slot = SLOT_IN; slot < SLOT_COUNT; slot += 2)
			pump_poll(pump_at(watch, slot), &fds[slot]);

		int ready = poll(fds, SLOT_COUNT, wait);

		if (ready < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (ready < 0)
			continue;
		/* After the end nothing is waited for: others may hold the pipe open. */
		if (ready == 0 && program < 0)
			return 0;
		if (fds[SLOT_SIGNALS].revents)
			take_signals(watch, signals);
		if (fds[SLOT_STATUS].revents)
			take_status(watch, status_fd);
		if (watch->ended)
			status_fd = -1;
		for (int slot = SLOT_IN; slot < SLOT_COUNT; slot += 2) {
			size_t count = pump_step(pump_at(watch, slot), &fds[slot]);

			if (slot != SLOT_IN && slot != SLOT_TERM_IN)
				count_output(watch, count);
		}
		/* The program is to see the end of its input. */
		if (pump_is_done(&watch->in))
			fd_close(&watch->in.to);
		if (fds[SLOT_PROGRAM].revents || (subject->stays && watch->ended))
			program = -1;
	}
	return 0;
}

static int wait_for(pid_t pid, int *ret, struct rusage *usage, struct error *err)
{
	while (wait4(pid, ret, __WALL, usage) < 0)
		if (errno != EINTR)
			return error_errno(err, "wait for the end");
	return 0;
}

static void add_usage(struct rusage *sum, const struct rusage *more)
{
	timeradd(&sum->ru_utime, &more->ru_utime, &sum->ru_utime);
	timeradd(&sum->ru_stime, &more->ru_stime, &sum->ru_stime);
	if (more->ru_maxrss > sum->ru_maxrss)
		sum->ru_maxrss = more->ru_maxrss;
	sum->ru_inblock += more->ru_inblock;
	sum->ru_oublock += more->ru_oublock;
}

/* The program has ended: what it, and init with all that it reaped, have used. */
static int reap(struct watch *watch, struct error *err)
{
	const struct watch_subject *subject = &watch->subject;
	struct rusage more = {0};
	int status = 0;

	/* Nobody holds the other end any more: what was said is there. */
	while (!watch->ended && subject->status_fd >= 0 &&
	       read(subject->status_fd, &status, sizeof(status)) == (ssize_t)sizeof(status)) {
		watch->ended = !WIFSTOPPED(status);
		watch->status = status;
	}
	if (subject->stays && watch->ended)
		return 0;
	if (subject->program.pid != subject->init.pid) {
		if (wait_for(subject->program.pid, &watch->status, &watch->usage, err) < 0)
			return -err->code;
		watch->ended = true;
		(void)pidfd_send_signal(subject->init.pidfd, SIGKILL, NULL, 0);
	}
	if (wait_for(subject->init.pid, &status, &more, err) < 0)
		return -err->code;
	add_usage(&watch->usage, &more);
	if (!watch->ended) { /* killed before it could say */
		watch->status = status;
		watch->ended = true;
	}
	return 0;
}

int watch_run(struct watch *watch, const struct watch_subject *subject,
              const struct storage *storage, struct error *err)
{
	uint64_t begin = now_us();
	sigset_t all;

	process_all_signals(&all);
	/* That init has ended is told by its pidfd. */
	if (sigdelset(&all, SIGCHLD) < 0)
		return error_errno(err, "signals");

	scoped_fd signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);

	if (signals < 0)
		return error_errno(err, "signalfd");
	watch->subject = *subject;
	watch->storage = storage;
	watch->started_ms = watch->last_output_ms = begin / 1000;
	watch_restore(watch); /* the program has the pipes; ours would keep them open */

	int r = terminal_begin(&watch->terminal, subject->console, err);

	if (r == 0)
		r = loop(watch, signals, err);

	terminal_end(&watch->terminal);
	if (r == 0)
		r = reap(watch, err);
	watch->wall_us = now_us() - begin;
	watch->disk_was_full |= storage_is_full(watch->storage);
	return r;
}
