#include "runtime/sync.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

struct header {
	uint32_t step;
	uint32_t size;     /* of the payload */
	uint32_t detached; /* 1: the payload is in the first descriptor, not in the packet */
};

enum { CONTROL_FDS = SYNC_FD_MAX + 1 };

union control {
	struct cmsghdr align;
	char data[CMSG_SPACE(sizeof(int) * CONTROL_FDS)];
};

static const char *const step_names[SYNC_STEP_COUNT] = {
	[SYNC_PID] = "pid",
	[SYNC_HOST_READY] = "host-ready",
	[SYNC_MOUNTS_READY] = "mounts-ready",
	[SYNC_HOOKS_DONE] = "hooks-done",
	[SYNC_CREATED] = "created",
	[SYNC_COMMIT] = "commit",
	[SYNC_START] = "start",
	[SYNC_STARTING] = "starting",
	[SYNC_FAILED] = "failed",
};

const char *sync_step_name(enum sync_step step)
{
	unsigned int index = (unsigned int)step;

	return index < SYNC_STEP_COUNT && step_names[index] ? step_names[index] : "unknown step";
}

int sync_pair(int ret[static 2], struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socketpair");
	ret[0] = ends[0];
	ret[1] = ends[1];
	return 0;
}

/* The payload's descriptor (−1: none) goes first. */
static void add_fds(struct msghdr *packet, union control *control, int payload_fd,
                    const struct sync_message *message)
{
	const size_t first = payload_fd >= 0;
	const size_t count = first + message->fd_count;

	if (count == 0)
		return;
	packet->msg_control = control->data;
	packet->msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * count);

	struct cmsghdr *rights = CMSG_FIRSTHDR(packet);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * count);
	if (first)
		memcpy(CMSG_DATA(rights), &payload_fd, sizeof(int));
	if (message->fd_count > 0)
		memcpy(CMSG_DATA(rights) + sizeof(int) * first, message->fds,
		       sizeof(int) * message->fd_count);
}

static int detach_payload(const struct sync_message *message, struct error *err)
{
	scoped_fd fd = memfd_create("payload", MFD_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "send %s: memfd_create", sync_step_name(message->step));

	int r = fd_write_all(fd, message->payload, message->size);

	return r < 0 ? error_code(err, -r, "send %s", sync_step_name(message->step)) : fd_take(&fd);
}

int sync_send(int fd, const struct sync_message *message, struct error *err)
{
	struct header header = {.step = (uint32_t)message->step, .size = (uint32_t)message->size};
	struct iovec parts[] = {
		{.iov_base = &header, .iov_len = sizeof(header)},
		{.iov_base = (void *)(uintptr_t)message->payload, .iov_len = message->size},
	};
	struct msghdr packet = {.msg_iov = parts, .msg_iovlen = message->size ? 2 : 1};
	union control control = {0};
	scoped_fd payload_fd = -1;
	ssize_t sent = 0;

	if (message->size > SYNC_PAYLOAD_MAX || message->fd_count > SYNC_FD_MAX)
		return error_set(err, EMSGSIZE, "send %s: message too large",
		                 sync_step_name(message->step));
	if (message->size > SYNC_PACKET_MAX) {
		payload_fd = detach_payload(message, err);
		if (payload_fd < 0)
			return payload_fd;
		header.detached = 1;
		packet.msg_iovlen = 1;
	}
	add_fds(&packet, &control, payload_fd, message);
	do
		sent = sendmsg(fd, &packet, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return error_errno(err, "send %s", sync_step_name(message->step));
	return 0;
}

int sync_send_step(int fd, enum sync_step step, struct error *err)
{
	return sync_send(fd, &(struct sync_message){.step = step}, err);
}

/* One write(2), since a seccomp filter may already be in force that knows no sendmsg. */
void sync_send_failure(int fd, const struct error *failure)
{
	struct {
		struct header header;
		struct error error;
	} packet = {
		.header = {.step = SYNC_FAILED, .size = sizeof(packet.error)},
	};

	packet.error = *failure;
	while (write(fd, &packet, sizeof(packet)) < 0 && errno == EINTR)
		;
}

/*
 * Puts the descriptors of a packet into the reply; those without room are closed. The first one is the
 * payload's when *payload_fd is wanted.
 */
static void take_fds(struct msghdr *packet, struct sync_reply *reply, int *payload_fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(packet); c; c = CMSG_NXTHDR(packet, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;

		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			int fd = -1;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (payload_fd && *payload_fd < 0)
				*payload_fd = fd;
			else if (reply->fds && reply->fd_count < reply->fd_capacity)
				reply->fds[reply->fd_count++] = fd;
			else
				fd_close(&fd);
		}
	}
}

static void drop_fds(struct sync_reply *reply)
{
	while (reply->fd_count > 0)
		fd_close(&reply->fds[--reply->fd_count]);
}

/* The peer's FAILED packet: its error becomes ours. */
static int take_failure(const struct error *failure, size_t size, const char *peer,
                        struct error *err)
{
	if (size != sizeof(*failure) || failure->code <= 0)
		return error_set(err, EPROTO, "%s failed and sent a broken report", peer);
	*err = *failure;
	err->text[ERROR_TEXT_SIZE - 1] = '\0';
	return -err->code;
}

static int read_payload(int fd, const struct header *header, struct sync_reply *reply,
                        struct error *err)
{
	if (!reply->payload)
		return 0;
	if (header->size > reply->capacity)
		return error_set(err, EMSGSIZE, "receive: payload of %u bytes", header->size);
	for (size_t have = 0; have < header->size;) {
		ssize_t count = pread(fd, reply->payload + have, header->size - have, (off_t)have);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return error_set(err, EPROTO, "receive: broken payload");
		have += (size_t)count;
	}
	return 0;
}

/*
 * One packet: 1 when it came, 0 at end of file. A payload goes to the reply, an error's to *failure,
 * which is cheap: only one of the two ever arrives.
 */
static int receive(int fd, struct header *header, struct error *failure, struct sync_reply *reply,
                   struct error *err)
{
	struct iovec parts[] = {
		{.iov_base = header, .iov_len = sizeof(*header)},
		{.iov_base = failure, .iov_len = sizeof(*failure)},
		{.iov_base = reply->payload, .iov_len = reply->payload ? reply->capacity : 0},
	};
	union control control;
	struct msghdr packet = {
		.msg_iov = parts,
		.msg_iovlen = reply->payload ? 3 : 2,
		.msg_control = control.data,
		.msg_controllen = sizeof(control),
	};
	ssize_t size = 0;

	/* A peer that has gone without hearing all resets once; what it said before is still there. */
	do
		size = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC);
	while (size < 0 && (errno == EINTR || errno == ECONNRESET));
	if (size < 0)
		return error_errno(err, "receive");
	if (size <= 0)
		return 0;

	bool detached = (size_t)size == sizeof(*header) && header->detached;
	scoped_fd payload_fd = -1;

	take_fds(&packet, reply, detached ? &payload_fd : NULL);
	if ((size_t)size < sizeof(*header) || (packet.msg_flags & MSG_TRUNC) ||
	    header->detached > detached ||
	    (detached && (payload_fd < 0 || header->step == SYNC_FAILED)) ||
	    (!detached && header->size != (size_t)size - sizeof(*header)))
		return error_set(err, EPROTO, "receive: broken packet of %zd bytes", size);
	if (detached) {
		int r = read_payload(payload_fd, header, reply, err);

		reply->size = r == 0 && reply->payload ? header->size : 0;
		return r < 0 ? r : 1;
	}
	if (reply->payload && header->step != SYNC_FAILED && header->size > reply->capacity)
		return error_set(err, EMSGSIZE, "receive: packet of %u bytes", header->size);
	reply->size = header->size;
	return 1;
}

/* Payloads lie behind the header in two pieces: the space of an error, then the reply's. */
static void join_payload(struct sync_reply *reply, const struct error *first)
{
	size_t head = reply->size < sizeof(*first) ? reply->size : sizeof(*first);

	if (!reply->payload) {
		reply->size = 0;
		return;
	}
	memmove(reply->payload + head, reply->payload, reply->size - head);
	memcpy(reply->payload, first, head);
}

int sync_expect(int fd, enum sync_step expected, const char *peer, struct sync_reply *reply,
                struct error *err)
{
	struct sync_reply nothing = {0};
	struct header header = {0};
	struct error failure;

	if (!reply)
		reply = &nothing;

	int r = receive(fd, &header, &failure, reply, err);

	if (r == 0)
		r = error_set(err, EPIPE, "%s exited before %s", peer, sync_step_name(expected));
	else if (r > 0 && header.step == SYNC_FAILED)
		r = take_failure(&failure, header.size, peer, err);
	else if (r > 0 && header.step != (uint32_t)expected)
		r = error_set(err, EPROTO, "%s: got %s, expected %s", peer,
		              sync_step_name((enum sync_step)header.step),
		              sync_step_name(expected));
	if (r < 0) {
		drop_fds(reply);
		return r;
	}
	if (!header.detached)
		join_payload(reply, &failure);
	return 0;
}

int sync_expect_end(int fd, const char *peer, struct error *err)
{
	struct sync_reply nothing = {0};
	struct header header = {0};
	struct error failure;
	int r = receive(fd, &header, &failure, &nothing, err);

	if (r <= 0)
		return r;
	if (header.step != SYNC_FAILED)
		return error_set(err, EPROTO, "%s: got %s, expected execution", peer,
		                 sync_step_name((enum sync_step)header.step));
	return take_failure(&failure, header.size, peer, err);
}

void sync_await_end(int fd)
{
	struct pollfd end = {.fd = fd}; /* POLLHUP comes unasked */

	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
}

int sync_expect_exec(int fd, const char *peer, struct error *err)
{
	int r = sync_expect(fd, SYNC_STARTING, peer, NULL, err);

	return r < 0 ? r : sync_expect_end(fd, peer, err);
}
