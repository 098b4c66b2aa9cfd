#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

#define VARIABLE "NOTIFY_SOCKET"
#define MOUNT_POINT "/run/notify"
#define SOCKET_NAME "notify.sock"

/* A program that never stops talking must not keep a command from everything else. */
enum { MESSAGE_SIZE = 4096, MESSAGES_AT_ONCE = 64 };

/* What a program may say about itself (sd_notify(3)); the values of others name processes or files. */
static const char *const fields[] = {
	"READY=1",   "RELOADING=1", "STOPPING=1",           "STATUS=",         "ERRNO=",
	"BUSERROR=", "WATCHDOG=1",  "EXTEND_TIMEOUT_USEC=", "MONOTONIC_USEC=",
};

void notify_done(struct notify *notify)
{
	fd_close(&notify->fd);
}

static const char *wanted_by(void)
{
	const char *path = getenv(VARIABLE);

	return path && (*path == '/' || *path == '@') && path[1] ? path : NULL;
}

/* --- Into the specification --- */

static int add_variable(struct spec *spec)
{
	static const char text[] = VARIABLE "=" MOUNT_POINT "/" SOCKET_NAME;
	struct string_list *env = &spec->process.env;
	char **items = arena_alloc(&spec->arena, env->count + 2, sizeof(*items));
	size_t count = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < env->count; i++)
		if (!str_starts(env->items[i], VARIABLE "="))
			items[count++] = env->items[i];
	items[count] = arena_strdup(&spec->arena, text);
	if (!items[count])
		return -ENOMEM;
	*env = (struct string_list){.items = items, .count = count + 1};
	return 0;
}

static int add_mount(struct spec *spec, int entry_fd)
{
	static const char *const options[] = {"bind", "ro", "nosuid", "noexec", "nodev", NULL};
	struct spec_mount *all = arena_alloc(&spec->arena, spec->mount_count + 1, sizeof(*all));
	char directory[FD_PATH_SIZE];

	if (!all)
		return -ENOMEM;
	if (spec->mount_count > 0)
		memcpy(all, spec->mounts, spec->mount_count * sizeof(*all));
	all[spec->mount_count] = (struct spec_mount){
		.destination = arena_strdup(&spec->arena, MOUNT_POINT),
		.source =
			arena_format(&spec->arena, "%s/" NOTIFY_NAME, fd_path(entry_fd, directory)),
		.options = {.items = (char **)(uintptr_t)options, .count = ARRAY_SIZE(options) - 1},
	};
	if (!all[spec->mount_count].destination || !all[spec->mount_count].source)
		return -ENOMEM;
	spec->mounts = all;
	spec->mount_count++;
	return 0;
}

int notify_prepare(int entry_fd, struct spec *spec, struct error *err)
{
	if (!wanted_by() || !spec->has_process)
		return 0;
	if (!spec->linux.namespaces[NAMESPACE_MOUNT].set ||
	    spec->linux.namespaces[NAMESPACE_MOUNT].path) {
		log_write(LOG_LEVEL_WARNING,
		          VARIABLE " is not passed on: the container has no mounts of its own");
		return 0;
	}
	if ((mkdirat(entry_fd, NOTIFY_NAME, 0755) < 0 && errno != EEXIST) ||
	    fchmodat(entry_fd, NOTIFY_NAME, 0755, 0) < 0)
		return error_errno(err, VARIABLE ": make a directory");
	if (add_variable(spec) < 0 || add_mount(spec, entry_fd) < 0)
		return error_code(err, ENOMEM, VARIABLE);
	return 0;
}

/* --- The socket --- */

/* The one of an earlier command has no reader any more. */
static int bind_fresh(int directory, int socket_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[FD_PATH_SIZE];

	if (unlinkat(directory, SOCKET_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SOCKET_NAME,
	               fd_path(directory, path));
	if (bind(socket_fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* Whoever the program runs as: the directory is in nobody else's reach. */
	return fchmodat(directory, SOCKET_NAME, 0666, 0) < 0 ? -errno : 0;
}

int notify_listen(int entry_fd, struct notify *ret, struct error *err)
{
	scoped_fd directory = -1;
	scoped_fd fd = -1;
	int r;

	if (!wanted_by())
		return 0;
	directory = openat(entry_fd, NOTIFY_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return errno == ENOENT ? 0 : error_errno(err, VARIABLE ": open the directory");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : bind_fresh(directory, fd);
	if (r < 0)
		return error_code(err, -r, VARIABLE ": listen");
	ret->fd = fd_take(&fd);
	return 0;
}

int notify_signal(const struct notify *notify, struct error *err)
{
	if (notify->fd < 0)
		return 0;
	if (fcntl(notify->fd, F_SETOWN, getpid()) < 0 ||
	    fcntl(notify->fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		return error_errno(err, VARIABLE);
	return 0;
}

/* --- Passing on --- */

static bool is_known(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		bool whole = !str_ends(fields[i], "=");

		if (whole ? str_equal(line, fields[i]) : str_starts(line, fields[i]))
			return true;
	}
	return false;
}

static void send_on(const char *text, size_t size)
{
	const char *path = wanted_by();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	scoped_fd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		address.sun_path[0] = '\0';
	if (sendto(fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&address,
	           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		log_write(LOG_LEVEL_WARNING, VARIABLE " %s: %s", path, error_describe(errno));
}

/* One message; whether it says READY=1. */
static bool forward_one(char *text, pid_t main_pid)
{
	char out[MESSAGE_SIZE + 64];
	size_t size = 0;
	bool ready = false;

	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		if (!is_known(line))
			continue;
		ready |= str_equal(line, "READY=1");
		size += (size_t)snprintf(out + size, sizeof(out) - size, "%s\n", line);
	}
	if (ready && main_pid > 0)
		size += (size_t)snprintf(out + size, sizeof(out) - size, "MAINPID=%d\n", main_pid);
	if (size > 0)
		send_on(out, size - 1);
	return ready;
}

bool notify_forward(const struct notify *notify, pid_t main_pid)
{
	bool ready = false;

	for (int i = 0; notify->fd >= 0 && i < MESSAGES_AT_ONCE; i++) {
		char text[MESSAGE_SIZE];
		/* Descriptors that come along are not taken, so they are closed. */
		ssize_t size = recv(notify->fd, text, sizeof(text) - 1, MSG_DONTWAIT);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			break;
		text[size] = '\0';
		ready |= forward_one(text, main_pid);
	}
	return ready;
}

bool notify_has_more(const struct notify *notify)
{
	struct pollfd more = {.fd = notify->fd, .events = POLLIN};

	return notify->fd >= 0 && poll(&more, 1, 0) > 0;
}

int notify_wait(const struct notify *notify, const struct process *init, struct error *err)
{
	struct pollfd fds[] = {
		{.fd = notify->fd, .events = POLLIN},
		{.fd = init->pidfd, .events = POLLIN},
	};

	while (notify->fd >= 0) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return error_errno(err, VARIABLE ": poll");
		if (notify_forward(notify, init->pid) || fds[1].revents)
			return 0;
	}
	return 0;
}

void notify_remove(int entry_fd)
{
	if (unlinkat(entry_fd, NOTIFY_NAME "/" SOCKET_NAME, 0) < 0 && errno == ENOTDIR)
		return;
	(void)unlinkat(entry_fd, NOTIFY_NAME, AT_REMOVEDIR);
}
