#include "checkpoint/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sha256_parts.h"
#include "base/sys.h"

enum { PAUSE_MS = 1 };

void follow_done(struct follow *follow)
{
	struct error ignored;
	int status = 0;

	fd_close(&follow->talk);
	if (follow->process.pidfd < 0)
		return;
	(void)!process_signal(&follow->process, SIGKILL, &ignored);
	(void)!process_reap(&follow->process, &status, &ignored);
	process_done(&follow->process);
}

/* Waits for a word, at most so long; ends when the other side is gone. */
static bool is_told(int talk)
{
	struct pollfd fd = {.fd = talk, .events = POLLIN};
	char word;

	if (poll(&fd, 1, PAUSE_MS) <= 0)
		return false;
	if (read(talk, &word, 1) != 1)
		_exit(0);
	return true;
}

/* All that is there, and what comes until the word that nothing more does. */
static void follow_file(int directory, int talk, struct sha256_parts *parts,
                        struct follow_result *ret)
{
	unsigned char digest[SHA256_SIZE];
	struct stat st;
	bool whole = false;
	int fd = -1;

	sha256_parts_begin(parts);
	for (;;) {
		ssize_t count = 0;
		size_t room = 0;
		void *place = sha256_parts_room(parts, &room);

		if (fd < 0)
			fd = openat(directory, FOLLOW_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			count = read(fd, place, room);
		if (count > 0)
			sha256_parts_took(parts, (size_t)count);
		else if (count < 0 || whole)
			break;
		else
			whole = is_told(talk);
	}
	ret->size = parts->size;
	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != ret->size)
		return;
	sha256_parts_end(parts, digest);
	(void)sha256_hex(digest, ret->sha256);
}

static void become_follower(int directory, int talk)
{
	struct sha256_parts *parts = malloc(sizeof(*parts));
	struct follow_result result = {0};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (parts)
		follow_file(directory, talk, parts, &result);
	free(parts);
	_exit(fd_write_all(talk, &result, sizeof(result)) < 0);
}

int follow_start(int directory, struct follow *ret, struct error *err)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&ret->process.pidfd,
		.exit_signal = SIGCHLD,
	};
	int talk[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) < 0)
		return error_errno(err, "socket");

	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		fd_close(&talk[0]);
		become_follower(directory, talk[1]);
	}
	fd_close(&talk[1]);
	if (pid < 0) {
		fd_close(&talk[0]);
		return error_errno(err, "process that reads the memory's image");
	}
	ret->process.pid = pid;
	ret->talk = talk[0];
	return 0;
}

int follow_finish(struct follow *follow, struct follow_result *ret, struct error *err)
{
	const char word = 'w';

	if (fd_write_all(follow->talk, &word, 1) < 0 ||
	    fd_read_all(follow->talk, ret, sizeof(*ret)) != (ssize_t)sizeof(*ret))
		return error_set(err, EPROTO, "the process that reads the memory's image has died");
	fd_close(&follow->talk);
	return 0;
}
