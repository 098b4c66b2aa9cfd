#include "tests/unit/net/support.h"

#include <errno.h>

static int count_messages(const struct nlmsghdr *message, void *context)
{
	if (message->nlmsg_type == RTM_NEWLINK)
		++*(int *)context;
	return 0;
}

static const char *dump_links(void *data unused_parameter)
{
	struct error err = {0};
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	scoped_netlink nl = NULL;
	int count = 0;

	TRY(netlink_open(-1, &nl, &err));
	for (int i = 0; i < 2; i++) {
		netlink_begin(nl, RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header));
		TRY(netlink_ask(nl, "list", count_messages, NULL, &count, &err));
	}
	EXPECT(count >= 2 && count % 2 == 0);
	return NULL;
}

static void a_dump_gives_every_message_and_ends(void **state unused_parameter)
{
	run_in_network(dump_links);
}

static int refuse(const struct nlmsghdr *message unused_parameter, void *context unused_parameter)
{
	return -ENOMEM;
}

static const char *answer_fails(void *data unused_parameter)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	scoped_netlink nl = NULL;
	struct error err = {0};
	struct link link;

	TRY(netlink_open(-1, &nl, &err));
	netlink_begin(nl, RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header));
	EXPECT(netlink_ask(nl, "list", refuse, NULL, NULL, &err) == -ENOMEM);
	EXPECT(str_equal(err.text, "list: Cannot allocate memory"));
	/* What was not read of the answer does not disturb the next one. */
	TRY(link_find(nl, "lo", &link, &err));
	return NULL;
}

static void what_the_reader_ends_with_is_the_error(void **state unused_parameter)
{
	run_in_network(answer_fails);
}

static const char *overflow(void *data unused_parameter)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	static const char much[3000];
	scoped_netlink nl = NULL;
	struct error err = {0};

	TRY(netlink_open(-1, &nl, &err));
	netlink_begin(nl, RTM_NEWLINK, 0, &header, sizeof(header));
	netlink_put(nl, IFLA_IFALIAS, much, sizeof(much));
	netlink_put(nl, IFLA_IFALIAS, much, sizeof(much));
	netlink_nest_end(nl, netlink_nest(nl, IFLA_LINKINFO));
	EXPECT(netlink_talk(nl, "too much", &err) == -EMSGSIZE);
	return NULL;
}

static void a_request_that_is_too_long_is_not_sent(void **state unused_parameter)
{
	run_in_network(overflow);
}

/* Who has CAP_NET_ADMIN in the namespace may write to any socket there, and the numbers can be guessed. */
static const char *forged(void *data unused_parameter)
{
	const struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_pid = (uint32_t)getpid()};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} refusal = {
		.header = {.nlmsg_len = sizeof(refusal),
	                   .nlmsg_type = NLMSG_ERROR,
	                   .nlmsg_seq = 1,
	                   .nlmsg_pid = to.nl_pid},
		.error = {.error = -ENODATA},
	};
	scoped_netlink nl = NULL;
	struct error err = {0};
	struct link link;

	TRY(netlink_open(-1, &nl, &err));

	scoped_fd forger = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	EXPECT(sendto(forger, &refusal, sizeof(refusal), 0, (const struct sockaddr *)&to,
	              sizeof(to)) == sizeof(refusal));
	TRY(link_find(nl, "lo", &link, &err));
	EXPECT(link.index == 1);
	return NULL;
}

static void what_is_not_from_the_kernel_is_no_answer(void **state unused_parameter)
{
	run_in_network(forged);
}

static const char *open_other(void *data unused_parameter)
{
	scoped_fd first = leave_network();
	scoped_netlink here = NULL;
	scoped_netlink there = NULL;
	struct error err = {0};
	struct link link;

	EXPECT(first >= 0);
	TRY(netlink_open(-1, &here, &err));
	TRY(netlink_open(first, &there, &err));
	TRY(make_link(there, "there", "bridge", &err));
	TRY(link_find(there, "there", &link, &err));
	EXPECT(link_find(here, "there", &link, &err) == -ENODEV);
	/* The process itself has come back. */
	EXPECT(if_nametoindex("there") == 0);
	EXPECT(netlink_open(0, &there, &err) < 0);
	return NULL;
}

static void a_socket_belongs_to_the_namespace_it_was_opened_in(void **state unused_parameter)
{
	run_in_network(open_other);
}

static const char *say_why(void *data unused_parameter)
{
	scoped_netlink nl = NULL;
	struct error err = {0};

	TRY(netlink_open(-1, &nl, &err));
	EXPECT(make_link(nl, "x", "no-such-kind", &err) < 0);
	EXPECT(str_starts(err.text, "make an interface: "));
	return strstr(err.text, "(") ? NULL : complain("no reason: %s", err.text);
}

static void the_kernels_own_words_are_passed_on(void **state unused_parameter)
{
	run_in_network(say_why);
}

static void attributes_are_found_within_the_message(void **state unused_parameter)
{
	struct {
		struct nlmsghdr message;
		struct rtgenmsg header;
		char pad[3];
		struct nlattr first;
		char text[4];
		struct nlattr second;
		uint32_t number;
	} packet = {
		.message = {.nlmsg_len = sizeof(packet)},
		.first = {.nla_type = 1, .nla_len = sizeof(struct nlattr) + 3},
		.text = "ab",
		.second = {.nla_type = 2, .nla_len = sizeof(struct nlattr) + 4},
		.number = 77,
	};
	const size_t header = sizeof(struct rtgenmsg);
	size_t size = 0;

	assert_string_equal(netlink_find(&packet.message, header, 1, 1, &size), "ab");
	assert_int_equal(size, 3);
	assert_null(netlink_find(&packet.message, header, 1, 4, NULL));
	assert_int_equal(netlink_find_u32(&packet.message, header, 2, 5), 77);
	assert_int_equal(netlink_find_u32(&packet.message, header, 3, 5), 5);
	assert_non_null(netlink_header(&packet.message, header));
	/* One that says it is longer than what there is. */
	packet.second.nla_len += 1;
	assert_int_equal(netlink_find_u32(&packet.message, header, 2, 5), 5);
	packet.message.nlmsg_len = sizeof(struct nlmsghdr);
	assert_null(netlink_find(&packet.message, header, 1, 1, NULL));
	assert_null(netlink_header(&packet.message, header));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dump_gives_every_message_and_ends),
		cmocka_unit_test(what_the_reader_ends_with_is_the_error),
		cmocka_unit_test(a_request_that_is_too_long_is_not_sent),
		cmocka_unit_test(what_is_not_from_the_kernel_is_no_answer),
		cmocka_unit_test(a_socket_belongs_to_the_namespace_it_was_opened_in),
		cmocka_unit_test(the_kernels_own_words_are_passed_on),
		cmocka_unit_test(attributes_are_found_within_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
