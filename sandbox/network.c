#include "sandbox/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/process.h"
#include "base/str.h"
#include "net/loopback.h"
#include "net/route.h"
#include "sandbox/pasta.h"

enum { RESOLVE_TIMEOUT_MS = 10000, RULE_LIMIT = 1024, TARGET_SIZE = INET6_ADDRSTRLEN + 8 };

static const char table_name[] = "lvm-run", namespace_name[] = "netns", hosts_name[] = "hosts";

void network_done(struct network *network)
{
	pasta_end(&network->pasta);
	uplink_done(&network->uplink);
	free(network->rules);
	*network = (struct network)NETWORK_NONE;
}

/* --- What may be reached --- */

static int add_rule(struct network *network, const struct allow *rule, struct error *err)
{
	struct allow *grown = network->rules;

	if (network->count == RULE_LIMIT)
		return error_set(err, E2BIG, "--net-allow: more than %d addresses", RULE_LIMIT);
	if (network->count == network->capacity) {
		network->capacity = network->capacity ? network->capacity * 2 : 16;
		grown = realloc(grown, network->capacity * sizeof(*grown));
		if (!grown)
			return error_code(err, ENOMEM, "--net-allow");
		network->rules = grown;
	}
	grown[network->count++] = *rule;
	return 0;
}

static void print_range(const struct address *range, char ret[static TARGET_SIZE])
{
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(range->family, range->local, text, sizeof(text));
	if (range->prefix == address_size(range->family) * 8)
		(void)snprintf(ret, TARGET_SIZE, "%s", text);
	else
		(void)snprintf(ret, TARGET_SIZE, "%s/%u", text, range->prefix);
}

/* Whether this host can send there for us. */
static int check_way(const struct network *network, const struct address *range, struct error *err)
{
	scoped_netlink nl = NULL;
	struct route_way way;
	int r = 0;

	if (range->prefix == 0)
		return 0;
	if (range->family == AF_INET6 && !network->rootless && !uplink_knows_ipv6())
		return error_set(err, EAFNOSUPPORT,
		                 "IPv6 for a sandbox of root needs a host that forwards it (sysctl "
		                 "net.ipv6.conf.all.forwarding)");
	r = netlink_open(-1, &nl, err);
	return r < 0 ? r : route_find(nl, range->family, range->local, &way, err);
}

/* An answer for a name: public, and spelled so that we know what it is. */
static int check_answer(const struct allow *rule, const char *text, struct error *err)
{
	const struct allow_network *network = allow_find_network(&rule->address);

	if (!network)
		return 0;
	return error_set(err, EPERM,
	                 "--net-allow %s: the name stands for %s, which is no public address (%s, "
	                 "%s); if that is meant, allow the address itself",
	                 rule->name, text, network->what, network->text);
}

/* Addresses that this host has no way to are left out as long as there are others. */
static int add_answers(struct network *network, struct allow *rule, char *answers,
                       struct error *err)
{
	struct error why = {0};
	size_t before = network->count;
	char *line;

	while ((line = strsep(&answers, "\n"))) {
		int r = 0;

		if (!*line)
			continue;
		line[strcspn(line, "%")] = '\0'; /* the scope of a link-local one */
		if (address_parse(line, &rule->address) < 0)
			return error_set(err, EPROTO, "--net-allow %s: '%.60s' is no address",
			                 rule->name, line);
		allow_unmap(&rule->address);
		r = check_answer(rule, line, err);
		if (r < 0)
			return r;
		if (check_way(network, &rule->address, &why) == 0)
			r = add_rule(network, rule, err);
		if (r < 0)
			return r;
	}
	if (network->count > before)
		return 0;
	return error_set(err, why.code ? why.code : ENOENT, "--net-allow %s: %s", rule->name,
	                 why.code ? why.text : "the name has no address");
}

static int resolve(struct network *network, struct allow *rule, struct error *err)
{
	scoped_strbuf request = {0};
	scoped_str answers = NULL;
	int r;

	strbuf_adds(&request, "resolve\n");
	helper_add(&request, "name", rule->name);
	if (request.failed)
		return error_code(err, ENOMEM, "--net-allow %s", rule->name);
	r = helper_ask(request.data, RESOLVE_TIMEOUT_MS, &answers, err);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT,
		                 "--net-allow %s: no name server has answered within %d s",
		                 rule->name, RESOLVE_TIMEOUT_MS / 1000);
	if (r < 0)
		return error_wrap(err, "--net-allow: resolve");
	return add_answers(network, rule, answers, err);
}

static int add_wish(struct network *network, const char *wish, struct error *err)
{
	struct allow rule;
	int r = allow_parse(wish, &rule, err);

	if (r < 0)
		return error_wrap(err, "option --net-allow");
	if (rule.name[0])
		return resolve(network, &rule, err);
	r = check_way(network, &rule.address, err);
	return r < 0 ? error_wrap(err, "--net-allow %s", wish) : add_rule(network, &rule, err);
}

/* --- /etc/hosts --- */

static int pin(const struct network *network, struct view *view, const struct scratch *scratch,
               struct error *err)
{
	const char *source = arena_format(&view->arena, "%s/%s", scratch->path, hosts_name);
	scoped_strbuf text = {0};
	struct view_mount *mount;
	char range[TARGET_SIZE];

	strbuf_adds(&text, "127.0.0.1 localhost\n::1 localhost\n");
	for (size_t i = 0; i < network->count; i++) {
		print_range(&network->rules[i].address, range);
		if (network->rules[i].name[0])
			strbuf_addf(&text, "%s %s\n", range, network->rules[i].name);
	}
	if (text.failed || !source)
		return error_code(err, ENOMEM, "/etc/hosts");
	if (file_write_whole(scratch->fd, hosts_name, 0644, text.data, text.length, err) < 0)
		return error_wrap(err, "/etc/hosts of the sandbox");
	mount = view_add(view, "/etc/hosts", "bind", source, err);
	if (!mount)
		return -ENOMEM;
	mount->options[mount->option_count++] = "bind";
	mount->options[mount->option_count++] = "ro";
	mount->options[mount->option_count++] = "nosuid";
	mount->options[mount->option_count++] = "nodev";
	return 0;
}

int network_prepare(struct network *ret, struct view *view, const struct scratch *scratch,
                    const struct sandbox_options *options, struct error *err)
{
	int r = 0;

	ret->rootless = scratch->rootless;
	if (options->net_allow_count == 0)
		return 0;
	for (size_t i = 0; r == 0 && i < options->net_allow_count; i++)
		r = add_wish(ret, options->net_allow[i], err);
	if (r < 0)
		return r;
	(void)snprintf(ret->path, sizeof(ret->path), "%.*s/%s",
	               (int)(sizeof(ret->path) - sizeof(namespace_name) - 1), scratch->path,
	               namespace_name);
	return pin(ret, view, scratch, err);
}

/* --- The rules in the namespace --- */

static int add_firewall_rules(struct firewall *firewall, const struct firewall_rule *rules,
                              size_t count, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = firewall_add_rule(firewall, &rules[i], err);
	return r;
}

static int add_chains(struct firewall *firewall, struct error *err)
{
	static const struct firewall_chain chains[] = {
		{.name = "input", .hook = NF_INET_LOCAL_IN, .drop = true},
		{.name = "output", .hook = NF_INET_LOCAL_OUT, .drop = true},
		{.name = "forward", .hook = NF_INET_FORWARD, .drop = true},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(chains); i++)
		r = firewall_add_chain(firewall, &chains[i], err);
	return r;
}

/* Neighbours of IPv6 find each other by ICMP: solicitations, advertisements. */
static int add_common(struct firewall *firewall, struct error *err)
{
	enum { ROUTER_SOLICIT = 133, NEIGHBOUR_ADVERT = 136 };
	static const struct firewall_rule rules[] = {
		{.chain = "input", .in = "lo"},
		{.chain = "input", .established = true},
		{.chain = "input",
	         .protocol = IPPROTO_ICMPV6,
	         .first = ROUTER_SOLICIT,
	         .last = NEIGHBOUR_ADVERT},
		{.chain = "output", .out = "lo"},
		{.chain = "output",
	         .protocol = IPPROTO_ICMPV6,
	         .first = ROUTER_SOLICIT,
	         .last = NEIGHBOUR_ADVERT},
	};

	return add_firewall_rules(firewall, rules, ARRAY_SIZE(rules), err);
}

static int add_allowed(struct firewall *firewall, const struct allow *allow, struct error *err)
{
	static const uint8_t both[] = {IPPROTO_TCP, IPPROTO_UDP};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(both); i++) {
		const struct firewall_rule rule = {
			.chain = "output",
			.to = &allow->address,
			.protocol = both[i],
			.first = allow->first,
			.last = allow->last,
		};

		if (!allow->protocol || allow->protocol == both[i])
			r = firewall_add_rule(firewall, &rule, err);
	}
	return r;
}

/* Those in networks of no public hosts come before these are refused, all others after. */
static int add_all_allowed(struct firewall *firewall, const struct network *network, bool special,
                           struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < network->count; i++)
		if ((allow_find_network(&network->rules[i].address) != NULL) == special)
			r = add_allowed(firewall, &network->rules[i], err);
	return r;
}

/* Only a range can have such networks in it. */
static int refuse_special(struct firewall *firewall, const struct network *network,
                          struct error *err)
{
	bool needed = false;
	int r = 0;

	for (size_t i = 0; i < network->count; i++)
		needed |= network->rules[i].address.prefix <
		          address_size(network->rules[i].address.family) * 8;
	for (size_t i = 0; needed && r == 0 && i < allow_network_count; i++) {
		struct address range;
		const struct firewall_rule rule = {
			.chain = "output", .to = &range, .verdict = FIREWALL_REJECT};

		if (address_parse(allow_networks[i].text, &range) == 0)
			r = firewall_add_rule(firewall, &rule, err);
	}
	return r;
}

/* In the namespace. The table stays as long as that does. */
static int make_rules(const struct network *network, struct error *err)
{
	/* Programs hear at once that they may not, rather than wait for answers. */
	static const struct firewall_rule rest = {.chain = "output", .verdict = FIREWALL_REJECT};
	scoped_firewall firewall = NULL;
	int r = firewall_open(-1, table_name, FIREWALL_KEPT, &firewall, err);

	if (r == 0)
		r = add_chains(firewall, err);
	if (r == 0)
		r = add_common(firewall, err);
	if (r == 0)
		r = add_all_allowed(firewall, network, true, err);
	if (r == 0)
		r = refuse_special(firewall, network, err);
	if (r == 0)
		r = add_all_allowed(firewall, network, false, err);
	return r < 0 ? r : firewall_add_rule(firewall, &rest, err);
}

/* --- The namespace --- */

/* In a child: a user who has left his network namespace cannot come back. */
static int enter_new(void *context, struct error *err)
{
	const struct network *network = context;
	int r;

	if (unshare(CLONE_NEWNET) < 0)
		return error_errno(err, "new network namespace");
	r = loopback_enter_up(err);
	if (r == 0)
		r = make_rules(network, err);
	if (r < 0)
		return r;
	if (mount("/proc/self/ns/net", network->path, NULL, MS_BIND, NULL) < 0)
		return error_errno(err, "keep the network namespace");
	return 0;
}

static int make_uplink(struct network *network, struct error *err)
{
	scoped_fd netns = open(network->path, O_RDONLY | O_CLOEXEC);
	struct address *to = calloc(network->count, sizeof(*to));
	int r;

	if (netns < 0 || !to) {
		r = error_errno(err, "network namespace");
		free(to);
		return r;
	}
	for (size_t i = 0; i < network->count; i++)
		to[i] = network->rules[i].address;
	r = uplink_make(&network->uplink, netns, to, network->count, err);
	free(to);
	return r;
}

int network_start(struct network *network, const struct scratch *scratch, struct error *err)
{
	int r = 0;

	if (network->count == 0)
		return 0;

	scoped_fd place =
		openat(scratch->fd, namespace_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (place < 0)
		return error_errno(err, "network: place for the namespace");
	r = process_in_child(enter_new, network, err);
	if (r == 0)
		r = network->rootless ? pasta_start(network->path, &network->pasta, err)
		                      : make_uplink(network, err);
	return r < 0 ? error_wrap(err, "--net-allow cannot be enforced here") : 0;
}

/* --- What is told --- */

static void write_rule(struct json_writer *w, const struct allow *rule)
{
	char range[TARGET_SIZE];

	print_range(&rule->address, range);
	json_writer_object(w, NULL);
	json_writer_optional(w, "name", rule->name[0] ? rule->name : NULL);
	json_writer_string(w, "address", range);
	if (rule->first) {
		json_writer_unsigned(w, "firstPort", rule->first);
		json_writer_unsigned(w, "lastPort", rule->last);
	}
	if (rule->protocol)
		json_writer_string(w, "protocol", rule->protocol == IPPROTO_TCP ? "tcp" : "udp");
	json_writer_end(w);
}

void network_write(struct json_writer *writer, const char *key, const struct network *network,
                   const struct sandbox_options *options)
{
	json_writer_object(writer, key);
	json_writer_string(writer, "mode",
	                   options->share_net         ? "host"
	                   : options->net_allow_count ? "allowed"
	                                              : "none");
	if (options->net_allow_count) {
		json_writer_string(writer, "uplink", network->rootless ? "pasta" : "veth");
		json_writer_array(writer, "allowed");
		for (size_t i = 0; i < network->count; i++)
			write_rule(writer, &network->rules[i]);
		json_writer_end(writer);
	}
	json_writer_end(writer);
}
