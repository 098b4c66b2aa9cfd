/*
 * testkit busy: a program that holds one of everything that a checkpoint has to bring back: a child process, a thread,
 * an established TCP connection and a unix one to the child, shared memory (anonymous and a file in /dev/shm),
 * a timer descriptor, an interval timer with its signal, an eventfd, an epoll, an inotify watch, a deleted open
 * file, a pipe with something in it. Forty times a second all of it is used; a line says "ok N", or what was wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "testkit.h"

struct shared {
	atomic_ulong child;  /* what it has echoed */
	atomic_ulong thread; /* how often it went round */
};

struct busy {
	struct shared *anonymous;
	struct shared *file;
	int tcp, unix_socket, timer, event, epoll, watch, deleted, pipe[2];
};

static atomic_ulong alarms;

static void on_alarm(int number)
{
	(void)number;
	atomic_fetch_add(&alarms, 1);
}

static int stop(const char *what)
{
	dprintf(STDOUT_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(3);
}

static void *go_round(void *context)
{
	const struct timespec pause_time = {0, 5000000};
	struct busy *busy = context;

	for (;;) {
		atomic_fetch_add(&busy->anonymous->thread, 1);
		nanosleep(&pause_time, NULL);
	}
	return NULL;
}

/* The child sends back what comes. */
static void echo(int tcp, int unix_socket, struct shared *shared)
{
	for (;;) {
		struct pollfd fds[] = {{tcp, POLLIN, 0}, {unix_socket, POLLIN, 0}};
		uint64_t word;

		if (poll(fds, 2, -1) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (!fds[i].revents)
				continue;
			if (read(fds[i].fd, &word, sizeof(word)) != sizeof(word) ||
			    write(fds[i].fd, &word, sizeof(word)) != sizeof(word))
				_exit(4);
			atomic_fetch_add(&shared->child, 1);
		}
	}
}

static void connect_child(struct busy *busy)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = {htonl(INADDR_LOOPBACK)},
		.sin_port = htons(4711),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int pair[2];

	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		stop("listen");
	if (fork() == 0) {
		int tcp = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(tcp, (struct sockaddr *)&address, sizeof(address)) < 0)
			stop("connect");
		echo(tcp, pair[1], busy->file);
	}
	busy->unix_socket = pair[0];
	busy->tcp = accept(listener, NULL, NULL);
	if (busy->tcp < 0)
		stop("accept");
}

static void make_files(struct busy *busy)
{
	int fd = open("/dev/shm/busy", O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		stop("/dev/shm/busy");
	busy->file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	busy->anonymous =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	busy->deleted = open("/tmp/busy-deleted", O_RDWR | O_CREAT, 0600);
	if (busy->deleted < 0 || unlink("/tmp/busy-deleted") < 0 || pipe(busy->pipe) < 0)
		stop("files");
	unlink("/tmp/busy-new");
	busy->watch = inotify_init1(IN_NONBLOCK);
	if (inotify_add_watch(busy->watch, "/tmp", IN_CREATE) < 0)
		stop("inotify");
}

static void make_timers(struct busy *busy)
{
	const struct itimerval alarm_often = {{0, 10000}, {0, 10000}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct epoll_event event = {.events = EPOLLIN};

	busy->timer = timerfd_create(CLOCK_MONOTONIC, 0);
	busy->event = eventfd(0, 0);
	busy->epoll = epoll_create1(0);
	if (epoll_ctl(busy->epoll, EPOLL_CTL_ADD, busy->event, &event) < 0 ||
	    sigaction(SIGALRM, &action, NULL) < 0 || setitimer(ITIMER_REAL, &alarm_often, NULL) < 0)
		stop("timers");
}

static void exchange(int fd, uint64_t number, const char *what)
{
	uint64_t word = 0;

	if (write(fd, &number, sizeof(number)) != sizeof(number) ||
	    read(fd, &word, sizeof(word)) != sizeof(word) || word != number)
		stop(what);
}

/* In the end: nobody promises when a thread is run, or a signal comes. */
static void expect_more(unsigned long *before, atomic_ulong *counter, const char *what)
{
	enum { TURNS = 30000 };
	const struct timespec pause_time = {0, 1000000};
	unsigned long now = atomic_load(counter);

	for (int turn = 0; now <= *before && turn < TURNS; turn++) {
		nanosleep(&pause_time, NULL);
		now = atomic_load(counter);
	}
	if (now <= *before)
		stop(what);
	*before = now;
}

/* What a watch has yet to tell is not saved with it: a file made right before a checkpoint may go unseen, not the next. */
static void expect_seen(int watch)
{
	char events[4096];
	bool seen = false;

	for (int turn = 0; !seen && turn < 3; turn++) {
		int fd = open("/tmp/busy-new", O_WRONLY | O_CREAT, 0600);

		seen = fd >= 0 && read(watch, events, sizeof(events)) > 0;
		close(fd);
		unlink("/tmp/busy-new");
	}
	if (!seen)
		stop("inotify");
}

/* What the deleted file and the pipe got is still in them. */
static void use_files(struct busy *busy, uint64_t number)
{
	uint64_t word = 0;

	expect_seen(busy->watch);
	if (number > 1 &&
	    (pread(busy->deleted, &word, sizeof(word), 0) != sizeof(word) || word != number - 1))
		stop("deleted file");
	if (pwrite(busy->deleted, &number, sizeof(number), 0) != sizeof(number))
		stop("deleted file");
	if (number > 1 &&
	    (read(busy->pipe[0], &word, sizeof(word)) != sizeof(word) || word != number - 1))
		stop("pipe");
	if (write(busy->pipe[1], &number, sizeof(number)) != sizeof(number))
		stop("pipe");
}

static void use_timers(struct busy *busy)
{
	/* One shot: CRIU leaves a periodic one, which had run out and was not read, unarmed. */
	const struct itimerspec soon = {{0, 0}, {0, 2000000}};
	struct epoll_event event;
	uint64_t word = 1;

	if (timerfd_settime(busy->timer, 0, &soon, NULL) < 0 ||
	    read(busy->timer, &word, sizeof(word)) != sizeof(word) || word == 0)
		stop("timer");
	if (write(busy->event, &word, sizeof(word)) != sizeof(word) ||
	    epoll_wait(busy->epoll, &event, 1, 1000) != 1 ||
	    read(busy->event, &word, sizeof(word)) != sizeof(word))
		stop("epoll");
}

int busy_main(char **words)
{
	const struct timespec pause_time = {0, 25000000};
	static struct busy busy;
	unsigned long child = 0, thread = 0, signals = 0;
	pthread_t id;

	(void)words;
	make_files(&busy);
	connect_child(&busy);
	make_timers(&busy);
	if (pthread_create(&id, NULL, go_round, &busy) != 0)
		stop("thread");
	for (uint64_t number = 1; number; number++) {
		struct timespec rest = pause_time;

		while (nanosleep(&rest, &rest) < 0)
			;
		exchange(busy.tcp, number, "tcp");
		exchange(busy.unix_socket, number, "unix");
		use_files(&busy, number);
		use_timers(&busy);
		expect_more(&child, &busy.file->child, "child, shared file");
		expect_more(&thread, &busy.anonymous->thread, "thread, shared memory");
		expect_more(&signals, &alarms, "interval timer");
		dprintf(STDOUT_FILENO, "ok %llu\n", (unsigned long long)number);
	}
	return 0;
}
