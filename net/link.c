#include "net/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* The longest number that fits into a name. */
enum { TEMPLATE_LIMIT = 32768 };

/* --- Looking --- */

static void take_text(const struct nlmsghdr *message, uint16_t type, char *ret, size_t room)
{
	size_t size = 0;
	const char *text = netlink_find(message, sizeof(struct ifinfomsg), type, 1, &size);

	if (text)
		(void)snprintf(ret, room, "%.*s", (int)strnlen(text, size), text);
}

static void take_kind(const struct nlmsghdr *message, char *ret, size_t room)
{
	size_t nest_size = 0, size = 0;
	const void *nest =
		netlink_find(message, sizeof(struct ifinfomsg), IFLA_LINKINFO, 1, &nest_size);
	const char *text =
		nest ? netlink_find_nested(nest, nest_size, IFLA_INFO_KIND, 1, &size) : NULL;

	if (text)
		(void)snprintf(ret, room, "%.*s", (int)strnlen(text, size), text);
}

static int take_link(const struct nlmsghdr *message, void *context)
{
	const struct ifinfomsg *header = netlink_header(message, sizeof(*header));
	struct link link = {0};
	const void *address;
	size_t size = 0;

	if (!header || message->nlmsg_type != RTM_NEWLINK)
		return 0;
	link.index = header->ifi_index;
	link.flags = header->ifi_flags;
	link.mtu = netlink_find_u32(message, sizeof(*header), IFLA_MTU, 0);
	link.master = (int)netlink_find_u32(message, sizeof(*header), IFLA_MASTER, 0);
	take_text(message, IFLA_IFNAME, link.name, sizeof(link.name));
	take_kind(message, link.kind, sizeof(link.kind));
	address = netlink_find(message, sizeof(*header), IFLA_ADDRESS, 1, &size);
	if (address && size <= sizeof(link.address)) {
		memcpy(link.address, address, size);
		link.address_size = size;
	}
	*(struct link *)context = link;
	return 0;
}

int link_find(struct netlink *nl, const char *name, struct link *ret, struct error *err)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	char what[48];

	(void)snprintf(what, sizeof(what), "network interface %.20s", name);
	netlink_begin(nl, RTM_GETLINK, 0, &header, sizeof(header));
	netlink_put_text(nl, IFLA_IFNAME, name);
	return netlink_ask(nl, what, take_link, NULL, ret, err);
}

int link_exists(struct netlink *nl, const char *name, struct error *err)
{
	struct error failure;
	struct link link;
	int r = link_find(nl, name, &link, &failure);

	if (r == -ENODEV)
		return 0;
	if (r < 0)
		*err = failure;
	return r < 0 ? r : 1;
}

int link_choose_name(struct netlink *nl, const char *name, char ret[static IFNAMSIZ],
                     struct error *err)
{
	const char *percent = strchr(name, '%');
	int stem = percent ? (int)(percent - name) : (int)strlen(name);
	char candidate[IFNAMSIZ + 8];

	for (int number = 0; number < (percent ? TEMPLATE_LIMIT : 1); number++) {
		int r;

		if (percent)
			(void)snprintf(candidate, sizeof(candidate), "%.*s%d", stem, name, number);
		else
			(void)snprintf(candidate, sizeof(candidate), "%s", name);
		if (strlen(candidate) >= IFNAMSIZ)
			break;
		r = link_exists(nl, candidate, err);
		if (r < 0)
			return r;
		if (r == 0) {
			memcpy(ret, candidate, IFNAMSIZ);
			return 0;
		}
	}
	return error_set(err, EEXIST, "there is a network interface %s already", name);
}

/* --- Changing --- */

/* Begins a change of the interface `index`. */
static void begin_change(struct netlink *nl, int index, unsigned int flags, unsigned int changed)
{
	const struct ifinfomsg header = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = index,
		.ifi_flags = flags,
		.ifi_change = changed,
	};

	netlink_begin(nl, RTM_NEWLINK, 0, &header, sizeof(header));
}

int link_set_up(struct netlink *nl, int index, bool up, struct error *err)
{
	begin_change(nl, index, up ? IFF_UP : 0, IFF_UP);
	return netlink_talk(
		nl, up ? "set the network interface up" : "set the network interface down", err);
}

int link_set_mtu(struct netlink *nl, int index, uint32_t mtu, struct error *err)
{
	begin_change(nl, index, 0, 0);
	netlink_put_u32(nl, IFLA_MTU, mtu);
	return netlink_talk(nl, "set the MTU of the network interface", err);
}

int link_set_master(struct netlink *nl, int index, int master, struct error *err)
{
	begin_change(nl, index, 0, 0);
	netlink_put_u32(nl, IFLA_MASTER, (uint32_t)master);
	return netlink_talk(nl, "set the master of the network interface", err);
}

int link_move(struct netlink *nl, int index, int netns_fd, const char *name, struct error *err)
{
	begin_change(nl, index, 0, 0);
	netlink_put_u32(nl, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	netlink_put_text(nl, IFLA_IFNAME, name);
	return netlink_talk(nl, "move the network interface", err);
}

/* --- Making --- */

int link_add_veth(struct netlink *nl, const char *name, const char *peer, int peer_netns_fd,
                  struct error *err)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct nlattr *info, *data, *other;
	char what[64];

	(void)snprintf(what, sizeof(what), "make the veth pair %.16s, %.16s", name, peer);
	netlink_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put_text(nl, IFLA_IFNAME, name);
	info = netlink_nest(nl, IFLA_LINKINFO);
	netlink_put_text(nl, IFLA_INFO_KIND, "veth");
	data = netlink_nest(nl, IFLA_INFO_DATA);
	other = netlink_nest(nl, VETH_INFO_PEER);
	netlink_put_header(nl, &header, sizeof(header));
	netlink_put_text(nl, IFLA_IFNAME, peer);
	if (peer_netns_fd >= 0)
		netlink_put_u32(nl, IFLA_NET_NS_FD, (uint32_t)peer_netns_fd);
	netlink_nest_end(nl, other);
	netlink_nest_end(nl, data);
	netlink_nest_end(nl, info);
	return netlink_talk(nl, what, err);
}

int link_delete(struct netlink *nl, int index, struct error *err)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = index};

	netlink_begin(nl, RTM_DELLINK, 0, &header, sizeof(header));
	return netlink_talk(nl, "delete the network interface", err);
}
