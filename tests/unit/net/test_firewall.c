#include "tests/unit/net/support.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <netinet/in.h>

#include "net/firewall.h"
#include "net/loopback.h"

/* 0, or the errno of sending to that port of that address of the loopback. */
static int send_to(const char *address, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	scoped_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)inet_pton(AF_INET, address, &to.sin_addr);
	return sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : errno;
}

/* The same with a mark on it. */
static int send_marked(uint32_t mark)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	scoped_fd fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return errno;
	return sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) == 1 ? 0 : errno;
}

static const struct firewall_chain output = {
	.name = "output", .hook = NF_INET_LOCAL_OUT, .drop = true};

static const char *only_what_is_named_leaves(void *data unused_parameter)
{
	struct error err = {0};
	struct address one, range;
	scoped_firewall firewall = NULL;
	struct firewall_rule rule = {
		.chain = "output", .protocol = IPPROTO_UDP, .first = 5000, .last = 5002};

	TRY(loopback_enter_up(&err));
	EXPECT(!address_parse("127.0.0.1", &one) && !address_parse("127.5.64.0/18", &range));
	EXPECT(send_to("127.0.0.1", 4999) == 0);
	TRY(firewall_open(-1, "test", FIREWALL_OWNED, &firewall, &err));
	TRY(firewall_add_chain(firewall, &output, &err));
	rule.to = &one;
	TRY(firewall_add_rule(firewall, &rule, &err));
	rule.to = &range;
	rule.out = "l*";
	rule.first = rule.last = 0;
	TRY(firewall_add_rule(firewall, &rule, &err));
	EXPECT(send_to("127.0.0.1", 4999) == EPERM);
	EXPECT(send_to("127.0.0.1", 5000) == 0);
	EXPECT(send_to("127.0.0.1", 5002) == 0);
	EXPECT(send_to("127.0.0.1", 5003) == EPERM);
	EXPECT(send_to("127.5.63.255", 1) == EPERM);
	EXPECT(send_to("127.5.64.0", 1) == 0);
	EXPECT(send_to("127.5.127.255", 1) == 0);
	EXPECT(send_to("127.5.128.0", 1) == EPERM);
	/* With its owner the table goes. */
	firewall_free(&firewall);
	EXPECT(send_to("127.0.0.1", 4999) == 0);
	return NULL;
}

static const char *the_order_of_rules_counts(void *data unused_parameter)
{
	struct error err = {0};
	struct address one;
	scoped_firewall firewall = NULL;
	struct firewall_rule rule = {.chain = "output", .out = "eth0", .out_not = true};

	TRY(loopback_enter_up(&err));
	EXPECT(!address_parse("127.0.0.1", &one));
	TRY(firewall_open(-1, "test", FIREWALL_KEPT, &firewall, &err));
	TRY(firewall_add_chain(firewall, &output, &err));
	TRY(firewall_add_rule(
		firewall,
		&(struct firewall_rule){.chain = "output", .to = &one, .verdict = FIREWALL_DROP},
		&err));
	TRY(firewall_add_rule(firewall, &rule, &err));
	EXPECT(send_to("127.0.0.1", 1) == EPERM);
	EXPECT(send_to("127.0.0.2", 1) == 0);
	/* Kept: the table outlives its maker, and there is none beside it. */
	firewall_free(&firewall);
	EXPECT(send_to("127.0.0.1", 1) == EPERM);
	EXPECT(firewall_open(-1, "test", FIREWALL_KEPT, &firewall, &err) == -EEXIST);
	EXPECT(strstr(err.text, "test"));
	return NULL;
}

static const char *marks_tell_packets_apart(void *data unused_parameter)
{
	struct error err = {0};
	scoped_firewall firewall = NULL;
	struct firewall_rule rule = {
		.chain = "output", .mark = 0xc114, .mark_not = true, .verdict = FIREWALL_DROP};

	TRY(loopback_enter_up(&err));
	TRY(firewall_open(-1, "test", FIREWALL_OWNED, &firewall, &err));
	TRY(firewall_add_chain(
		firewall, &(struct firewall_chain){.name = "output", .hook = NF_INET_LOCAL_OUT},
		&err));
	EXPECT(send_marked(0) == 0);
	TRY(firewall_add_rule(firewall, &rule, &err));
	EXPECT(send_marked(0) == EPERM);
	EXPECT(send_marked(0x14c1) == EPERM);
	EXPECT(send_marked(0xc114) == 0);
	rule.mark_not = false;
	TRY(firewall_add_rule(firewall, &rule, &err));
	EXPECT(send_marked(0xc114) == EPERM);
	return NULL;
}

static void packets_leave_only_where_a_rule_says_so(void **state unused_parameter)
{
	run_in_network(only_what_is_named_leaves);
}

static void rules_are_tried_in_their_order(void **state unused_parameter)
{
	run_in_network(the_order_of_rules_counts);
}

static void marks_of_packets_are_looked_at(void **state unused_parameter)
{
	run_in_network(marks_tell_packets_apart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_leave_only_where_a_rule_says_so),
		cmocka_unit_test(rules_are_tried_in_their_order),
		cmocka_unit_test(marks_of_packets_are_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
