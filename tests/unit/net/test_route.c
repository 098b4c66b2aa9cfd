#include "tests/unit/net/support.h"

#include "net/route.h"

static const char *add_and_list(void *data unused_parameter)
{
	static const uint8_t gateway[] = {10, 1, 0, 1};
	scoped_netlink nl = NULL;
	scoped_route_list list = {0};
	struct error err = {0};
	struct address address = {0};
	struct link link;
	struct route through = {.family = AF_INET, .has_gateway = true, .metric = 7};
	struct route direct = {
		.family = AF_INET,
		.prefix = 16,
		.destination = {10, 92},
		.scope = RT_SCOPE_LINK,
		.protocol = RTPROT_STATIC,
		.table = 1000,
		.has_source = true,
		.source = {10, 1, 0, 2},
	};
	struct route six = {.family = AF_INET6, .prefix = 64, .destination = {0xfd, 0x91}};

	memcpy(through.gateway, gateway, 4);
	TRY(netlink_open(-1, &nl, &err));
	TRY(make_link(nl, "br", "bridge", &err));
	TRY(link_find(nl, "br", &link, &err));
	EXPECT(!address_parse("10.1.0.2/24", &address));
	TRY(address_add(nl, link.index, &address, &err));
	EXPECT(route_add(nl, link.index, &through, &err) < 0); /* it is down */
	EXPECT(str_starts(err.text, "add the route to 0.0.0.0/0: "));
	TRY(link_set_up(nl, link.index, true, &err));
	TRY(route_add(nl, link.index, &through, &err));
	TRY(route_add(nl, link.index, &direct, &err));
	TRY(route_add(nl, link.index, &six, &err));
	EXPECT(route_add(nl, link.index, &direct, &err) == -EEXIST);
	TRY(route_list(nl, link.index, &list, &err));
	EXPECT(list.count == 3);
	/* The one with a gateway is the last; that of the address is the kernel's. */
	EXPECT(list.items[2].has_gateway && list.items[2].metric == 7 && list.items[2].prefix == 0);
	EXPECT(!memcmp(list.items[2].gateway, gateway, 4));
	EXPECT(list.items[2].protocol == RTPROT_BOOT && list.items[2].table == RT_TABLE_MAIN);
	EXPECT(list.items[0].table == 1000 && list.items[0].protocol == RTPROT_STATIC);
	EXPECT(list.items[0].has_source && !memcmp(list.items[0].source, direct.source, 4));
	EXPECT(list.items[0].scope == RT_SCOPE_LINK && list.items[0].prefix == 16);
	EXPECT(list.items[1].family == AF_INET6 && list.items[1].prefix == 64);
	EXPECT(list.items[1].destination[0] == 0xfd && list.items[1].destination[1] == 0x91);
	return NULL;
}

static void what_somebody_has_set_is_listed_in_an_order_that_can_be_added(
	void **state unused_parameter)
{
	run_in_network(add_and_list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_somebody_has_set_is_listed_in_an_order_that_can_be_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
