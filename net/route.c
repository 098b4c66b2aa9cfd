#include "net/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void route_list_done(struct route_list *list)
{
	free(list->items);
	*list = (struct route_list){0};
}

/* --- Listing --- */

struct collection {
	int index;
	struct route_list *list;
};

static int append(struct route_list *list, const struct route *route)
{
	struct route *items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return -ENOMEM;
	items[list->count++] = *route;
	list->items = items;
	return 0;
}

static bool take_bytes(const struct nlmsghdr *message, uint16_t type, uint8_t family, void *ret)
{
	const size_t size = address_size(family);
	const void *data = netlink_find(message, sizeof(struct rtmsg), type, size, NULL);

	if (data)
		memcpy(ret, data, size);
	return data != NULL;
}

/* Of the kernel's own making, or learnt from a router: both come again by themselves. */
static bool is_set_by_somebody(const struct rtmsg *header)
{
	return header->rtm_protocol != RTPROT_KERNEL && header->rtm_protocol != RTPROT_RA &&
	       header->rtm_protocol != RTPROT_REDIRECT && !(header->rtm_flags & RTM_F_CLONED);
}

static int take_route(const struct nlmsghdr *message, void *context)
{
	const struct collection *collection = context;
	const struct rtmsg *header = netlink_header(message, sizeof(*header));
	struct route route = {0};

	if (!header || message->nlmsg_type != RTM_NEWROUTE ||
	    (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) ||
	    !is_set_by_somebody(header) ||
	    netlink_find_u32(message, sizeof(*header), RTA_OIF, 0) != (uint32_t)collection->index)
		return 0;
	route.family = header->rtm_family;
	route.prefix = header->rtm_dst_len;
	route.scope = header->rtm_scope;
	route.protocol = header->rtm_protocol;
	route.type = header->rtm_type;
	route.table = netlink_find_u32(message, sizeof(*header), RTA_TABLE, header->rtm_table);
	route.metric = netlink_find_u32(message, sizeof(*header), RTA_PRIORITY, 0);
	(void)take_bytes(message, RTA_DST, route.family, route.destination);
	route.has_gateway = take_bytes(message, RTA_GATEWAY, route.family, route.gateway);
	route.has_source = take_bytes(message, RTA_PREFSRC, route.family, route.source);
	return append(collection->list, &route);
}

static void drop_all(void *context)
{
	((struct collection *)context)->list->count = 0;
}

static int by_gateway(const void *a, const void *b)
{
	return ((const struct route *)a)->has_gateway - ((const struct route *)b)->has_gateway;
}

int route_list(struct netlink *nl, int index, struct route_list *ret, struct error *err)
{
	const struct rtmsg header = {.rtm_family = AF_UNSPEC};
	scoped_route_list list = {0};
	struct collection collection = {.index = index, .list = &list};
	int r;

	netlink_begin(nl, RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));
	r = netlink_ask(nl, "list routes", take_route, drop_all, &collection, err);
	if (r < 0)
		return r;
	if (list.count > 1)
		qsort(list.items, list.count, sizeof(*list.items), by_gateway);
	*ret = list;
	list = (struct route_list){0};
	return 0;
}

/* --- Adding --- */

int route_add(struct netlink *nl, int index, const struct route *route, struct error *err)
{
	const size_t size = address_size(route->family);
	uint32_t table = route->table ? route->table : RT_TABLE_MAIN;
	const struct rtmsg header = {
		.rtm_family = route->family,
		.rtm_dst_len = route->prefix,
		.rtm_scope = route->scope,
		.rtm_protocol = route->protocol ? route->protocol : RTPROT_BOOT,
		.rtm_type = route->type ? route->type : RTN_UNICAST,
		.rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC,
	};
	char text[INET6_ADDRSTRLEN] = "", what[80];

	(void)inet_ntop(route->family, route->destination, text, sizeof(text));
	(void)snprintf(what, sizeof(what), "add the route to %s/%u", text, route->prefix);
	netlink_begin(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put_u32(nl, RTA_TABLE, table);
	if (route->prefix > 0)
		netlink_put(nl, RTA_DST, route->destination, size);
	if (route->has_gateway)
		netlink_put(nl, RTA_GATEWAY, route->gateway, size);
	if (route->has_source)
		netlink_put(nl, RTA_PREFSRC, route->source, size);
	if (route->metric)
		netlink_put_u32(nl, RTA_PRIORITY, route->metric);
	netlink_put_u32(nl, RTA_OIF, (uint32_t)index);
	return netlink_talk(nl, what, err);
}

/* --- Asking --- */

static int take_way(const struct nlmsghdr *message, void *context)
{
	const struct rtmsg *header = netlink_header(message, sizeof(*header));

	if (header && message->nlmsg_type == RTM_NEWROUTE)
		*(struct route_way *)context = (struct route_way){
			.index = (int)netlink_find_u32(message, sizeof(*header), RTA_OIF, 0),
			.prefix = header->rtm_dst_len,
			.type = header->rtm_type,
		};
	return 0;
}

int route_find(struct netlink *nl, uint8_t family, const void *destination, struct route_way *ret,
               struct error *err)
{
	const size_t size = address_size(family);
	/* The route as it stands in the table, not the one made of it for this destination. */
	const struct rtmsg header = {
		.rtm_family = family,
		.rtm_dst_len = (uint8_t)(size * 8),
		.rtm_flags = RTM_F_FIB_MATCH,
	};
	char text[INET6_ADDRSTRLEN] = "", what[80];

	(void)inet_ntop(family, destination, text, sizeof(text));
	(void)snprintf(what, sizeof(what), "find the route to %s", text);
	netlink_begin(nl, RTM_GETROUTE, 0, &header, sizeof(header));
	netlink_put(nl, RTA_DST, destination, size);
	return netlink_ask(nl, what, take_way, NULL, ret, err);
}
