/* wrap: recv */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"
#include "runtime/notify.h"

ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __real_recv(int fd, void *buffer, size_t size, int flags);

enum { FLOOD = 4242, TOO_MANY = 100000 };

static int received;

/* A program that has always something to say. */
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags)
{
	if (fd != FLOOD)
		return __real_recv(fd, buffer, size, flags);
	assert_true(++received < TOO_MANY);
	memcpy(buffer, "X=1", 3);
	return 3;
}

static void a_flood_is_taken_in_portions(void **state unused_parameter)
{
	const struct notify notify = {.fd = FLOOD};

	assert_false(notify_forward(&notify, 0));
	assert_true(received > 1);
}

/* --- With a service manager --- */

static char directory[] = "/tmp/lvm-run-test-notify.XXXXXX";
static char path[sizeof(directory) + 8];
static int manager = -1, program = -1;
static struct notify notify = NOTIFY_NONE;

static int open_all(void **state unused_parameter)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int ends[2];

	if (!mkdtemp(directory) || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	program = ends[0];
	notify.fd = ends[1];
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(manager, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return setenv("NOTIFY_SOCKET", path, 1);
}

static int close_all(void **state unused_parameter)
{
	fd_close(&manager);
	fd_close(&program);
	notify_done(&notify);
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unlink(path);
	return rmdir(directory);
}

static void says(const char *text)
{
	assert_int_equal(send(program, text, strlen(text), 0), strlen(text));
}

/* "": nothing. */
static void manager_hears(const char *text)
{
	char heard[256] = "";

	if (__real_recv(manager, heard, sizeof(heard) - 1, 0) < 0)
		assert_int_equal(errno, EAGAIN);
	assert_string_equal(heard, text);
}

static void only_known_fields_pass(void **state unused_parameter)
{
	says("STATUS=half\nMAINPID=1\nFDSTORE=1\nREADY=0\nNOTIFYACCESS=all\nWATCHDOG=1");
	assert_true(notify_has_more(&notify));
	assert_false(notify_forward(&notify, 17));
	assert_false(notify_has_more(&notify));
	manager_hears("STATUS=half\nWATCHDOG=1");
	says("MAINPID=1\nWATCHDOG=1x");
	assert_false(notify_forward(&notify, 17));
	manager_hears("");
}

static void readiness_names_the_process_that_stays(void **state unused_parameter)
{
	says("READY=1\nMAINPID=1");
	assert_true(notify_forward(&notify, 17));
	manager_hears("READY=1\nMAINPID=17");
	says("READY=1");
	assert_true(notify_forward(&notify, 0));
	manager_hears("READY=1");
}

static void descriptors_that_come_along_are_not_passed(void **state unused_parameter)
{
	char text[] = "READY=1", control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control,
	                         .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &program, sizeof(program));
	assert_int_equal(sendmsg(program, &message, 0), sizeof(text) - 1);
	assert_true(notify_forward(&notify, 0));

	struct msghdr got = {.msg_iov = &part,
	                     .msg_iovlen = 1,
	                     .msg_control = control,
	                     .msg_controllen = sizeof(control)};

	assert_int_equal(recvmsg(manager, &got, MSG_CMSG_CLOEXEC), sizeof(text) - 1);
	assert_int_equal(got.msg_controllen, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_is_taken_in_portions),
		cmocka_unit_test(only_known_fields_pass),
		cmocka_unit_test(readiness_names_the_process_that_stays),
		cmocka_unit_test(descriptors_that_come_along_are_not_passed),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
