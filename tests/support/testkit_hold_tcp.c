/* The words of testkit's applet "hold" that are TCP connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "testkit_hold.h"

struct sockaddr_in hold_local_address(long port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_addr = {htonl(INADDR_LOOPBACK)},
	                            .sin_port = htons((uint16_t)port)};
}

void hold_listen_begin(struct held *held)
{
	struct sockaddr_in address = hold_local_address(4712);

	held->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(held->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(held->fd, 4) < 0)
		hold_stop("listen");
	if (fork() == 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			_exit(4);
		close(held->fd);
		for (;;)
			pause();
	}
}

void hold_listen_try(struct held *held, unsigned long number)
{
	struct pollfd ready = {held->fd, POLLIN, 0};

	/* It is ready until it was restored without it. */
	(void)number;
	if (poll(&ready, 1, 0) < 0 || (ready.revents & (POLLERR | POLLNVAL)))
		hold_stop("listener");
}

void hold_tcp_begin(struct held *held)
{
	struct sockaddr_in address = hold_local_address(strtol(held->value, NULL, 10));

	held->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(held->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		hold_stop("connect");
}

void hold_tcp_try(struct held *held, unsigned long number)
{
	char text[32];
	int size = snprintf(text, sizeof(text), "ok %lu\n", number);

	if (held->fd < 0 || send(held->fd, text, (size_t)size, MSG_NOSIGNAL) == size)
		return;
	dprintf(STDOUT_FILENO, "closed\n");
	close(held->fd);
	held->fd = -1;
}

/* A connection of `fd` with `other`. */
static void connect_self(struct held *held)
{
	struct sockaddr_in address = hold_local_address(0);
	socklen_t length = sizeof(address);
	const int size = 65536;
	int server = socket(AF_INET, SOCK_STREAM, 0);

	held->fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)setsockopt(server, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(server, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(held->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(held->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(server, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(server, 1) < 0 ||
	    getsockname(server, (struct sockaddr *)&address, &length) < 0 ||
	    connect(held->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		hold_stop("connection with itself");
	held->other = accept(server, NULL, NULL);
	if (held->other < 0)
		hold_stop("accept");
	close(server);
}

/* The bytes of a stream are numbered, in a way that no other place of it begins with the same ones. */
static unsigned char byte_at(unsigned long place)
{
	return (unsigned char)(place * 7 + place / 251);
}

static void fill(int fd, unsigned long *sent)
{
	unsigned char data[4096];
	ssize_t size;

	do {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = byte_at(*sent + i);
		size = send(fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL);
		*sent += size > 0 ? (unsigned long)size : 0;
	} while (size > 0);
	if (errno != EAGAIN)
		hold_stop("send");
}

static void drain(int fd, unsigned long *got, unsigned long until)
{
	struct pollfd ready = {fd, POLLIN, 0};
	unsigned char data[4096];

	while (*got < until) {
		if (poll(&ready, 1, 60000) != 1)
			hold_stop("nothing comes any more");

		ssize_t size = recv(fd, data, sizeof(data), MSG_DONTWAIT);

		if (size <= 0)
			hold_stop("recv");
		for (ssize_t i = 0; i < size; i++)
			if (data[i] != byte_at((*got)++))
				hold_stop("other bytes than were sent");
	}
}

void hold_full_begin(struct held *held)
{
	int unsent[2] = {0, 0};

	connect_self(held);
	fill(held->fd, &held->sent[0]);
	fill(held->other, &held->sent[1]);
	if (ioctl(held->fd, SIOCOUTQNSD, &unsent[0]) < 0 ||
	    ioctl(held->other, SIOCOUTQNSD, &unsent[1]) < 0 || unsent[0] == 0 || unsent[1] == 0)
		hold_stop("a connection that is full");
}

/* All that was under way comes; then it is full again. */
void hold_full_try(struct held *held, unsigned long number)
{
	(void)number;
	drain(held->other, &held->got[1], held->sent[0]);
	drain(held->fd, &held->got[0], held->sent[1]);
	fill(held->fd, &held->sent[0]);
	fill(held->other, &held->sent[1]);
}

void hold_half_begin(struct held *held)
{
	connect_self(held);
	if (shutdown(held->fd, SHUT_WR) < 0)
		hold_stop("shutdown");
}

void hold_half_try(struct held *held, unsigned long number)
{
	char byte = (char)number, got = 0;

	if (recv(held->other, &got, 1, 0) != 0)
		hold_stop("the end of what it said");
	if (send(held->other, &byte, 1, MSG_NOSIGNAL) != 1 || recv(held->fd, &got, 1, 0) != 1 ||
	    got != byte)
		hold_stop("the other way");
}
