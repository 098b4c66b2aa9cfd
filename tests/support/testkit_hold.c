/*
 * testkit hold WORD...: a program that holds what the words name, each in a way of its own hard to save: about twenty times a
 * second all of it is tried; a line says "ok N", or what was wrong. Words:
 *
 *	deleted=SIZE   an open file of that many bytes without a name
 *	linked         an open file whose name is gone, but which has another
 *	lock           a file with a lock on it
 *	unix=PATH      a datagram socket connected to that unix socket, to which "ok N" goes
 *	stream=PATH    a stream connected to that unix socket
 *	listen         a TCP socket with a connection that nobody has accepted
 *	tcp=PORT       a connection to that port of 127.0.0.1: "ok N" goes there; its end is told as "closed" and not wrong
 *	full           a connection with itself whose both ways are full: neither end could send all that it wants to
 *	half           a connection with itself of which one end has said all that it will
 *	timer          a periodic timer descriptor that is read at leisure: it has run out nearly always
 *	inotify        a watch on a directory, and one on a file
 *	nested         a process in a UTS namespace of its own
 *	ring           an io_uring, which cannot be saved
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testkit_hold.h"

void hold_stop(const char *what)
{
	dprintf(STDOUT_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(3);
}

/* --- Files --- */

static void deleted_begin(struct held *held)
{
	static const char block[65536] = "deleted";

	held->size = strtol(held->value, NULL, 10);
	held->fd = open("/tmp/held", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (off_t at = 0; held->fd >= 0 && at < held->size; at += (off_t)sizeof(block))
		if (write(held->fd, block, sizeof(block)) != (ssize_t)sizeof(block))
			hold_stop("write");
	if (held->fd < 0 || unlink("/tmp/held") < 0)
		hold_stop("deleted file");
}

static void deleted_try(struct held *held, unsigned long number)
{
	char text[8] = "";
	struct stat st;

	(void)number;
	if (fstat(held->fd, &st) < 0 || st.st_nlink != 0 || st.st_size < held->size ||
	    pread(held->fd, text, sizeof(text), st.st_size - 65536) != (ssize_t)sizeof(text) ||
	    strcmp(text, "deleted") != 0)
		hold_stop("deleted file");
}

static void linked_begin(struct held *held)
{
	unlink("/tmp/held-b");
	held->fd = open("/tmp/held-a", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (held->fd < 0 || link("/tmp/held-a", "/tmp/held-b") < 0 || unlink("/tmp/held-a") < 0)
		hold_stop("linked file");
}

static void linked_try(struct held *held, unsigned long number)
{
	struct stat a, b;

	if (fstat(held->fd, &a) < 0 || stat("/tmp/held-b", &b) < 0 || a.st_ino != b.st_ino ||
	    pwrite(held->fd, &number, sizeof(number), 0) != (ssize_t)sizeof(number))
		hold_stop("linked file");
}

static void lock_begin(struct held *held)
{
	held->fd = open("/tmp/held-lock", O_RDWR | O_CREAT, 0600);
	if (held->fd < 0 || flock(held->fd, LOCK_EX | LOCK_NB) < 0)
		hold_stop("lock");
}

static void lock_try(struct held *held, unsigned long number)
{
	int other = open("/tmp/held-lock", O_RDWR);

	(void)held, (void)number;
	if (other < 0 || flock(other, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		hold_stop("lock");
	close(other);
}

static void inotify_begin(struct held *held)
{
	held->fd = inotify_init1(IN_NONBLOCK);
	held->other = open("/tmp/held-watched", O_RDWR | O_CREAT, 0600);
	if (held->other < 0 || inotify_add_watch(held->fd, "/tmp", IN_CREATE) < 0 ||
	    inotify_add_watch(held->fd, "/tmp/held-watched", IN_MODIFY) < 0)
		hold_stop("inotify");
}

/* A bit for each of the two watches that told of what is done here. */
static int watches_tell(const struct held *held, unsigned long number)
{
	char events[4096];
	int fd;
	ssize_t size;
	int seen = 0;

	unlink("/tmp/held-new");
	fd = open("/tmp/held-new", O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || pwrite(held->other, &number, sizeof(number), 0) < 0)
		hold_stop("watched files");
	close(fd);
	size = read(held->fd, events, sizeof(events));
	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *event = (const void *)(events + at);

		seen |= (event->mask & IN_CREATE ? 1 : 0) | (event->mask & IN_MODIFY ? 2 : 0);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return seen;
}

/* What they have yet to tell is not saved with them: what is done right before a checkpoint may go unseen, not the next. */
static void inotify_try(struct held *held, unsigned long number)
{
	int seen = 0;

	for (int turn = 0; seen != 3 && turn < 3; turn++)
		seen = watches_tell(held, number);
	if (seen != 3)
		hold_stop(seen ? "inotify: one of two watches" : "inotify");
}

/* --- Sockets --- */

static void connect_unix(struct held *held, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strncpy(address.sun_path, held->value, sizeof(address.sun_path) - 1);
	held->fd = socket(AF_UNIX, type, 0);
	if (held->fd < 0 || connect(held->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		hold_stop("unix socket");
}

static void unix_begin(struct held *held)
{
	connect_unix(held, SOCK_DGRAM);
}

static void stream_begin(struct held *held)
{
	connect_unix(held, SOCK_STREAM);
}

static void say_try(struct held *held, unsigned long number)
{
	char text[32];
	int size = snprintf(text, sizeof(text), "ok %lu\n", number);

	if (send(held->fd, text, (size_t)size, MSG_NOSIGNAL) != size)
		hold_stop("unix socket");
}

/* --- Others --- */

static void timer_begin(struct held *held)
{
	const struct itimerspec often = {{0, 5000000}, {0, 5000000}};

	held->fd = timerfd_create(CLOCK_MONOTONIC, 0);
	if (held->fd < 0 || timerfd_settime(held->fd, 0, &often, NULL) < 0)
		hold_stop("timer");
}

static void timer_try(struct held *held, unsigned long number)
{
	uint64_t times = 0;
	struct pollfd ready = {held->fd, POLLIN, 0};

	(void)number;
	if (poll(&ready, 1, 5000) != 1 ||
	    read(held->fd, &times, sizeof(times)) != (ssize_t)sizeof(times))
		hold_stop("timer");
}

static void nested_begin(struct held *held)
{
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		hold_stop("pipe");
	if (fork() == 0) {
		if (unshare(CLONE_NEWUTS) < 0)
			hold_stop("unshare");
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		close(ready[0]);
		close(ready[1]);
		for (;;)
			pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		hold_stop("nested");
	close(ready[0]);
	close(ready[1]);
	held->fd = -1;
}

static void ring_begin(struct held *held)
{
	struct io_uring_params parameters = {0};

	held->fd = (int)syscall(SYS_io_uring_setup, 4, &parameters);
	if (held->fd < 0)
		hold_stop("io_uring");
}

/* --- */

static const struct holding holdings[] = {
	{"deleted=", deleted_begin, deleted_try},
	{"linked", linked_begin, linked_try},
	{"lock", lock_begin, lock_try},
	{"unix=", unix_begin, say_try},
	{"stream=", stream_begin, say_try},
	{"listen", hold_listen_begin, hold_listen_try},
	{"tcp=", hold_tcp_begin, hold_tcp_try},
	{"full", hold_full_begin, hold_full_try},
	{"half", hold_half_begin, hold_half_try},
	{"timer", timer_begin, timer_try},
	{"inotify", inotify_begin, inotify_try},
	{"nested", nested_begin, NULL},
	{"ring", ring_begin, NULL},
};

static void take(struct held *held, const char *word)
{
	for (size_t i = 0; i < sizeof(holdings) / sizeof(holdings[0]); i++) {
		size_t length = strlen(holdings[i].word);

		if (strncmp(word, holdings[i].word, length) != 0)
			continue;
		held->how = &holdings[i];
		held->value = word + length;
		held->how->begin(held);
		return;
	}
	errno = EINVAL;
	hold_stop(word);
}

int hold_main(char **words)
{
	static struct held list[16];
	size_t count = 0;

	for (; *words && count < 16; words++)
		take(&list[count++], *words);
	for (unsigned long number = 1; number; number++) {
		struct timespec rest = {0, 50000000};

		while (nanosleep(&rest, &rest) < 0)
			;
		for (size_t i = 0; i < count; i++)
			if (list[i].how->try)
				list[i].how->try(&list[i], number);
		dprintf(STDOUT_FILENO, "ok %lu\n", number);
	}
	return 0;
}

/* --- sink unix=PATH|stream=PATH|tcp=PORT: the other side; prints what comes, from one peer at a time --- */

static int sink_open(const char *word)
{
	struct sockaddr_un unix_address = {.sun_family = AF_UNIX};
	struct sockaddr_in address;
	const char *value = strchr(word, '=') + 1;
	int on = 1, fd;

	if (strncmp(word, "tcp=", 4) == 0) {
		address = hold_local_address(strtol(value, NULL, 10));
		fd = socket(AF_INET, SOCK_STREAM, 0);
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			hold_stop("bind");
	} else {
		fd = socket(AF_UNIX, strncmp(word, "unix=", 5) ? SOCK_STREAM : SOCK_DGRAM, 0);
		strncpy(unix_address.sun_path, value, sizeof(unix_address.sun_path) - 1);
		if (bind(fd, (struct sockaddr *)&unix_address, sizeof(unix_address)) < 0)
			hold_stop("bind");
	}
	return fd;
}

int sink_main(char **words)
{
	char text[4096];
	int fd = sink_open(words[0]);

	if (listen(fd, 4) < 0 && errno != EOPNOTSUPP)
		hold_stop("listen");
	dprintf(STDOUT_FILENO, "ready\n");
	for (;;) {
		int peer = strncmp(words[0], "unix=", 5) ? accept(fd, NULL, NULL) : fd;
		ssize_t size;

		while ((size = read(peer, text, sizeof(text))) > 0)
			if (write(STDOUT_FILENO, text, (size_t)size) < 0)
				return 1;
		dprintf(STDOUT_FILENO, size < 0 ? "broken\n" : "closed\n");
		close(peer);
	}
}
