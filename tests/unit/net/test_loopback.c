#include "tests/support/child.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "net/loopback.h"

/* A datagram to oneself over 127.0.0.1. */
static bool can_talk_to_itself(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	scoped_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte;

	return fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
	       getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
	       sendto(fd, "x", 1, 0, (struct sockaddr *)&address, size) == 1 &&
	       recv(fd, &byte, 1, 0) == 1;
}

static const char *bring_up(void *data unused_parameter)
{
	struct error err = {0};

	if (unshare(CLONE_NEWNET) < 0)
		return "unshare";
	if (can_talk_to_itself())
		return "it was up before";
	if (loopback_enter_up(&err) < 0)
		return complain("%s", err.text);
	return can_talk_to_itself() ? NULL : "it is not up";
}

static void loopback_comes_up_with_its_address(void **state unused_parameter)
{
	run_in_user_namespace(bring_up, NULL);
}

static const char *fail_to_bring_up(void *data unused_parameter)
{
	struct error err = {0};

	if (loopback_enter_up(&err) == 0)
		return "somebody else's interface was changed";
	return strstr(err.text, "set the loopback interface up") ? NULL : complain("%s", err.text);
}

static void interface_of_the_host_cannot_be_touched(void **state unused_parameter)
{
	run_in_user_namespace(fail_to_bring_up, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loopback_comes_up_with_its_address),
		cmocka_unit_test(interface_of_the_host_cannot_be_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
