#include "net/uplink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/macro.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/route.h"

/*
 * 198.18.0.0/15 is for measurements within a laboratory (RFC 2544): no host of the internet has an
 * address there and hardly a private network. A pair has four addresses of it.
 */
enum { PAIRS = 0x20000 / 4, ATTEMPTS = 64, PRIORITY_FILTER = 0, PRIORITY_SOURCE_NAT = 100 };

static const uint8_t first_ipv4[4] = {198, 18, 0, 0};
/* A unique local prefix (RFC 4193) of our own. */
static const uint8_t first_ipv6[16] = {0xfd, 0x4c, 0x76, 0x6d, 0x72, 0x75, 0x6e};
static const char prefix[] = "lvmnet", inner_name[] = "eth0";

void uplink_done(struct uplink *uplink)
{
	struct netlink *nl = NULL;
	struct error ignored;
	struct link link;

	/* It would go with the namespace, a moment later. */
	if (uplink->name[0] && netlink_open(-1, &nl, &ignored) == 0 &&
	    link_find(nl, uplink->name, &link, &ignored) == 0)
		(void)!link_delete(nl, link.index, &ignored);
	netlink_free(&nl);
	/* The rules last: they say what may pass as long as anything may. */
	forwarding_done(&uplink->forwarding);
	firewall_free(&uplink->firewall);
	uplink->name[0] = '\0';
}

bool uplink_knows_ipv6(void)
{
	char value[8];
	struct error ignored;

	return file_read_kernel(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/forwarding", value,
	                        sizeof(value), &ignored) > 0 &&
	       strcmp(value, "0") != 0;
}

/* --- Names and addresses --- */

static struct address make_address(uint8_t family, unsigned int pair, uint8_t host)
{
	const size_t size = address_size(family);
	struct address address = {
		.family = family,
		.prefix = family == AF_INET ? 30 : 126,
		.flags = family == AF_INET6 ? IFA_F_NODAD : 0,
	};
	unsigned int number = pair * 4 + host;

	memcpy(address.local, family == AF_INET ? first_ipv4 : first_ipv6, size);
	address.local[size - 1] = (uint8_t)number;
	address.local[size - 2] = (uint8_t)(number >> 8);
	address.local[size - 3] = (uint8_t)(address.local[size - 3] + (number >> 16));
	return address;
}

/* Whether a network of this host has the addresses: more than the default route leads there. */
static bool is_taken(struct netlink *nl, const struct address *address)
{
	struct route_way way = {0};
	struct error ignored;

	return route_find(nl, address->family, address->local, &way, &ignored) == 0 &&
	       way.prefix > 0;
}

/* The pair's name is the claim to its addresses: the kernel gives it once. */
static int make_pair(struct uplink *uplink, struct netlink *nl, int netns_fd, struct error *err)
{
	unsigned int pair = 0;

	(void)!getrandom(&pair, sizeof(pair), GRND_NONBLOCK);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++, pair++) {
		char name[IFNAMSIZ];
		int r;

		pair %= PAIRS;
		uplink->host[0] = make_address(AF_INET, pair, 1);
		if (is_taken(nl, &uplink->host[0]))
			continue;
		(void)snprintf(name, sizeof(name), "%s%u", prefix, pair);
		r = link_add_veth(nl, name, inner_name, netns_fd, err);
		if (r == -EEXIST)
			continue;
		if (r < 0)
			return r;
		memcpy(uplink->name, name, sizeof(name));
		uplink->inner[0] = make_address(AF_INET, pair, 2);
		uplink->host[1] = make_address(AF_INET6, pair, 1);
		uplink->inner[1] = make_address(AF_INET6, pair, 2);
		return 0;
	}
	return error_set(err, EADDRINUSE, "no addresses are free in 198.18.0.0/15");
}

/* --- This host's end --- */

static int set_switch(const char *family, const char *name, const char *key, const char *value,
                      struct error *err)
{
	char file[96];

	(void)snprintf(file, sizeof(file), "/proc/sys/net/%s/conf/%s/%s", family, name, key);
	return file_write_kernel(AT_FDCWD, file, value, err);
}

static int set_host_end(const struct uplink *uplink, struct netlink *nl, struct error *err)
{
	struct error ignored;
	struct link link;
	int r = link_find(nl, uplink->name, &link, err);

	if (r == 0)
		r = set_switch("ipv4", uplink->name, "forwarding", "1", err);
	/* Else the link-local addresses of both ends could talk; there may be no IPv6 at all. */
	if (r == 0 && !uplink->has_ipv6)
		(void)!set_switch("ipv6", uplink->name, "disable_ipv6", "1", &ignored);
	for (size_t i = 0; r == 0 && i < (uplink->has_ipv6 ? 2U : 1U); i++)
		r = address_add(nl, link.index, &uplink->host[i], err);
	return r < 0 ? r : link_set_up(nl, link.index, true, err);
}

/* --- The other end --- */

static int set_inner_end(const struct uplink *uplink, int netns_fd, struct error *err)
{
	scoped_netlink nl = NULL;
	struct link link;
	int r = netlink_open(netns_fd, &nl, err);

	if (r == 0)
		r = link_find(nl, inner_name, &link, err);
	if (r == 0)
		r = link_set_up(nl, link.index, true, err);
	for (size_t i = 0; r == 0 && i < (uplink->has_ipv6 ? 2U : 1U); i++) {
		struct route route = {.family = uplink->host[i].family, .has_gateway = true};

		memcpy(route.gateway, uplink->host[i].local, sizeof(route.gateway));
		r = address_add(nl, link.index, &uplink->inner[i], err);
		if (r == 0)
			r = route_add(nl, link.index, &route, err);
	}
	return r;
}

/* --- Between them and the world --- */

/* To everywhere: by the way that a host somewhere is reached (an address for documents, RFC 5737). */
static const struct address *representative(const struct address *to)
{
	static const struct address somewhere[] = {
		{.family = AF_INET, .local = {192, 0, 2, 1}},
		{.family = AF_INET6, .local = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
	};

	return to->prefix > 0 ? to : &somewhere[to->family == AF_INET6];
}

static int hold_ways(struct uplink *uplink, struct netlink *nl, const struct address *to,
                     size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct address *address = representative(&to[i]);
		struct route_way way = {0};
		char name[IFNAMSIZ];
		int r = route_find(nl, address->family, address->local, &way, err);

		if (r < 0)
			return r;
		/* To this host itself nothing is forwarded; IPv6 is forwarded by all or none. */
		if (way.type == RTN_LOCAL || address->family != AF_INET)
			continue;
		if (!if_indextoname((unsigned int)way.index, name))
			return error_errno(err, "network interface %d", way.index);
		r = forwarding_hold(&uplink->forwarding, name, err);
		if (r < 0)
			return r;
	}
	return forwarding_guard(&uplink->forwarding, err);
}

/* The chains of a table are made first, each with its rules behind it in the file. */
static int add_chains(struct uplink *uplink, struct error *err)
{
	static const struct firewall_chain chains[] = {
		{.name = "forward", .hook = NF_INET_FORWARD, .priority = PRIORITY_FILTER},
		{.name = "source",
	         .hook = NF_INET_POST_ROUTING,
	         .priority = PRIORITY_SOURCE_NAT,
	         .nat = true},
	};
	int r = firewall_open(-1, uplink->name, FIREWALL_OWNED, &uplink->firewall, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(chains); i++)
		r = firewall_add_chain(uplink->firewall, &chains[i], err);
	return r;
}

static int add_pair_rules(struct uplink *uplink, struct error *err)
{
	const struct firewall_rule answers[] = {
		{.chain = "forward",
	         .out = uplink->name,
	         .established = true,
	         .verdict = FIREWALL_ACCEPT},
		{.chain = "forward", .out = uplink->name, .verdict = FIREWALL_DROP},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < (uplink->has_ipv6 ? 2U : 1U); i++) {
		struct address inner = uplink->inner[i];

		inner.prefix = (uint8_t)(address_size(inner.family) * 8);

		const struct firewall_rule rules[] = {
			{.chain = "forward",
		         .in = uplink->name,
		         .from = &inner,
		         .from_not = true,
		         .verdict = FIREWALL_DROP},
			{.chain = "source", .from = &inner, .verdict = FIREWALL_MASQUERADE},
		};

		for (size_t n = 0; r == 0 && n < ARRAY_SIZE(rules); n++)
			r = firewall_add_rule(uplink->firewall, &rules[n], err);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(answers); i++)
		r = firewall_add_rule(uplink->firewall, &answers[i], err);
	return r;
}

/* What forwards only for us and our like forwards nothing else. */
static int add_way_rules(const struct uplink *uplink, struct error *err)
{
	char ours[IFNAMSIZ];
	int r = 0;

	(void)snprintf(ours, sizeof(ours), "%s*", prefix);
	for (size_t i = 0; r == 0 && i < uplink->forwarding.count; i++) {
		const struct forwarding_item *item = &uplink->forwarding.items[i];
		const struct firewall_rule rule = {
			.chain = "forward",
			.in = item->name,
			.out = ours,
			.out_not = true,
			.verdict = FIREWALL_DROP,
		};

		if (item->lock >= 0)
			r = firewall_add_rule(uplink->firewall, &rule, err);
	}
	return r;
}

int uplink_make(struct uplink *ret, int netns_fd, const struct address *to, size_t count,
                struct error *err)
{
	scoped_netlink nl = NULL;
	int r = netlink_open(-1, &nl, err);

	ret->has_ipv6 = uplink_knows_ipv6();
	if (r == 0)
		r = make_pair(ret, nl, netns_fd, err);
	if (r == 0)
		r = add_chains(ret, err);
	if (r == 0)
		r = add_pair_rules(ret, err);
	if (r == 0)
		r = hold_ways(ret, nl, to, count, err);
	if (r == 0)
		r = add_way_rules(ret, err);
	if (r == 0)
		r = forwarding_begin(&ret->forwarding, err);
	if (r == 0)
		r = set_host_end(ret, nl, err);
	return r < 0 ? r : set_inner_end(ret, netns_fd, err);
}
