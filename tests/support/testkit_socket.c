/* testkit's applets that listen, take descriptors or send notifications. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testkit.h"

/* It has its name only once it listens: who sees it may connect. */
static int listen_on(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s~", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0 || rename(address.sun_path, path) < 0)
		die(path);
	return fd;
}

/* One message: its bytes, and the first of its descriptors. */
static ssize_t receive(int connection, char *text, size_t size, int *ret_fd, size_t *ret_fds)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = text, .iov_len = size};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control.data,
	                         .msg_controllen = sizeof(control.data)};
	ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);

	*ret_fds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); got >= 0 && c;
	     c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			*ret_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
		}
	return got;
}

/* --- console SOCKET: takes a terminal as engines do. First the line "bytes N fds N tty 0|1", then
 *     what the terminal says until its other side is closed; standard input goes to it --- */

static void carry(int terminal, int in)
{
	char data[4096];
	struct pollfd fds[] = {{.fd = terminal, .events = POLLIN}, {.fd = in, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return;
		if (fds[0].revents) {
			ssize_t got = read(terminal, data, sizeof(data));

			if (got <= 0 || write(STDOUT_FILENO, data, (size_t)got) < 0)
				return;
		}
		if (fds[1].revents) {
			ssize_t got = read(in, data, sizeof(data));

			if (got <= 0)
				fds[1].fd = -1;
			else if (write(terminal, data, (size_t)got) < 0)
				return;
		}
	}
}

int console_main(char **words)
{
	char text[4096];
	size_t fds;
	int terminal = -1;
	int connection = accept(listen_on(words[0]), NULL, NULL);
	ssize_t got =
		connection < 0 ? -1 : receive(connection, text, sizeof(text), &terminal, &fds);

	if (got < 0)
		return die("console");
	say("bytes %zd fds %zu tty %d\n", got, fds, terminal >= 0 && isatty(terminal));
	carry(terminal, STDIN_FILENO);
	return 0;
}

/* --- stall SOCKET: a server that takes every connection and never says a word --- */

int stall_main(char **words)
{
	int fd = listen_on(words[0]);

	say("listening\n");
	for (;;)
		(void)accept(fd, NULL, NULL);
	return 0;
}

/* --- notified SOCKET: prints the datagrams that come in, a line each, until one has STOPPING=1 --- */

int notified_main(char **words)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096] = "";

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", words[0]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return die(words[0]);
	while (!strstr(text, "STOPPING=1")) {
		ssize_t got = recv(fd, text, sizeof(text) - 1, 0);

		if (got < 0)
			return die("recv");
		text[got] = '\0';
		for (char *c = text; *c; c++)
			*c = *c == '\n' ? ' ' : *c;
		say("%s\n", text);
	}
	return 0;
}

/* --- notify TEXT…: sends the words, a line each, to $NOTIFY_SOCKET --- */

int notify_main(char **words)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096] = "";

	if (!path || fd < 0)
		return die("NOTIFY_SOCKET");
	for (; *words; words++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
		         *text ? "\n" : "", *words);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address)) < 0)
		return die(path);
	return 0;
}

/* --- pidfd SOCKET: takes a pidfd and prints the process id behind it --- */

int pidfd_main(char **words)
{
	char text[4096];
	size_t fds;
	int fd = -1;
	int connection = accept(listen_on(words[0]), NULL, NULL);

	if (connection < 0 || receive(connection, text, sizeof(text), &fd, &fds) < 0 || fds != 1)
		return die("pidfd");
	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", fd);

	FILE *info = fopen(text, "re");
	int pid = 0;

	while (info && fgets(text, sizeof(text), info))
		if (sscanf(text, "Pid: %d", &pid) == 1)
			say("%d\n", pid);
	return pid > 0 ? 0 : 1;
}

/* --- agent SOCKET FILE [COUNT]: a seccomp agent. The state of each connection goes to FILE, a line
 *     each; each call of a filter's process is answered with the result 42. Ends after COUNT
 *     connections (1) when nobody has their filters any more --- */

static void answer(int listener)
{
	struct seccomp_notif request;
	struct seccomp_notif_resp response;
	struct pollfd fd = {.fd = listener, .events = POLLIN};

	while (poll(&fd, 1, -1) > 0 && !(fd.revents & POLLHUP)) {
		memset(&request, 0, sizeof(request));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
			continue;
		response = (struct seccomp_notif_resp){.id = request.id, .val = 42};
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	}
}

int agent_main(char **words)
{
	int server = listen_on(words[0]);
	int out = open(words[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	static char text[65536];

	for (int left = words[2] ? number(words[2]) : 1; left > 0; left--) {
		size_t fds;
		int listener = -1;
		int connection = accept(server, NULL, NULL);
		ssize_t got = receive(connection, text, sizeof(text) - 1, &listener, &fds);

		if (got < 0 || fds != 1)
			return die("agent");
		text[got] = '\n';
		if (write(out, text, (size_t)got + 1) < 0)
			return die("agent");
		close(connection);
		if (fork() == 0) {
			answer(listener);
			_exit(0);
		}
		close(listener);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
