#include "tests/unit/net/support.h"

#include <linux/if_addr.h>

#include "net/address.h"

static void texts_become_addresses(void **state unused_parameter)
{
	static const char *const bad[] = {"",
	                                  "10.0.0.1/33",
	                                  "10.0.0",
	                                  "fd00::1/129",
	                                  "fd00::g",
	                                  "10.0.0.1/",
	                                  "10.0.0.1/x",
	                                  "/24",
	                                  "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111"};
	static const uint8_t four[] = {10, 1, 2, 3};
	struct address address = {.prefix = 99};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(address_parse(bad[i], &address), -EINVAL);
	assert_int_equal(address.prefix, 99);
	assert_int_equal(address_parse("10.1.2.3/24", &address), 0);
	assert_int_equal(address.family, AF_INET);
	assert_int_equal(address.prefix, 24);
	assert_memory_equal(address.local, four, 4);
	assert_int_equal(address_parse("10.1.2.3", &address), 0);
	assert_int_equal(address.prefix, 32);
	assert_int_equal(address_parse("fd00::7/64", &address), 0);
	assert_int_equal(address.family, AF_INET6);
	assert_int_equal(address.local[15], 7);
	assert_int_equal(address.prefix, 64);
}

static const struct address *find(const struct address_list *list, const struct address *like)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].family == like->family &&
		    !memcmp(list->items[i].local, like->local, address_size(like->family)))
			return &list->items[i];
	}
	return NULL;
}

static const char *add_and_list(void *data unused_parameter)
{
	static const uint8_t peer[] = {10, 9, 9, 9}, broadcast[] = {10, 1, 0, 99};
	scoped_netlink nl = NULL;
	scoped_address_list list = {0};
	struct error err = {0};
	struct address plain = {0}, pair = {0}, six = {0};
	const struct address *found;
	struct link link;

	TRY(netlink_open(-1, &nl, &err));
	TRY(make_link(nl, "other", "bridge", &err));
	TRY(make_link(nl, "br", "bridge", &err));
	TRY(link_find(nl, "br", &link, &err));
	EXPECT(!address_parse("10.1.0.2/24", &plain) && !address_parse("10.2.0.2/32", &pair) &&
	       !address_parse("fd00::2/64", &six));
	plain.has_broadcast = true;
	memcpy(plain.broadcast, broadcast, 4);
	(void)snprintf(plain.label, sizeof(plain.label), "br:one");
	pair.has_peer = true;
	memcpy(pair.peer, peer, 4);
	pair.scope = RT_SCOPE_LINK;
	six.flags = IFA_F_NODAD;
	TRY(address_add(nl, link.index, &plain, &err));
	TRY(address_add(nl, link.index, &pair, &err));
	TRY(address_add(nl, link.index, &six, &err));
	EXPECT(address_add(nl, link.index, &plain, &err) == -EEXIST);
	EXPECT(str_starts(err.text, "add the address 10.1.0.2/24: File exists"));
	TRY(address_list(nl, link.index, &list, &err));
	EXPECT(list.count == 3);
	found = find(&list, &plain);
	EXPECT(found && found->prefix == 24 && found->has_broadcast && !found->has_peer);
	EXPECT(!memcmp(found->broadcast, broadcast, 4) && str_equal(found->label, "br:one"));
	EXPECT(found->flags & IFA_F_PERMANENT && found->scope == RT_SCOPE_UNIVERSE);
	found = find(&list, &pair);
	EXPECT(found && found->has_peer && !memcmp(found->peer, peer, 4));
	EXPECT(found->scope == RT_SCOPE_LINK && !found->has_broadcast);
	found = find(&list, &six);
	EXPECT(found && found->prefix == 64 && found->flags & IFA_F_PERMANENT);
	EXPECT(found->flags & IFA_F_NODAD);
	return NULL;
}

static void what_was_added_is_listed_and_nothing_of_others(void **state unused_parameter)
{
	run_in_network(add_and_list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_addresses),
		cmocka_unit_test(what_was_added_is_listed_and_nothing_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
