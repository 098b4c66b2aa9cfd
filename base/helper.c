#include "base/helper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"

static const char program_name[] = "lvm-run-helper";

void helper_add(struct strbuf *request, const char *key, const char *value)
{
	strbuf_addf(request, "%s=", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c < 0x20 || c == 0x7f || c == '%')
			strbuf_addf(request, "%%%02X", c);
		else
			strbuf_add(request, value, 1);
	}
	strbuf_add(request, "\n", 1);
}

/* --- Where it is --- */

/* Beside the program as it was started; after a re-exec by descriptor this cannot be told. */
static char *find_beside(const char *name)
{
	const char *started = (const char *)(uintptr_t)getauxval(AT_EXECFN);
	const char *slash = started ? strrchr(started, '/') : NULL;

	if (!slash || str_starts(started, "/dev/fd/") || str_starts(started, "/proc/"))
		return NULL;
	return str_format("%.*s/%s", (int)(slash - started), started, name);
}

int helper_find(const char *name, const char *variable, char **ret, struct error *err)
{
	const char *given = secure_getenv(variable);
	scoped_str path =
		given && *given ? strdup(given) : str_format("%s/%s", LVM_RUN_LIBEXECDIR, name);

	if (!path)
		return error_code(err, ENOMEM, "%s", name);
	if (access(path, X_OK) == 0) {
		*ret = str_take(&path);
		return 0;
	}

	scoped_str beside = given && *given ? NULL : find_beside(name);

	if (beside && access(beside, X_OK) == 0) {
		*ret = str_take(&beside);
		return 0;
	}
	return error_set(err, ENOENT,
	                 "%s is not to be found at %s; install it, or name it in the environment's "
	                 "%s",
	                 name, path, variable);
}

/* --- Starting it --- */

/* What D-Bus needs to find its sockets, and nothing else. */
static size_t make_environment(char **ret, size_t size)
{
	static const char *const names[] = {"DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS",
	                                    "XDG_RUNTIME_DIR"};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && count + 1 < size; i++) {
		const char *value = secure_getenv(names[i]);
		char *entry = value ? str_format("%s=%s", names[i], value) : NULL;

		if (entry)
			ret[count++] = entry;
	}
	ret[count] = NULL;
	return count;
}

/* All signals as a fresh program has them. */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;

	(void)sigemptyset(&none);
	(void)sigfillset(&all);

	int r = posix_spawnattr_setflags(attributes,
	                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	return r ? r : posix_spawnattr_setsigdefault(attributes, &all);
}

/* What of ours would outlive the execve: descriptors that our own caller gave us. */
static int close_others(posix_spawn_file_actions_t *actions)
{
	DIR *open_files = opendir("/proc/self/fd");
	const struct dirent *entry;
	int r = 0;

	if (!open_files)
		return errno;
	while (r == 0 && (entry = readdir(open_files))) {
		int fd = -1;

		if (parse_int(entry->d_name, 3, INT_MAX, &fd) < 0)
			continue;
		if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
			r = posix_spawn_file_actions_addclose(actions, fd);
	}
	(void)closedir(open_files);
	return r;
}

/* The socket is its standard input, output and error; all else is closed. */
static int set_files(posix_spawn_file_actions_t *actions, int socket)
{
	int r = 0;

	for (int fd = 0; r == 0 && fd < 3; fd++)
		r = posix_spawn_file_actions_adddup2(actions, socket, fd);
	return r ? r : close_others(actions);
}

static int spawn(const char *path, int socket, pid_t *ret)
{
	char *argv[] = {(char *)(uintptr_t)program_name, NULL};
	char *environment[4];
	size_t count = make_environment(environment, ARRAY_SIZE(environment));
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t actions;
	int r = posix_spawnattr_init(&attributes);

	if (r == 0) {
		r = posix_spawn_file_actions_init(&actions);
		if (r == 0) {
			r = set_signals(&attributes);
			if (r == 0)
				r = set_files(&actions, socket);
			if (r == 0)
				r = posix_spawn(ret, path, &actions, &attributes, argv,
				                environment);
			(void)posix_spawn_file_actions_destroy(&actions);
		}
		(void)posix_spawnattr_destroy(&attributes);
	}
	while (count > 0)
		free(environment[--count]);
	return r;
}

/* --- Talking to it --- */

struct talk {
	int socket;
	int64_t end; /* of the time it has, in ms */
	const char *request;
	size_t left;
	struct strbuf answer;
};

static void talk_done(struct talk *talk)
{
	fd_close(&talk->socket);
	strbuf_done(&talk->answer);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int send_some(struct talk *talk)
{
	ssize_t sent = send(talk->socket, talk->request, talk->left, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (sent < 0) { /* it ended early: what it has to say is still to be read */
		talk->left = 0;
		return 0;
	}
	talk->request += sent;
	talk->left -= (size_t)sent;
	if (talk->left == 0 && shutdown(talk->socket, SHUT_WR) < 0)
		return -errno;
	return 0;
}

/* 1 at the end of the answer, 0 when there is more to come. */
static int receive_some(struct talk *talk)
{
	char part[4096];
	ssize_t size = recv(talk->socket, part, sizeof(part), MSG_DONTWAIT);

	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? 1 : -errno;
	if (size == 0)
		return 1;
	strbuf_add(&talk->answer, part, (size_t)size);
	if (talk->answer.failed)
		return -ENOMEM;
	return talk->answer.length > HELPER_ANSWER_LIMIT ? -EMSGSIZE : 0;
}

static int converse(struct talk *talk)
{
	for (;;) {
		int64_t remaining = talk->end - now_ms();
		struct pollfd wait = {
			.fd = talk->socket,
			.events = (short)(POLLIN | (talk->left > 0 ? POLLOUT : 0)),
		};

		if (remaining <= 0)
			return -ETIMEDOUT;

		int ready = poll(&wait, 1, (int)remaining);

		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready <= 0)
			continue;
		if (talk->left > 0 && (wait.revents & (POLLOUT | POLLHUP | POLLERR))) {
			int r = send_some(talk);

			if (r < 0)
				return r;
		}
		if (wait.revents & (POLLIN | POLLHUP | POLLERR)) {
			int r = receive_some(talk);

			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
}

/* --- The answer --- */

static int read_error(const char *text, struct error *err)
{
	char digits[8];
	size_t size = strspn(text, "0123456789");
	int code = EIO;

	if (size > 0 && size < sizeof(digits)) {
		memcpy(digits, text, size);
		digits[size] = '\0';
		if (parse_int(digits, 1, 4095, &code) < 0)
			code = EIO;
	}
	text += size;
	text += strspn(text, " ");
	return error_set(err, code, "%.*s", (int)strcspn(text, "\n"), text);
}

static int read_answer(struct strbuf *answer, char **ret, struct error *err)
{
	const char *text = answer->data;

	if (!text)
		return error_set(err, EPROTO, "%s ended without an answer", program_name);
	if (str_starts(text, "error "))
		return read_error(text + strlen("error "), err);
	if (!str_starts(text, "ok\n"))
		return error_set(err, EPROTO, "%s: %.*s", program_name, (int)strcspn(text, "\n"),
		                 text);
	if (!ret)
		return 0;
	*ret = strdup(text + strlen("ok\n"));
	return *ret ? 0 : error_code(err, ENOMEM, "%s", program_name);
}

/* Ends the helper, which has answered or has had its time, and reaps it. */
static void end_helper(pid_t pid)
{
	(void)kill(pid, SIGKILL); /* our child, not yet reaped: the number is its own */

	struct process process = {.pid = pid, .pidfd = -1};
	struct error ignored;
	int status = 0;

	if (process_reap(&process, &status, &ignored) < 0)
		return;
}

int helper_ask(const char *request, int timeout_ms, char **ret, struct error *err)
{
	scoped(talk_done) struct talk talk = {
		.socket = -1,
		.end = now_ms() + timeout_ms,
		.request = request,
		.left = strlen(request),
	};
	scoped_str path = NULL;
	int pair[2];
	pid_t pid = 0;

	if (helper_find(program_name, "LVM_RUN_HELPER", &path, err) < 0 || !path)
		return -err->code;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "%s: socketpair", program_name);
	talk.socket = pair[0];

	int r = spawn(path, pair[1], &pid);

	fd_close(&pair[1]);
	if (r != 0)
		return error_code(err, r, "start %s", path);
	r = converse(&talk);
	end_helper(pid);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "%s gave no answer within %d ms", program_name,
		                 timeout_ms);
	if (r < 0)
		return error_code(err, -r, "talk to %s", program_name);
	return read_answer(&talk.answer, ret, err);
}
