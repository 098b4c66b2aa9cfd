#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/sync.h"

struct ends {
	int host;
	int init;
};

static void ends_done(struct ends *ends)
{
	fd_close(&ends->host);
	fd_close(&ends->init);
}
#define scoped_ends scoped(ends_done) struct ends

static struct ends make_ends(void)
{
	int fds[2];
	struct error err = {0};

	assert_int_equal(sync_pair(fds, &err), 0);
	return (struct ends){.host = fds[0], .init = fds[1]};
}

static void a_step_arrives(void **state)
{
	scoped_ends ends = make_ends();
	struct error err = {0};

	(void)state;
	assert_int_equal(sync_send_step(ends.init, SYNC_CREATED, &err), 0);
	assert_int_equal(sync_expect(ends.host, SYNC_CREATED, "init", NULL, &err), 0);
}

static void another_step_is_an_error_that_names_both(void **state)
{
	scoped_ends ends = make_ends();
	struct error err = {0};

	(void)state;
	assert_int_equal(sync_send_step(ends.init, SYNC_CREATED, &err), 0);
	assert_int_equal(sync_expect(ends.host, SYNC_MOUNTS_READY, "init", NULL, &err), -EPROTO);
	assert_string_equal(err.text, "init: got created, expected mounts-ready");
}

static void end_of_file_is_never_success(void **state)
{
	scoped_ends ends = make_ends();
	struct error err = {0};

	(void)state;
	fd_close(&ends.init);
	assert_int_equal(sync_expect(ends.host, SYNC_CREATED, "init", NULL, &err), -EPIPE);
	assert_string_equal(err.text, "init exited before created");
	assert_int_equal(sync_expect_exec(ends.host, "init", &err), -EPIPE);
}

static void an_error_crosses_whole(void **state)
{
	scoped_ends ends = make_ends();
	struct error failure = {0};
	struct error err = {0};

	(void)state;
	(void)error_set(&failure, EPERM, "mount /proc: fsmount: Operation not permitted");
	sync_send_failure(ends.init, &failure);
	assert_int_equal(sync_expect(ends.host, SYNC_CREATED, "init", NULL, &err), -EPERM);
	assert_string_equal(err.text, failure.text);
}

static void an_error_crosses_where_a_small_payload_was_expected(void **state)
{
	scoped_ends ends = make_ends();
	struct error failure = {0};
	struct error err = {0};
	pid_t pid = 0;
	struct sync_reply reply = {.payload = (char *)&pid, .capacity = sizeof(pid)};

	(void)state;
	(void)error_set(&failure, ERANGE, "time offsets: Numerical result out of range");
	sync_send_failure(ends.init, &failure);
	assert_int_equal(sync_expect(ends.host, SYNC_PID, "stage", &reply, &err), -ERANGE);
	assert_string_equal(err.text, failure.text);
	assert_int_equal(pid, 0);
}

static void payloads_of_every_size_arrive_whole(void **state)
{
	static const size_t sizes[] = {1,
	                               7,
	                               sizeof(struct error) - 1,
	                               sizeof(struct error),
	                               2000,
	                               5000,
	                               SYNC_PACKET_MAX,
	                               SYNC_PACKET_MAX + 1,
	                               SYNC_PAYLOAD_MAX};
	char *sent = malloc(SYNC_PAYLOAD_MAX);
	char *got = malloc(SYNC_PAYLOAD_MAX);

	(void)state;
	for (size_t i = 0; i < SYNC_PAYLOAD_MAX; i++)
		sent[i] = (char)(i * 7 + i / 256);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		scoped_ends ends = make_ends();
		struct error err = {0};
		struct sync_reply reply = {.payload = got, .capacity = SYNC_PAYLOAD_MAX};

		assert_int_equal(sync_send(ends.host,
		                           &(struct sync_message){.step = SYNC_START,
		                                                  .payload = sent,
		                                                  .size = sizes[i]},
		                           &err),
		                 0);
		assert_int_equal(sync_expect(ends.init, SYNC_START, "host", &reply, &err), 0);
		assert_int_equal(reply.size, sizes[i]);
		assert_memory_equal(got, sent, sizes[i]);
	}
	free(sent);
	free(got);
}

static void a_payload_too_large_for_a_packet_and_descriptors_come_together(void **state)
{
	enum { SIZE = 2 * SYNC_PACKET_MAX };
	static char sent[SIZE], got[SIZE];
	scoped_ends ends = make_ends();
	struct error err = {0};
	scoped_fd file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	scoped_fd received = -1;
	struct sync_reply reply = {
		.payload = got, .capacity = SIZE, .fds = &received, .fd_capacity = 1};
	struct sync_reply small = {.payload = got, .capacity = SIZE - 1};
	struct sync_message message = {
		.step = SYNC_START, .payload = sent, .size = SIZE, .fds = &file, .fd_count = 1};
	struct stat st;

	(void)state;
	memset(sent, 'x', SIZE);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sync_send(ends.host, &message, &err), 0);
	assert_int_equal(sync_expect(ends.init, SYNC_START, "host", &reply, &err), 0);
	assert_int_equal(reply.size, SIZE);
	assert_memory_equal(got, sent, SIZE);
	assert_int_equal(reply.fd_count, 1);
	assert_int_equal(fstat(received, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(sync_expect(ends.init, SYNC_START, "host", &small, &err), -EMSGSIZE);
	assert_int_equal(sync_expect(ends.init, SYNC_START, "host", NULL, &err), 0);
}

static void a_payload_larger_than_the_room_is_refused(void **state)
{
	scoped_ends ends = make_ends();
	struct error err = {0};
	char room[8];
	struct sync_reply reply = {.payload = room, .capacity = sizeof(room)};
	struct sync_message message = {.step = SYNC_START, .payload = "0123456789", .size = 10};

	(void)state;
	assert_int_equal(sync_send(ends.host, &message, &err), 0);
	assert_true(sync_expect(ends.init, SYNC_START, "host", &reply, &err) < 0);
}

static void descriptors_come_along_close_on_exec(void **state)
{
	scoped_ends ends = make_ends();
	struct error err = {0};
	scoped_fd sent = open("/dev/null", O_RDONLY | O_CLOEXEC);
	scoped_fd got = -1;
	struct sync_reply reply = {.fds = &got, .fd_capacity = 1};
	struct sync_message message = {.step = SYNC_CREATED, .fds = &sent, .fd_count = 1};

	(void)state;
	assert_int_equal(sync_send(ends.init, &message, &err), 0);
	assert_int_equal(sync_expect(ends.host, SYNC_CREATED, "init", &reply, &err), 0);
	assert_int_equal(reply.fd_count, 1);
	assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
}

static void descriptors_nobody_asked_for_are_closed(void **state)
{
	scoped_ends ends = make_ends();
	struct error err = {0};
	int pipe_ends[2];
	char byte = 0;

	(void)state;
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
	assert_int_equal(sync_send(ends.init,
	                           &(struct sync_message){.step = SYNC_CREATED,
	                                                  .fds = &pipe_ends[1],
	                                                  .fd_count = 1},
	                           &err),
	                 0);
	assert_int_equal(close(pipe_ends[1]), 0);
	assert_int_equal(sync_expect(ends.host, SYNC_CREATED, "init", NULL, &err), 0);
	assert_int_equal(read(pipe_ends[0], &byte, 1), 0); /* no writer is left */
	assert_int_equal(close(pipe_ends[0]), 0);
}

static void broken_packets_are_errors(void **state)
{
	static const struct {
		uint32_t words[4];
		size_t size;
	} packets[] = {
		{{SYNC_CREATED}, 4},   {{SYNC_CREATED, 100}, 8},
		{{SYNC_FAILED, 0}, 8}, {{SYNC_FAILED, 4, 1}, 12},
		{{99, 0}, 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		scoped_ends ends = make_ends();
		struct error err = {0};

		assert_int_equal(send(ends.init, packets[i].words, packets[i].size, 0),
		                 packets[i].size);
		assert_int_equal(sync_expect(ends.host, SYNC_CREATED, "init", NULL, &err), -EPROTO);
	}
}

static void execution_is_the_end_of_file_after_starting(void **state)
{
	scoped_ends ends = make_ends();
	struct error err = {0};

	(void)state;
	assert_int_equal(sync_send_step(ends.init, SYNC_STARTING, &err), 0);
	fd_close(&ends.init);
	assert_int_equal(sync_expect_exec(ends.host, "init", &err), 0);
}

static void a_failed_execve_is_reported(void **state)
{
	scoped_ends ends = make_ends();
	struct error failure = {0};
	struct error err = {0};

	(void)state;
	(void)error_set(&failure, ENOEXEC, "open executable \"/x\": Exec format error");
	assert_int_equal(sync_send_step(ends.init, SYNC_STARTING, &err), 0);
	sync_send_failure(ends.init, &failure);
	assert_int_equal(sync_expect_exec(ends.host, "init", &err), -ENOEXEC);
	assert_string_equal(err.text, failure.text);
}

static void a_closed_peer_is_an_error_and_no_signal(void **state)
{
	scoped_ends ends = make_ends();
	struct error err = {0};

	(void)state;
	fd_close(&ends.init);
	assert_int_equal(sync_send_step(ends.host, SYNC_COMMIT, &err), -EPIPE);
}

/* Said ahead: a peer that fails before it has heard it resets the connection, but its words come first. */
static void a_failure_is_heard_from_who_heard_nothing(void **state)
{
	scoped_ends ends = make_ends();
	struct error failure = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(sync_send_step(ends.host, SYNC_START, &err), 0);
	(void)error_set(&failure, ENOENT, "mount /x: No such file or directory");
	sync_send_failure(ends.init, &failure);
	fd_close(&ends.init);
	sync_await_end(ends.host);
	assert_int_equal(sync_expect(ends.host, SYNC_CREATED, "init", NULL, &err), -ENOENT);
	assert_string_equal(err.text, failure.text);
	assert_int_equal(sync_expect(ends.host, SYNC_CREATED, "init", NULL, &err), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_heard_from_who_heard_nothing),
		cmocka_unit_test(a_step_arrives),
		cmocka_unit_test(another_step_is_an_error_that_names_both),
		cmocka_unit_test(end_of_file_is_never_success),
		cmocka_unit_test(an_error_crosses_whole),
		cmocka_unit_test(an_error_crosses_where_a_small_payload_was_expected),
		cmocka_unit_test(payloads_of_every_size_arrive_whole),
		cmocka_unit_test(a_payload_too_large_for_a_packet_and_descriptors_come_together),
		cmocka_unit_test(a_payload_larger_than_the_room_is_refused),
		cmocka_unit_test(descriptors_come_along_close_on_exec),
		cmocka_unit_test(descriptors_nobody_asked_for_are_closed),
		cmocka_unit_test(broken_packets_are_errors),
		cmocka_unit_test(execution_is_the_end_of_file_after_starting),
		cmocka_unit_test(a_failed_execve_is_reported),
		cmocka_unit_test(a_closed_peer_is_an_error_and_no_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
