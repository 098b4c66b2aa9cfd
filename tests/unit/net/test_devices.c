#include "tests/unit/net/support.h"

#include "net/address.h"
#include "net/devices.h"

/* "Inside" is the namespace that was left, "host" that in which the process is. */
struct scene {
	int inside_fd;
	struct netlink *host, *inside;
};

static const char *set_up(struct scene *scene)
{
	struct error err = {0};
	scene->inside_fd = leave_network();
	EXPECT(scene->inside_fd >= 0);
	TRY(netlink_open(-1, &scene->host, &err));
	TRY(netlink_open(scene->inside_fd, &scene->inside, &err));
	return NULL;
}

static bool lies_in(struct netlink *nl, const char *name)
{
	struct error err;

	return link_exists(nl, name, &err) == 1;
}

static const char *add_with_address(struct netlink *nl, const char *name, const char *address)
{
	struct error err = {0};
	struct address parsed = {0};
	struct link link;

	TRY(link_add_veth(nl, name, "peer", -1, &err));
	TRY(link_find(nl, name, &link, &err));
	EXPECT(!address_parse(address, &parsed));
	TRY(address_add(nl, link.index, &parsed, &err));
	return NULL;
}

static size_t count_addresses(struct netlink *nl, const char *name, int family)
{
	scoped_address_list list = {0};
	struct error err;
	struct link link;
	size_t count = 0;

	if (link_find(nl, name, &link, &err) < 0 || address_list(nl, link.index, &list, &err) < 0)
		return 99;
	for (size_t i = 0; i < list.count; i++)
		count += list.items[i].family == family;
	return count;
}

static const char *there_and_back(void *data unused_parameter)
{
	struct error err = {0};
	static char host[] = "here", name[] = "there%d";
	const struct spec_net_device devices[] = {{.host = host, .name = name}};
	scoped_net_devices moved = NULL;
	struct scene scene = {0};
	const char *text = set_up(&scene);
	struct link before, link;

	if (!text)
		text = add_with_address(scene.host, "here", "10.0.0.2/24");
	if (text)
		return text;
	TRY(link_find(scene.host, "here", &before, &err));
	TRY(net_devices_move(devices, 1, scene.inside_fd, &moved, &err));
	EXPECT(!lies_in(scene.host, "here"));
	TRY(link_find(scene.inside, "there0", &link, &err));
	EXPECT(link.flags & IFF_UP && link.mtu == before.mtu);
	EXPECT(!memcmp(link.address, before.address, before.address_size));
	EXPECT(count_addresses(scene.inside, "there0", AF_INET) == 1);

	/* Somebody inside has changed it meanwhile. */
	TRY(rename_link(scene.inside, link.index, "changed", &err));
	net_devices_give_back(moved);
	EXPECT(!lies_in(scene.inside, "there0") && !lies_in(scene.inside, "changed"));
	TRY(link_find(scene.host, "here", &link, &err));
	EXPECT(!(link.flags & IFF_UP) && link.index == before.index);
	EXPECT(count_addresses(scene.host, "here", AF_INET) == 1);
	net_devices_give_back(moved); /* there is nothing left to give */
	EXPECT(lies_in(scene.host, "here"));
	return NULL;
}

static void a_device_goes_there_and_comes_back_as_it_was(void **state unused_parameter)
{
	need_veth();
	run_in_network(there_and_back);
}

static const char *all_or_none(void *data unused_parameter)
{
	static char one[] = "one", two[] = "two", missing[] = "missing", lo[] = "lo";
	const struct spec_net_device absent[] = {{.host = one}, {.host = missing}};
	const struct spec_net_device taken[] = {{.host = one}, {.host = two, .name = lo}};
	scoped_net_devices moved = NULL;
	struct error err = {0};
	struct scene scene = {0};
	const char *text = set_up(&scene);

	if (text)
		return text;
	TRY(link_add_veth(scene.host, "one", "two", -1, &err));
	EXPECT(net_devices_move(absent, 2, scene.inside_fd, &moved, &err) == -ENODEV);
	EXPECT(str_equal(err.text, "linux.netDevices[\"missing\"]: network interface missing: No "
	                           "such device"));
	EXPECT(net_devices_move(taken, 2, scene.inside_fd, &moved, &err) == -EEXIST);
	EXPECT(str_equal(err.text,
	                 "linux.netDevices[\"two\"]: in the container: there is a network "
	                 "interface lo already"));
	EXPECT(!moved && lies_in(scene.host, "one") && lies_in(scene.host, "two"));
	return NULL;
}

static void what_can_be_refused_is_refused_before_the_first_one_leaves(
	void **state unused_parameter)
{
	need_veth();
	run_in_network(all_or_none);
}

static const char *late_failure(void *data unused_parameter)
{
	static char one[] = "one", br[] = "lo0", template[] = "x%d";
	/* The template is looked at last; loopback interfaces never leave their namespace. */
	const struct spec_net_device devices[] = {{.host = one, .name = template}, {.host = br}};
	scoped_net_devices moved = NULL;
	struct error err = {0};
	struct scene scene = {0};
	const char *text = set_up(&scene);
	struct link lo;

	if (text)
		return text;
	TRY(link_add_veth(scene.host, "one", "two", -1, &err));
	TRY(link_find(scene.host, "lo", &lo, &err));
	TRY(rename_link(scene.host, lo.index, "lo0", &err));
	EXPECT(net_devices_move(devices, 2, scene.inside_fd, &moved, &err) < 0);
	EXPECT(strstr(err.text, "linux.netDevices[\"lo0\"]: move the network interface: "));
	EXPECT(!moved && lies_in(scene.host, "one") && lies_in(scene.host, "lo0"));
	EXPECT(!lies_in(scene.inside, "x0"));
	return NULL;
}

static void what_fails_later_gives_back_those_that_have_left(void **state unused_parameter)
{
	need_veth();
	run_in_network(late_failure);
}

static const char *own(void *data unused_parameter)
{
	static char lo[] = "lo";
	const struct spec_net_device devices[] = {{.host = lo}};
	scoped_fd netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	scoped_net_devices moved = NULL;
	struct error err = {0};

	EXPECT(net_devices_move(devices, 1, netns, &moved, &err) == -EINVAL);
	EXPECT(strstr(err.text, "is the runtime's own"));
	return NULL;
}

static void the_own_namespace_is_no_place_to_move_to(void **state unused_parameter)
{
	run_in_network(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_goes_there_and_comes_back_as_it_was),
		cmocka_unit_test(what_can_be_refused_is_refused_before_the_first_one_leaves),
		cmocka_unit_test(what_fails_later_gives_back_those_that_have_left),
		cmocka_unit_test(the_own_namespace_is_no_place_to_move_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
