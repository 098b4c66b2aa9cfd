#include "runtime/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/pidfd.h"

int foreground_begin(struct foreground *foreground, struct error *err)
{
	sigset_t all;

	process_all_signals(&all);
	if (sigprocmask(SIG_BLOCK, &all, &foreground->saved_mask) < 0)
		return error_errno(err, "block signals");
	foreground->begun = true;
	return 0;
}

/* A terminal in whose background we are is another's. */
static bool is_ours(const struct foreground *foreground)
{
	return foreground->terminal && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void enter_raw_mode(struct foreground *foreground)
{
	struct termios raw = foreground->saved_terminal;

	cfmakeraw(&raw);
	if (is_ours(foreground) && tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
		foreground->raw = true;
}

static void leave_raw_mode(struct foreground *foreground)
{
	if (foreground->raw && is_ours(foreground))
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &foreground->saved_terminal);
	foreground->raw = false;
}

void foreground_end(struct foreground *foreground)
{
	leave_raw_mode(foreground);
	/* One that came with the end is still pending, and would end us. */
	if (foreground->notify)
		(void)signal(SIGIO, SIG_IGN);
	if (foreground->begun)
		(void)sigprocmask(SIG_SETMASK, &foreground->saved_mask, NULL);
	*foreground = (struct foreground){0};
}

/* 1: the process has ended and is reaped. */
static int try_reap(const struct process *process, int *ret_status, struct error *err)
{
	pid_t pid = waitpid(process->pid, ret_status, WNOHANG | __WALL);

	if (pid < 0 && errno != EINTR)
		return error_errno(err, "wait for process %d", process->pid);
	return pid == process->pid;
}

/* The process may be gone already: nobody to forward to. */
static void forward(const struct foreground *foreground, const struct process *process, int signal)
{
	if (signal != SIGIO || !foreground->notify || foreground->notify->fd < 0) {
		(void)pidfd_send_signal(process->pidfd, signal, NULL, 0);
		return;
	}
	(void)notify_forward(foreground->notify, 0);
	/* Other signals have smaller numbers and come first. */
	if (notify_has_more(foreground->notify))
		(void)raise(SIGIO);
}

/* --- Without a terminal: one blocking call a signal --- */

static int wait_plain(const struct foreground *foreground, const struct process *process,
                      int *ret_status, struct error *err)
{
	sigset_t all;

	process_all_signals(&all);
	for (;;) {
		int signal = sigwaitinfo(&all, NULL);
		int r = 0;

		if (signal < 0 && errno != EINTR)
			return error_errno(err, "wait for signals");
		if (signal == SIGCHLD)
			r = try_reap(process, ret_status, err);
		else if (signal > 0)
			forward(foreground, process, signal);
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

/* --- With a terminal --- */

/* One direction: what was read and not yet written. */
struct pump {
	int from;
	int to;
	size_t start;
	size_t end;
	bool closed; /* nothing more comes in */
	bool waits;  /* in the background: what is typed is for others */
	char data[8192];
};

struct carrier {
	struct foreground *foreground;
	const struct process *process;
	int *master;
	int signals;
	bool ended;
	int status;
	struct pump in;
	struct pump out;
};

static bool pump_full(const struct pump *pump)
{
	return pump->start < pump->end;
}

static void pump_read(struct pump *pump)
{
	ssize_t count = read(pump->from, pump->data, sizeof(pump->data));

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* Put into the background meanwhile. */
	pump->waits = count < 0 && errno == EIO && pump->from == STDIN_FILENO &&
	              tcgetpgrp(STDIN_FILENO) != getpgrp();
	if (pump->waits)
		return;
	pump->start = 0;
	pump->end = count > 0 ? (size_t)count : 0;
	pump->closed = count <= 0; /* EIO: nobody holds the slave any more */
}

/*
 * Standard output may be full but for a little, and is not ours to make non-blocking: whoever shares it would
 * find it so. A pipe or terminal is opened once more; elsewhere (−1) PIPE_BUF bytes at a time go through once
 * poll says so (pipe(7)).
 */
static int open_output(void)
{
	char path[FD_PATH_SIZE];
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) < 0 || (!S_ISFIFO(st.st_mode) && !isatty(STDOUT_FILENO)))
		return -1;
	return open(fd_path(STDOUT_FILENO, path), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void pump_write(struct pump *pump)
{
	size_t size = pump->end - pump->start;
	ssize_t count = write(pump->to, pump->data + pump->start,
	                      pump->to == STDOUT_FILENO && size > PIPE_BUF ? PIPE_BUF : size);

	if (count > 0) {
		pump->start += (size_t)count;
	} else if (count < 0 && errno != EAGAIN && errno != EINTR) {
		pump->start = pump->end = 0;
		pump->closed = true;
	}
}

static void copy_size(int from, int to)
{
	struct winsize size;

	if (ioctl(from, TIOCGWINSZ, &size) == 0 && (size.ws_row || size.ws_col))
		(void)ioctl(to, TIOCSWINSZ, &size);
}

void foreground_copy_size(int master)
{
	copy_size(STDIN_FILENO, master);
}

/* Until somebody sends SIGCONT, which is taken like other signals then. */
static void stop_ourselves(struct carrier *carrier)
{
	leave_raw_mode(carrier->foreground);
	(void)kill(getpid(), SIGSTOP);
}

/* The shell may have given the terminal another mode and a program of its own meanwhile. */
static void go_on(struct carrier *carrier)
{
	carrier->in.waits = carrier->foreground->terminal && !is_ours(carrier->foreground);
	enter_raw_mode(carrier->foreground);
	copy_size(STDIN_FILENO, *carrier->master);
}

static int take_signals(struct carrier *carrier, struct error *err)
{
	struct signalfd_siginfo info;

	while (read(carrier->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int signal = (int)info.ssi_signo;
		int r = 0;

		if (signal == SIGCHLD)
			r = try_reap(carrier->process, &carrier->status, err);
		else if (signal == SIGWINCH)
			copy_size(STDIN_FILENO, *carrier->master);
		else if (signal == SIGTSTP && carrier->foreground->terminal)
			stop_ourselves(carrier);
		else
			forward(carrier->foreground, carrier->process, signal);
		if (r < 0)
			return r;
		if (signal == SIGCONT)
			go_on(carrier);
		carrier->ended |= r > 0;
	}
	return 0;
}

/* How soon a job in the foreground notices that it is. */
enum { BACKGROUND_MS = 200 };

enum { POLL_SIGNALS, POLL_IN_READ, POLL_IN_WRITE, POLL_OUT_READ, POLL_OUT_WRITE, POLL_COUNT };

static void fill_poll(const struct carrier *c, struct pollfd *fds)
{
	bool in_full = pump_full(&c->in);
	bool out_full = pump_full(&c->out);

	fds[POLL_SIGNALS] = (struct pollfd){.fd = c->signals, .events = POLLIN};
	fds[POLL_IN_READ] = (struct pollfd){
		.fd = in_full || c->in.closed || c->in.waits ? -1 : c->in.from, .events = POLLIN};
	fds[POLL_IN_WRITE] = (struct pollfd){.fd = in_full ? c->in.to : -1, .events = POLLOUT};
	fds[POLL_OUT_READ] = (struct pollfd){.fd = out_full || c->out.closed ? -1 : c->out.from,
	                                     .events = POLLIN};
	fds[POLL_OUT_WRITE] = (struct pollfd){.fd = out_full ? c->out.to : -1, .events = POLLOUT};
}

/*
 * Nobody reads what the program says: it is told as programs on a terminal are, by a hangup. Left
 * alone it would block as soon as the terminal is full.
 */
static void hang_up(struct carrier *c)
{
	fd_close(c->master);
	c->in.closed = true;
	c->in.start = c->in.end;
	c->in.to = c->out.from = -1;
}

/*
 * After the end of the process what it wrote last is still fetched, but nothing waited for. Nothing tells who
 * runs in the background that it is in the foreground now: that is looked at from time to time.
 */
static int poll_time(const struct carrier *c)
{
	if (c->ended && !pump_full(&c->out))
		return 0;
	return c->in.waits ? BACKGROUND_MS : -1;
}

static int carry(struct carrier *c, struct error *err)
{
	while (!c->ended || (!c->out.closed || pump_full(&c->out))) {
		struct pollfd fds[POLL_COUNT];

		fill_poll(c, fds);

		int ready = poll(fds, POLL_COUNT, poll_time(c));

		if (ready < 0 && errno != EINTR)
			return error_errno(err, "poll");
		if (c->in.waits && is_ours(c->foreground))
			go_on(c);
		if (ready == 0 && poll_time(c) == 0)
			return 0;
		if (ready <= 0)
			continue;
		if (fds[POLL_SIGNALS].revents) {
			int r = take_signals(c, err);

			if (r < 0)
				return r;
		}
		if (fds[POLL_IN_READ].revents)
			pump_read(&c->in);
		if (fds[POLL_IN_WRITE].revents)
			pump_write(&c->in);
		if (fds[POLL_OUT_READ].revents)
			pump_read(&c->out);
		if (fds[POLL_OUT_WRITE].revents) {
			pump_write(&c->out);
			if (c->out.closed)
				hang_up(c);
		}
	}
	return 0;
}

static int wait_with_terminal(struct foreground *foreground, const struct process *process,
                              int *master, int *ret_status, struct error *err)
{
	sigset_t all;
	struct carrier carrier = {
		.foreground = foreground,
		.process = process,
		.master = master,
		.in = {.from = STDIN_FILENO, .to = *master},
		.out = {.from = *master, .to = STDOUT_FILENO},
	};

	process_all_signals(&all);

	scoped_fd signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);

	if (signals < 0)
		return error_errno(err, "signalfd");
	if (fcntl(*master, F_SETFL, O_NONBLOCK) < 0)
		return error_errno(err, "terminal");
	carrier.signals = signals;

	scoped_fd output = open_output();

	if (output >= 0)
		carrier.out.to = output;
	/* Without one bytes are carried all the same. */
	foreground->terminal = tcgetattr(STDIN_FILENO, &foreground->saved_terminal) == 0;
	go_on(&carrier);

	int r = carry(&carrier, err);

	*ret_status = carrier.status;
	return r;
}

int foreground_wait(struct foreground *foreground, const struct process *process, int *master,
                    int *ret_status, struct error *err)
{
	if (*master >= 0)
		return wait_with_terminal(foreground, process, master, ret_status, err);
	return wait_plain(foreground, process, ret_status, err);
}
