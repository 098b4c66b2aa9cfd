/*
 * The conversation between the host half and init: one SOCK_SEQPACKET packet a step. What does not
 * fit, such as the state of a container with many annotations, lies in a memfd that goes along.
 *
 *	# who → whom     step          when                           meaning
 *	1 stage → host   SYNC_PID      a second process was needed    init's process id is the payload
 *	2 host → init    HOST_READY    stage, user namespace, maps    id maps are written, mounts id-mapped
 *	3 init → host    MOUNTS_READY  hooks before the pivot         all mounted, not yet pivoted
 *	4 host → init    HOOKS_DONE    the same                       prestart and createRuntime ran; payload:
 *	                                                              the OCI state for createContainer
 *	5 init → host    CREATED       always                         everything is in place; the console's
 *	                                                              master comes along
 *	6 host → init    COMMIT        create                         the record is written: wait for start
 *	6 host → init    START         run, exec; start by socket     go; payload: struct start_message
 *	7 init → host    STARTING      always                         the hooks ran, execve comes next
 *	✗ either         FAILED        any time                       a whole struct error
 *
 * What a case does not need is left out: without hooks and user namespace three packets suffice.
 * End of file is never success, but for the one after STARTING: execve closed the socket.
 */
#ifndef LVM_RUN_RUNTIME_SYNC_H
#define LVM_RUN_RUNTIME_SYNC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum sync_step {
	SYNC_PID = 1,
	SYNC_HOST_READY,
	SYNC_MOUNTS_READY,
	SYNC_HOOKS_DONE,
	SYNC_CREATED,
	SYNC_COMMIT,
	SYNC_START,
	SYNC_STARTING,
	SYNC_FAILED,
	SYNC_STEP_COUNT
};

enum {
	SYNC_PACKET_MAX = 32 * 1024,         /* bytes of payload; what is larger goes by memfd */
	SYNC_PAYLOAD_MAX = 20 * 1024 * 1024, /* bytes; a larger one is refused */
	SYNC_FD_MAX = 64
};

/* A packet to send, or what arrived. The payload is borrowed when sending. */
struct sync_message {
	enum sync_step step;
	const void *payload;
	size_t size;
	const int *fds;
	size_t fd_count;
};

/* Two connected ends, close-on-exec: ret[0] the host's, ret[1] init's. */
int sync_pair(int ret[static 2], struct error *err) must_check;

/* A closed other end is −EPIPE, never a signal. Either side. */
int sync_send(int fd, const struct sync_message *message, struct error *err) must_check;
/* The same without payload or descriptors. */
int sync_send_step(int fd, enum sync_step step, struct error *err) must_check;
/* Sends the error whole; what goes wrong with that cannot be reported to anybody. Either side. */
void sync_send_failure(int fd, const struct error *failure);

/* Room for what sync_expect receives; zero-initialise. */
struct sync_reply {
	char *payload; /* may be null: what arrives is dropped */
	size_t capacity;
	size_t size; /* of what arrived */
	int *fds;    /* may be null: none is accepted */
	size_t fd_capacity;
	size_t fd_count;
};

/*
 * Receives one packet and insists on `expected`. Fails with the peer's own error on FAILED, with
 * "peer exited before …" (−EPIPE) at end of file, with "got …, expected …" (−EPROTO) otherwise.
 * `peer` names the other side in errors ("init"). `reply` may be null. Received descriptors are
 * close-on-exec; on failure none is left open. Either side.
 */
int sync_expect(int fd, enum sync_step expected, const char *peer, struct sync_reply *reply,
                struct error *err) must_check;

/*
 * Sleeps until the peer has closed its end; what it said before can be received then. For who wants to be woken
 * once only.
 */
void sync_await_end(int fd);

/*
 * The host's last wait, after STARTING: 0 once the peer has closed its end (execve succeeded), its own error
 * if it failed.
 */
int sync_expect_end(int fd, const char *peer, struct error *err) must_check;
/* Both: STARTING, and the end after it. −EPIPE if the peer died before. */
int sync_expect_exec(int fd, const char *peer, struct error *err) must_check;

const char *sync_step_name(enum sync_step step);

#endif
