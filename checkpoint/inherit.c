#include "checkpoint/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "net/loopback.h"

void inherited_done(struct inherited *inherited)
{
	for (size_t i = 0; i < STREAM_COUNT; i++)
		fd_close(&inherited->streams[i]);
	fd_close(&inherited->network_fd);
}

static void add(struct inherited *inherited, const char *key, int fd)
{
	inherited->list[inherited->count++] = (struct criu_inherit){key, fd};
}

/* --- Network --- */

/* A process that makes a namespace, or enters that of `pid`, and waits until it was opened. */
static void __attribute__((noreturn)) be_in_network(pid_t caller, pid_t pid, int report)
{
	struct error failure = {0};
	char path[32];
	int r = 0;

	/* It holds the lock of the container too: a killed restore takes it along. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != caller)
		_exit(1);
	if (pid) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);

		scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC);

		r = fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? error_errno(&failure, "%s", path) : 0;
	} else if (unshare(CLONE_NEWNET) < 0) {
		r = error_errno(&failure, "make one");
	}
	if (r == 0)
		r = loopback_enter_up(&failure);
	if (r == 0)
		failure = (struct error){0};
	(void)!write(report, &failure, sizeof(failure));
	for (;;)
		(void)pause();
}

/* `pid` 0: a new one. The namespace's descriptor. */
static int open_network(pid_t pid, struct error *err)
{
	int report[2];
	char path[32];
	struct error failure;
	int status = 0;

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_errno(err, "network namespace");

	const pid_t caller = getpid();
	const pid_t child = fork();

	if (child == 0)
		be_in_network(caller, pid, report[1]);
	fd_close(&report[1]);

	ssize_t size = child < 0 ? -1 : fd_read_all(report[0], &failure, sizeof(failure));
	int fd = -1;

	fd_close(&report[0]);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
	if (size != (ssize_t)sizeof(failure))
		(void)error_set(err, EPROTO, "no answer");
	else if (failure.code)
		*err = failure;
	else if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		(void)error_errno(err, "open it");
	if (child > 0) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, &status, 0);
	}
	return fd < 0 ? error_wrap(err, "network namespace") : fd;
}

int inherit_loopback(pid_t pid, struct error *err)
{
	scoped_fd fd = open_network(pid, err);

	return fd < 0 ? -err->code : 0;
}

int inherit_network(struct inherited *inherited, const struct facts *facts, const struct spec *spec,
                    struct error *err)
{
	const struct spec_namespace *namespace = &spec->linux.namespaces[NAMESPACE_NETWORK];

	if (!facts->network && namespace->set)
		return error_set(err, EINVAL,
		                 "config.json asks for a network namespace, the checkpoint was "
		                 "made in the host's");
	if (!facts->network)
		return 0;
	if (!namespace->set)
		return error_set(err, EINVAL,
		                 "the checkpoint was made in a network namespace, config.json "
		                 "asks for none");
	/* It belongs to the user namespace that CRIU makes, and cannot be there before. */
	if (facts->user_namespace)
		return 0;
	if (namespace->path) {
		inherited->network_fd = open(namespace->path, O_RDONLY | O_CLOEXEC);
		if (inherited->network_fd < 0)
			return error_errno(err, "network namespace %s", namespace->path);
	} else {
		inherited->network_fd = open_network(0, err);
		if (inherited->network_fd < 0)
			return inherited->network_fd;
	}
	add(inherited, FACTS_NETWORK_KEY, inherited->network_fd);
	return 0;
}

/* --- Standard streams --- */

static bool serves(int access, int wanted)
{
	return access == O_RDWR || access == wanted;
}

/*
 * Our own descriptor `number` with the access that the container had. One key may stand for several
 * streams of different access (/dev/null for all of them): then one descriptor serves all.
 */
static int take_stream(int number, int wanted, struct error *err)
{
	char path[FD_PATH_SIZE];
	int flags = fcntl(number, F_GETFL);

	if (flags < 0)
		return error_errno(err, "standard stream %d", number);
	if (!serves(flags & O_ACCMODE, wanted)) {
		int again = open(fd_path(number, path), O_RDWR | O_CLOEXEC | O_NOCTTY);

		return again < 0 ? error_errno(err,
		                               "standard stream %d cannot be opened as the "
		                               "container had it",
		                               number)
		                 : again;
	}
	int copy = fcntl(number, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? error_errno(err, "standard stream %d", number) : copy;
}

/*
 * CRIU looks a file up by its path without the leading slash before anything else, and what it finds so is
 * taken as it is; by the whole key it would open it anew and insist on the size of the saved file. The
 * "path" of an external file is its key.
 */
static const char *stream_key(const struct fact_stream *stream)
{
	return str_starts(stream->key, "file[") ? stream->key + 1 : stream->key;
}

int inherit_streams(struct inherited *inherited, const struct facts *facts, struct error *err)
{
	const struct fact_stream *streams = facts->streams;

	for (int i = 0; i < STREAM_COUNT; i++) {
		int wanted = streams[i].access;
		bool known = !streams[i].key;

		for (int j = 0; j < i; j++)
			known |= str_equal(streams[i].key, streams[j].key);
		if (known)
			continue;
		for (int j = i + 1; j < STREAM_COUNT; j++)
			if (str_equal(streams[i].key, streams[j].key) &&
			    streams[j].access != wanted)
				wanted = O_RDWR;
		inherited->streams[i] = take_stream(i, wanted, err);
		if (inherited->streams[i] < 0)
			return inherited->streams[i];
		add(inherited, stream_key(&streams[i]), inherited->streams[i]);
	}
	return 0;
}
