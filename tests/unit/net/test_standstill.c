#include "tests/unit/net/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include "net/loopback.h"
#include "net/standstill.h"

enum { NO_MARK = 1, SOON_MS = 60000, NEVER_MS = 200 };

struct scene {
	int server;
	struct sockaddr_in open, closed; /* addresses; nobody listens at the second one */
};

static const char *set_scene(struct scene *scene)
{
	struct error err = {0};
	socklen_t length = sizeof(scene->open);

	TRY(loopback_enter_up(&err));
	scene->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	scene->open =
		(struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	EXPECT(bind(scene->server, (const struct sockaddr *)&scene->open, length) == 0);
	EXPECT(listen(scene->server, 8) == 0);
	EXPECT(getsockname(scene->server, (struct sockaddr *)&scene->open, &length) == 0);
	scene->closed = scene->open;
	scene->closed.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	return NULL;
}

/* 0: connected; else its errno; ETIMEDOUT: nothing has come back. */
static int try_connect(const struct sockaddr_in *address, int patience_ms)
{
	scoped_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t length = sizeof(error);

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&ready, 1, patience_ms) != 1)
		return ETIMEDOUT;
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

static const char *nothing_passes(void *data unused_parameter)
{
	struct error err = {0};
	struct scene scene = {.server = -1};
	scoped_firewall still = NULL;
	scoped_fd datagram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const char *failure = set_scene(&scene);

	if (failure)
		return failure;
	EXPECT(try_connect(&scene.open, SOON_MS) == 0);
	EXPECT(try_connect(&scene.closed, SOON_MS) == ECONNREFUSED);
	TRY(standstill_begin(-1, STANDSTILL_ALL, NO_MARK, &still, &err));
	EXPECT(try_connect(&scene.open, NEVER_MS) == ETIMEDOUT);
	EXPECT(try_connect(&scene.closed, NEVER_MS) == ETIMEDOUT);
	/* TCP alone. */
	EXPECT(sendto(datagram, "x", 1, 0, (const struct sockaddr *)&scene.open,
	              sizeof(scene.open)) == 1);
	firewall_free(&still);
	EXPECT(try_connect(&scene.open, SOON_MS) == 0);
	EXPECT(try_connect(&scene.closed, SOON_MS) == ECONNREFUSED);
	return NULL;
}

static const char *what_is_under_way_comes_later(void *data unused_parameter)
{
	struct error err = {0};
	struct scene scene = {.server = -1};
	scoped_firewall still = NULL;
	scoped_fd client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *failure = set_scene(&scene);
	char text[4] = "";

	if (failure)
		return failure;
	EXPECT(connect(client, (const struct sockaddr *)&scene.open, sizeof(scene.open)) == 0);

	scoped_fd peer = accept(scene.server, NULL, NULL);
	struct pollfd ready = {.fd = peer, .events = POLLIN};

	TRY(standstill_begin(-1, STANDSTILL_ALL, NO_MARK, &still, &err));
	EXPECT(send(client, "one", 3, MSG_NOSIGNAL) == 3);
	EXPECT(poll(&ready, 1, NEVER_MS) == 0);
	firewall_free(&still);
	EXPECT(poll(&ready, 1, SOON_MS) == 1);
	EXPECT(recv(peer, text, 3, MSG_WAITALL) == 3 && str_equal(text, "one"));
	return NULL;
}

static const char *only_resets_do_not_pass(void *data unused_parameter)
{
	struct error err = {0};
	struct scene scene = {.server = -1};
	scoped_firewall still = NULL;
	const char *failure = set_scene(&scene);

	if (failure)
		return failure;
	TRY(standstill_begin(-1, STANDSTILL_RESETS, NO_MARK, &still, &err));
	EXPECT(try_connect(&scene.open, SOON_MS) == 0);
	EXPECT(try_connect(&scene.closed, NEVER_MS) == ETIMEDOUT);
	firewall_free(&still);
	EXPECT(try_connect(&scene.closed, SOON_MS) == ECONNREFUSED);
	return NULL;
}

static void tcp_stands_still_until_it_is_released(void **state unused_parameter)
{
	run_in_network(nothing_passes);
}

static void what_was_sent_meanwhile_is_sent_once_more(void **state unused_parameter)
{
	run_in_network(what_is_under_way_comes_later);
}

static void others_go_on_where_only_resets_are_dropped(void **state unused_parameter)
{
	run_in_network(only_resets_do_not_pass);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_stands_still_until_it_is_released),
		cmocka_unit_test(what_was_sent_meanwhile_is_sent_once_more),
		cmocka_unit_test(others_go_on_where_only_resets_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
