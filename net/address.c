#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

size_t address_size(uint8_t family)
{
	return family == AF_INET ? 4 : ADDRESS_SIZE;
}

void address_list_done(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){0};
}

int address_parse(const char *text, struct address *ret)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct address address = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	int most = (int)address_size(address.family) * 8, prefix = most;
	char number[INET6_ADDRSTRLEN];

	if (length >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, length);
	number[length] = '\0';
	if (inet_pton(address.family, number, address.local) != 1)
		return -EINVAL;
	if (slash && parse_int(slash + 1, 0, most, &prefix) < 0)
		return -EINVAL;
	address.prefix = (uint8_t)prefix;
	*ret = address;
	return 0;
}

/* --- Listing --- */

struct collection {
	int index;
	struct address_list *list;
};

static int append(struct address_list *list, const struct address *address)
{
	struct address *items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return -ENOMEM;
	items[list->count++] = *address;
	list->items = items;
	return 0;
}

static bool take_bytes(const struct nlmsghdr *message, uint16_t type, void *ret, size_t size)
{
	const void *data = netlink_find(message, sizeof(struct ifaddrmsg), type, size, NULL);

	if (data)
		memcpy(ret, data, size);
	return data != NULL;
}

/* IFA_ADDRESS is the peer's where it differs from IFA_LOCAL; IPv6 without a peer has only the former. */
static bool take_local(const struct nlmsghdr *message, struct address *address)
{
	const size_t size = address_size(address->family);
	bool other = take_bytes(message, IFA_ADDRESS, address->peer, size);

	if (!take_bytes(message, IFA_LOCAL, address->local, size)) {
		memcpy(address->local, address->peer, size);
		return other;
	}
	address->has_peer = other && memcmp(address->local, address->peer, size) != 0;
	return true;
}

static int take_address(const struct nlmsghdr *message, void *context)
{
	const struct collection *collection = context;
	const struct ifaddrmsg *header = netlink_header(message, sizeof(*header));
	struct address address = {0};
	const char *label;
	size_t size = 0;

	if (!header || message->nlmsg_type != RTM_NEWADDR ||
	    header->ifa_index != (unsigned int)collection->index ||
	    (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return 0;
	address.family = header->ifa_family;
	address.prefix = header->ifa_prefixlen;
	address.scope = header->ifa_scope;
	address.flags = netlink_find_u32(message, sizeof(*header), IFA_FLAGS, header->ifa_flags);
	if (!take_local(message, &address))
		return 0;
	address.has_broadcast = address.family == AF_INET &&
	                        take_bytes(message, IFA_BROADCAST, address.broadcast, 4);
	label = netlink_find(message, sizeof(*header), IFA_LABEL, 1, &size);
	if (label)
		(void)snprintf(address.label, sizeof(address.label), "%.*s",
		               (int)strnlen(label, size), label);
	return append(collection->list, &address);
}

static void drop_all(void *context)
{
	((struct collection *)context)->list->count = 0;
}

int address_list(struct netlink *nl, int index, struct address_list *ret, struct error *err)
{
	const struct ifaddrmsg header = {.ifa_family = AF_UNSPEC};
	scoped_address_list list = {0};
	struct collection collection = {.index = index, .list = &list};
	int r;

	netlink_begin(nl, RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header));
	r = netlink_ask(nl, "list addresses", take_address, drop_all, &collection, err);
	if (r < 0)
		return r;
	*ret = list;
	list = (struct address_list){0};
	return 0;
}

/* --- Adding --- */

int address_add(struct netlink *nl, int index, const struct address *address, struct error *err)
{
	const size_t size = address_size(address->family);
	const struct ifaddrmsg header = {
		.ifa_family = address->family,
		.ifa_prefixlen = address->prefix,
		.ifa_scope = address->scope,
		.ifa_index = (unsigned int)index,
	};
	char text[INET6_ADDRSTRLEN] = "", what[80];

	(void)inet_ntop(address->family, address->local, text, sizeof(text));
	(void)snprintf(what, sizeof(what), "add the address %s/%u", text, address->prefix);
	netlink_begin(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put(nl, IFA_LOCAL, address->local, size);
	netlink_put(nl, IFA_ADDRESS, address->has_peer ? address->peer : address->local, size);
	if (address->has_broadcast)
		netlink_put(nl, IFA_BROADCAST, address->broadcast, 4);
	if (address->label[0])
		netlink_put_text(nl, IFA_LABEL, address->label);
	if (address->flags)
		netlink_put_u32(nl, IFA_FLAGS, address->flags);
	return netlink_talk(nl, what, err);
}
