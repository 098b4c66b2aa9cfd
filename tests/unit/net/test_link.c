#include "tests/unit/net/support.h"

static const char *look_at_lo(void *data unused_parameter)
{
	scoped_netlink nl = NULL;
	struct error err = {0};
	struct link lo;

	TRY(netlink_open(-1, &nl, &err));
	TRY(link_find(nl, "lo", &lo, &err));
	EXPECT(lo.index == 1 && str_equal(lo.name, "lo") && lo.mtu == 65536);
	EXPECT(lo.flags & IFF_LOOPBACK && !(lo.flags & IFF_UP));
	EXPECT(lo.address_size == 6 && lo.master == 0 && lo.kind[0] == '\0');
	TRY(link_set_up(nl, lo.index, true, &err));
	TRY(link_find(nl, "lo", &lo, &err));
	EXPECT(lo.flags & IFF_UP);
	EXPECT(link_exists(nl, "lo", &err) == 1 && link_exists(nl, "lo2", &err) == 0);
	EXPECT(link_find(nl, "lo2", &lo, &err) == -ENODEV);
	EXPECT(str_equal(err.text, "network interface lo2: No such device"));
	return NULL;
}

static void an_interface_is_found_by_its_name(void **state unused_parameter)
{
	run_in_network(look_at_lo);
}

static const char *change(void *data unused_parameter)
{
	scoped_netlink nl = NULL;
	struct error err = {0};
	struct link a, b, bridge;

	TRY(netlink_open(-1, &nl, &err));
	TRY(link_add_veth(nl, "a", "b", -1, &err));
	TRY(make_link(nl, "br", "bridge", &err));
	TRY(link_find(nl, "br", &bridge, &err));
	EXPECT(str_equal(bridge.kind, "bridge"));
	TRY(link_find(nl, "a", &a, &err));
	EXPECT(str_equal(a.kind, "veth") && !(a.flags & IFF_UP));
	TRY(link_set_mtu(nl, a.index, 1400, &err));
	TRY(link_set_master(nl, a.index, bridge.index, &err));
	TRY(rename_link(nl, a.index, "c", &err));
	TRY(link_find(nl, "c", &a, &err));
	EXPECT(a.mtu == 1400 && a.master == bridge.index);
	TRY(link_set_master(nl, a.index, 0, &err));
	TRY(link_find(nl, "c", &a, &err));
	EXPECT(a.master == 0);
	EXPECT(rename_link(nl, a.index, "b", &err) == -EEXIST);
	EXPECT(link_add_veth(nl, "b", "d", -1, &err) == -EEXIST);
	/* Both ends go together. */
	TRY(link_delete(nl, a.index, &err));
	EXPECT(link_find(nl, "b", &b, &err) == -ENODEV);
	EXPECT(link_delete(nl, a.index, &err) == -ENODEV);
	return NULL;
}

static void interfaces_are_made_changed_and_deleted(void **state unused_parameter)
{
	need_veth();
	run_in_network(change);
}

static const char *move(void *data unused_parameter)
{
	scoped_fd other = leave_network();
	scoped_netlink here = NULL;
	scoped_netlink there = NULL;
	struct error err = {0};
	struct link link, moved;

	TRY(netlink_open(-1, &here, &err));
	TRY(netlink_open(other, &there, &err));
	TRY(link_add_veth(here, "near", "far", other, &err));
	TRY(link_find(there, "far", &moved, &err));
	TRY(link_find(here, "near", &link, &err));
	TRY(link_set_mtu(here, link.index, 1300, &err));
	EXPECT(link_move(here, link.index, other, "far", &err) < 0);
	TRY(link_find(there, "far", &moved, &err));
	/* Whether it stayed or left without its name is the kernel's choice: look where it is. */
	if (link_exists(here, "near", &err) == 1) {
		TRY(link_move(here, link.index, other, "beyond", &err));
	} else {
		TRY(link_find(there, "near", &moved, &err));
		TRY(rename_link(there, moved.index, "beyond", &err));
	}
	TRY(link_find(there, "beyond", &moved, &err));
	EXPECT(moved.mtu == 1300 && moved.address_size == link.address_size);
	EXPECT(!memcmp(moved.address, link.address, link.address_size));
	EXPECT(link_exists(here, "near", &err) == 0);
	return NULL;
}

static void an_interface_is_moved_with_a_new_name(void **state unused_parameter)
{
	need_veth();
	run_in_network(move);
}

static const char *choose(void *data unused_parameter)
{
	char name[IFNAMSIZ];
	scoped_netlink nl = NULL;
	struct error err = {0};

	TRY(netlink_open(-1, &nl, &err));
	TRY(link_choose_name(nl, "eth%d", name, &err));
	EXPECT(str_equal(name, "eth0"));
	TRY(make_link(nl, "eth0", "bridge", &err));
	TRY(make_link(nl, "eth2", "bridge", &err));
	TRY(link_choose_name(nl, "eth%d", name, &err));
	EXPECT(str_equal(name, "eth1"));
	TRY(link_choose_name(nl, "free", name, &err));
	EXPECT(str_equal(name, "free"));
	EXPECT(link_choose_name(nl, "eth0", name, &err) == -EEXIST);
	/* The first number that is free would be too long. */
	for (int i = 0; i < 10; i++) {
		char taken[IFNAMSIZ + 16];

		(void)snprintf(taken, sizeof(taken), "fourteen-long-%d", i);
		TRY(make_link(nl, taken, "bridge", &err));
	}
	EXPECT(link_choose_name(nl, "fourteen-long-%d", name, &err) == -EEXIST);
	return NULL;
}

static void a_template_gets_the_lowest_free_number(void **state unused_parameter)
{
	run_in_network(choose);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_is_found_by_its_name),
		cmocka_unit_test(interfaces_are_made_changed_and_deleted),
		cmocka_unit_test(an_interface_is_moved_with_a_new_name),
		cmocka_unit_test(a_template_gets_the_lowest_free_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
