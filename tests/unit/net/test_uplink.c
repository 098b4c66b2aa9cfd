#include "tests/unit/net/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include "base/file.h"
#include "net/loopback.h"
#include "net/route.h"
#include "net/uplink.h"

/*
 * Three network namespaces: "this host" is that of the process, its eth0 leads outside, and the uplink
 * leads inside. Inside there are no rules and all rights over the interfaces: what is refused is refused
 * by the host.
 */
#define HOST "44.0.0.2"
#define OUTSIDE "44.0.0.1"
#define SPOOFED "10.7.7.7"
#define FORWARDING "/proc/sys/net/ipv4/conf/eth0/forwarding"

enum { PORT = 5000, PATIENCE_MS = 10000 };

struct scene {
	int host, outside, inside; /* namespaces */
	struct uplink uplink;
	char inner[INET_ADDRSTRLEN]; /* the address inside */
};

static const char *make_namespaces(struct scene *scene)
{
	scene->host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNET) < 0)
		return "unshare";
	scene->outside = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (unshare(CLONE_NEWNET) < 0)
		return "unshare";
	scene->inside = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return setns(scene->host, CLONE_NEWNET) < 0 ? "setns" : NULL;
}

static int add_address(struct netlink *nl, int index, const char *text, struct error *err)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address_add(nl, index, &address, err);
}

static int add_route(struct netlink *nl, int index, const char *to, const char *gateway,
                     struct error *err)
{
	struct route route = {.family = AF_INET, .has_gateway = true};
	struct address address;

	assert_int_equal(address_parse(to, &address), 0);
	memcpy(route.destination, address.local, sizeof(route.destination));
	route.prefix = address.prefix;
	(void)inet_pton(AF_INET, gateway, route.gateway);
	return route_add(nl, index, &route, err);
}

/* One end of the wire: its address, and a route to the other's side. */
static const char *make_end(int netns, const char *address, const char *to, const char *gateway)
{
	scoped_netlink nl = NULL;
	struct error err = {0};
	struct link link;

	TRY(netlink_open(netns, &nl, &err));
	TRY(link_find(nl, "eth0", &link, &err));
	TRY(add_address(nl, link.index, address, &err));
	TRY(link_set_up(nl, link.index, true, &err));
	TRY(add_route(nl, link.index, to, gateway, &err));
	return NULL;
}

static const char *make_scene(struct scene *scene)
{
	const char *text = make_namespaces(scene);
	scoped_netlink nl = NULL;
	struct error err = {0};
	struct address everywhere;

	if (text)
		return text;
	TRY(loopback_enter_up(&err));
	TRY(netlink_open(-1, &nl, &err));
	TRY(link_add_veth(nl, "eth0", "eth0", scene->outside, &err));
	text = make_end(-1, HOST "/24", "0.0.0.0/0", OUTSIDE);
	if (!text)
		text = make_end(scene->outside, OUTSIDE "/24", "198.18.0.0/15", HOST);
	if (text)
		return text;
	EXPECT(address_parse("0.0.0.0/0", &everywhere) == 0);
	TRY(uplink_make(&scene->uplink, scene->inside, &everywhere, 1, &err));
	(void)inet_ntop(AF_INET, scene->uplink.inner[0].local, scene->inner, sizeof(scene->inner));
	return NULL;
}

/* --- Datagrams --- */

static struct sockaddr_in place(const char *address, uint16_t port)
{
	struct sockaddr_in ret = {.sin_family = AF_INET, .sin_port = htons(port)};

	(void)inet_pton(AF_INET, address, &ret.sin_addr);
	return ret;
}

/* A socket in the namespace, on that address. */
static int open_socket(const struct scene *scene, int netns, const char *address, uint16_t port)
{
	const struct sockaddr_in own = place(address, port);
	int fd = -1;

	if (setns(netns, CLONE_NEWNET) == 0)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (setns(scene->host, CLONE_NEWNET) < 0 ||
	    bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		fd_close(&fd);
	return fd;
}

static bool says(int fd, const char *text, const struct sockaddr_in *to)
{
	return sendto(fd, text, strlen(text), 0, (const struct sockaddr *)to, sizeof(*to)) ==
	       (ssize_t)strlen(text);
}

/* Whether the next datagram is this one. */
static bool hears(int fd, const char *text, struct sockaddr_in *from)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	socklen_t size = sizeof(*from);
	char heard[64] = "";

	return poll(&ready, 1, PATIENCE_MS) == 1 &&
	       recvfrom(fd, heard, sizeof(heard) - 1, 0, (struct sockaddr *)from, &size) > 0 &&
	       str_equal(heard, text);
}

/* --- Whether it can be tried --- */

static const char *try_firewall(void *data)
{
	bool *there = *(bool **)data;
	scoped_firewall firewall = NULL;
	struct error err = {0};

	*there = unshare(CLONE_NEWNET) == 0 &&
	         firewall_open(-1, "test", FIREWALL_OWNED, &firewall, &err) == 0;
	return NULL;
}

static void in_a_network(child_function *function)
{
	bool *there = mmap(NULL, sizeof(*there), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                   -1, 0);

	assert_true(there != MAP_FAILED);
	if (geteuid() != 0) {
		print_message("SKIP needs root: locks lie in /run/lvm-run\n");
		skip();
	}
	need_veth();
	assert_int_equal(run_child(&(struct child){try_firewall, &there, false}), 0);
	if (!*there) {
		print_message(
			"SKIP this kernel has no nftables, or none whose tables have owners\n");
		skip();
	}
	(void)munmap(there, sizeof(*there));
	/* This host is one of its own. */
	assert_int_equal(run_child(&(struct child){in_new_network, &function, false}), 0);
}

/* --- Tests --- */

static const char *answers_alone_come_in(void *data unused_parameter)
{
	struct scene scene = {.uplink = UPLINK_NONE};
	const char *text = make_scene(&scene);
	struct sockaddr_in from = {0}, stranger = {0};

	if (text)
		return text;

	scoped_fd inside = open_socket(&scene, scene.inside, "0.0.0.0", PORT);
	scoped_fd outside = open_socket(&scene, scene.outside, OUTSIDE, PORT);
	scoped_fd other = open_socket(&scene, scene.outside, OUTSIDE, PORT + 1);
	const struct sockaddr_in out = place(OUTSIDE, PORT), in = place(scene.inner, PORT);

	EXPECT(inside >= 0 && outside >= 0 && other >= 0);
	EXPECT(says(other, "unasked", &in));
	EXPECT(says(inside, "question", &out));
	EXPECT(hears(outside, "question", &from));
	/* The host speaks for it. */
	EXPECT(from.sin_addr.s_addr == place(HOST, 0).sin_addr.s_addr);
	EXPECT(says(other, "unasked", &in));
	EXPECT(says(outside, "answer", &from));
	EXPECT(hears(inside, "answer", &stranger));
	uplink_done(&scene.uplink);
	return NULL;
}

static void what_comes_in_is_an_answer(void **state unused_parameter)
{
	in_a_network(answers_alone_come_in);
}

static const char *own_address_alone_leaves(void *data unused_parameter)
{
	struct scene scene = {.uplink = UPLINK_NONE};
	const char *text = make_scene(&scene);
	struct sockaddr_in from = {0};
	scoped_netlink nl = NULL;
	struct error err = {0};
	struct link link;

	if (text)
		return text;
	TRY(netlink_open(scene.inside, &nl, &err));
	TRY(link_find(nl, "eth0", &link, &err));
	TRY(add_address(nl, link.index, SPOOFED "/32", &err));

	scoped_fd outside = open_socket(&scene, scene.outside, OUTSIDE, PORT);
	scoped_fd spoofed = open_socket(&scene, scene.inside, SPOOFED, PORT);
	scoped_fd honest = open_socket(&scene, scene.inside, scene.inner, PORT);
	const struct sockaddr_in out = place(OUTSIDE, PORT);

	EXPECT(outside >= 0 && spoofed >= 0 && honest >= 0);
	EXPECT(says(spoofed, "spoofed", &out));
	EXPECT(says(honest, "honest", &out));
	EXPECT(hears(outside, "honest", &from));
	uplink_done(&scene.uplink);
	return NULL;
}

static void what_leaves_has_the_own_address(void **state unused_parameter)
{
	in_a_network(own_address_alone_leaves);
}

static const char *all_goes(void *data unused_parameter)
{
	struct scene scene = {.uplink = UPLINK_NONE};
	const char *text = make_scene(&scene);
	scoped_netlink nl = NULL;
	struct error err = {0};
	char value[8] = "", name[IFNAMSIZ];

	if (text)
		return text;
	memcpy(name, scene.uplink.name, sizeof(name));
	TRY(netlink_open(-1, &nl, &err));
	EXPECT(link_exists(nl, name, &err) == 1);
	TRY((int)file_read_kernel(AT_FDCWD, FORWARDING, value, sizeof(value), &err));
	EXPECT(str_equal(value, "1"));
	uplink_done(&scene.uplink);
	EXPECT(link_exists(nl, name, &err) == 0);
	TRY((int)file_read_kernel(AT_FDCWD, FORWARDING, value, sizeof(value), &err));
	EXPECT(str_equal(value, "0"));

	/* Its table too: the name is free. */
	scoped_firewall firewall = NULL;

	TRY(firewall_open(-1, name, FIREWALL_OWNED, &firewall, &err));
	return NULL;
}

static void nothing_is_left_of_it(void **state unused_parameter)
{
	in_a_network(all_goes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_in_is_an_answer),
		cmocka_unit_test(what_leaves_has_the_own_address),
		cmocka_unit_test(nothing_is_left_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
