#include "net/firewall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/netlink.h"

/* Since Linux 5.12; older headers lack it. */
#define TABLE_OWNER 0x2

enum { TABLE_NAME_SIZE = 32 };

struct firewall {
	struct netlink *nl;
	char table[TABLE_NAME_SIZE];
};

void firewall_free(struct firewall **firewall)
{
	if (!*firewall)
		return;
	netlink_free(&(*firewall)->nl);
	free(*firewall);
	*firewall = NULL;
}

static void put_number(struct netlink *nl, uint16_t type, uint32_t value)
{
	netlink_put_u32(nl, type, htonl(value));
}

/* --- Tables and chains --- */

static int explain(int r, enum firewall_life life, struct error *err)
{
	if (life == FIREWALL_OWNED && (r == -EOPNOTSUPP || r == -EINVAL))
		return error_wrap(err, "tables that end with their process need Linux 5.12");
	return error_wrap(err, "nftables");
}

int firewall_open(int netns_fd, const char *table, enum firewall_life life, struct firewall **ret,
                  struct error *err)
{
	scoped_firewall firewall = calloc(1, sizeof(*firewall));
	char what[64];
	int r;

	if (!firewall)
		return error_code(err, ENOMEM, "firewall");
	(void)snprintf(firewall->table, sizeof(firewall->table), "%s", table);
	(void)snprintf(what, sizeof(what), "make the table %s", firewall->table);
	r = netlink_open_family(netns_fd, NETLINK_NETFILTER, &firewall->nl, err);
	if (r < 0)
		return error_wrap(err, "nftables");
	netlink_begin_nft(firewall->nl, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, NFPROTO_INET);
	netlink_put_text(firewall->nl, NFTA_TABLE_NAME, firewall->table);
	put_number(firewall->nl, NFTA_TABLE_FLAGS, life == FIREWALL_OWNED ? TABLE_OWNER : 0);
	r = netlink_talk(firewall->nl, what, err);
	if (r < 0)
		return explain(r, life, err);
	*ret = firewall;
	firewall = NULL;
	return 0;
}

int firewall_add_chain(struct firewall *firewall, const struct firewall_chain *chain,
                       struct error *err)
{
	struct netlink *nl = firewall->nl;
	struct nlattr *hook;
	char what[64];

	(void)snprintf(what, sizeof(what), "nftables: make the chain %s", chain->name);
	netlink_begin_nft(nl, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, NFPROTO_INET);
	netlink_put_text(nl, NFTA_CHAIN_TABLE, firewall->table);
	netlink_put_text(nl, NFTA_CHAIN_NAME, chain->name);
	netlink_put_text(nl, NFTA_CHAIN_TYPE, chain->nat ? "nat" : "filter");
	put_number(nl, NFTA_CHAIN_POLICY, chain->drop ? NF_DROP : NF_ACCEPT);
	hook = netlink_nest(nl, NFTA_CHAIN_HOOK);
	put_number(nl, NFTA_HOOK_HOOKNUM, chain->hook);
	put_number(nl, NFTA_HOOK_PRIORITY, (uint32_t)chain->priority);
	netlink_nest_end(nl, hook);
	return netlink_talk(nl, what, err);
}

/* --- Expressions: each a name and its attributes --- */

struct expression {
	struct nlattr *element, *data;
};

static struct expression expression_begin(struct netlink *nl, const char *name)
{
	struct expression e = {.element = netlink_nest(nl, NFTA_LIST_ELEM)};

	netlink_put_text(nl, NFTA_EXPR_NAME, name);
	e.data = netlink_nest(nl, NFTA_EXPR_DATA);
	return e;
}

static void expression_end(struct netlink *nl, struct expression e)
{
	netlink_nest_end(nl, e.data);
	netlink_nest_end(nl, e.element);
}

static void put_value(struct netlink *nl, uint16_t type, const void *value, size_t size)
{
	struct nlattr *nest = netlink_nest(nl, type);

	netlink_put(nl, NFTA_DATA_VALUE, value, size);
	netlink_nest_end(nl, nest);
}

/* All go through the one register. */
static void load_meta(struct netlink *nl, uint32_t key)
{
	struct expression e = expression_begin(nl, "meta");

	put_number(nl, NFTA_META_DREG, NFT_REG_1);
	put_number(nl, NFTA_META_KEY, key);
	expression_end(nl, e);
}

static void load_payload(struct netlink *nl, uint32_t base, uint32_t offset, size_t size)
{
	struct expression e = expression_begin(nl, "payload");

	put_number(nl, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_number(nl, NFTA_PAYLOAD_BASE, base);
	put_number(nl, NFTA_PAYLOAD_OFFSET, offset);
	put_number(nl, NFTA_PAYLOAD_LEN, (uint32_t)size);
	expression_end(nl, e);
}

static void load_state(struct netlink *nl)
{
	struct expression e = expression_begin(nl, "ct");

	put_number(nl, NFTA_CT_DREG, NFT_REG_1);
	put_number(nl, NFTA_CT_KEY, NFT_CT_STATE);
	expression_end(nl, e);
}

static void mask(struct netlink *nl, const void *bits, size_t size)
{
	static const uint8_t nothing[ADDRESS_SIZE];
	struct expression e = expression_begin(nl, "bitwise");

	put_number(nl, NFTA_BITWISE_SREG, NFT_REG_1);
	put_number(nl, NFTA_BITWISE_DREG, NFT_REG_1);
	put_number(nl, NFTA_BITWISE_LEN, (uint32_t)size);
	put_value(nl, NFTA_BITWISE_MASK, bits, size);
	put_value(nl, NFTA_BITWISE_XOR, nothing, size);
	expression_end(nl, e);
}

static void compare(struct netlink *nl, uint32_t how, const void *value, size_t size)
{
	struct expression e = expression_begin(nl, "cmp");

	put_number(nl, NFTA_CMP_SREG, NFT_REG_1);
	put_number(nl, NFTA_CMP_OP, how);
	put_value(nl, NFTA_CMP_DATA, value, size);
	expression_end(nl, e);
}

/* --- What a packet must be like --- */

static void match_interface(struct netlink *nl, uint32_t key, const char *name, bool not )
{
	char padded[IFNAMSIZ] = "";
	size_t length = strnlen(name, IFNAMSIZ - 1);
	bool begins = length > 0 && name[length - 1] == '*';

	memcpy(padded, name, length);
	load_meta(nl, key);
	compare(nl, not ? NFT_CMP_NEQ : NFT_CMP_EQ, padded, begins ? length - 1 : IFNAMSIZ);
}

static void match_established(struct netlink *nl)
{
	static const uint32_t none;
	const uint32_t states = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);

	load_state(nl);
	mask(nl, &states, sizeof(states));
	compare(nl, NFT_CMP_NEQ, &none, sizeof(none));
}

static void match_byte(struct netlink *nl, uint32_t key, uint8_t value)
{
	load_meta(nl, key);
	compare(nl, NFT_CMP_EQ, &value, sizeof(value));
}

static void match_resets(struct netlink *nl)
{
	static const uint8_t none, reset = 0x04; /* of the 14th byte (RFC 9293, 3.1) */

	load_payload(nl, NFT_PAYLOAD_TRANSPORT_HEADER, 13, sizeof(reset));
	mask(nl, &reset, sizeof(reset));
	compare(nl, NFT_CMP_NEQ, &none, sizeof(none));
}

/* In the byte order of the host. */
static void match_mark(struct netlink *nl, uint32_t value, bool not )
{
	load_meta(nl, NFT_META_MARK);
	compare(nl, not ? NFT_CMP_NEQ : NFT_CMP_EQ, &value, sizeof(value));
}

static void match_address(struct netlink *nl, const struct address *address, bool destination,
                          bool not )
{
	const size_t size = address_size(address->family);
	uint8_t bits[ADDRESS_SIZE] = {0}, value[ADDRESS_SIZE];
	uint32_t offset = address->family == AF_INET ? (destination ? 16 : 12)
	                  : destination              ? 24
	                                             : 8;

	if (address->prefix == 0)
		return;
	for (size_t i = 0; i < size; i++) {
		const int left = address->prefix - (int)i * 8;
		const unsigned int kept = left >= 8 ? 8 : left <= 0 ? 0 : (unsigned int)left;

		bits[i] = (uint8_t)((0xffU << (8 - kept)) & 0xffU);
		value[i] = (uint8_t)(address->local[i] & bits[i]);
	}
	load_payload(nl, NFT_PAYLOAD_NETWORK_HEADER, offset, size);
	if (address->prefix < size * 8)
		mask(nl, bits, size);
	compare(nl, not ? NFT_CMP_NEQ : NFT_CMP_EQ, value, size);
}

static void match_ports(struct netlink *nl, uint16_t first, uint16_t last)
{
	const uint16_t low = htons(first), high = htons(last);

	load_payload(nl, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(low));
	compare(nl, NFT_CMP_GTE, &low, sizeof(low));
	compare(nl, NFT_CMP_LTE, &high, sizeof(high));
}

static void match_types(struct netlink *nl, uint16_t first, uint16_t last)
{
	const uint8_t low = (uint8_t)first, high = (uint8_t)last;

	load_payload(nl, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(low));
	compare(nl, NFT_CMP_GTE, &low, sizeof(low));
	compare(nl, NFT_CMP_LTE, &high, sizeof(high));
}

static void match(struct netlink *nl, const struct firewall_rule *rule)
{
	const struct address *address = rule->to ? rule->to : rule->from;

	if (rule->in)
		match_interface(nl, NFT_META_IIFNAME, rule->in, false);
	if (rule->out)
		match_interface(nl, NFT_META_OIFNAME, rule->out, rule->out_not);
	if (rule->established)
		match_established(nl);
	if (address)
		match_byte(nl, NFT_META_NFPROTO,
		           address->family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
	if (rule->from)
		match_address(nl, rule->from, false, rule->from_not);
	if (rule->to)
		match_address(nl, rule->to, true, false);
	if (rule->protocol)
		match_byte(nl, NFT_META_L4PROTO, rule->protocol);
	if (rule->protocol == IPPROTO_ICMPV6)
		match_types(nl, rule->first, rule->last);
	else if (rule->protocol && rule->last)
		match_ports(nl, rule->first, rule->last);
	if (rule->resets)
		match_resets(nl);
	if (rule->mark)
		match_mark(nl, rule->mark, rule->mark_not);
}

/* --- What is done with it --- */

static void put_verdict(struct netlink *nl, uint32_t code)
{
	struct expression e = expression_begin(nl, "immediate");
	struct nlattr *data, *verdict;

	put_number(nl, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = netlink_nest(nl, NFTA_IMMEDIATE_DATA);
	verdict = netlink_nest(nl, NFTA_DATA_VERDICT);
	put_number(nl, NFTA_VERDICT_CODE, code);
	netlink_nest_end(nl, verdict);
	netlink_nest_end(nl, data);
	expression_end(nl, e);
}

static void put_reject(struct netlink *nl)
{
	const uint8_t code = NFT_REJECT_ICMPX_ADMIN_PROHIBITED;
	struct expression e = expression_begin(nl, "reject");

	put_number(nl, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
	netlink_put(nl, NFTA_REJECT_ICMP_CODE, &code, sizeof(code));
	expression_end(nl, e);
}

static void put_end(struct netlink *nl, enum firewall_verdict verdict)
{
	switch (verdict) {
	case FIREWALL_ACCEPT:
		put_verdict(nl, NF_ACCEPT);
		break;
	case FIREWALL_DROP:
		put_verdict(nl, NF_DROP);
		break;
	case FIREWALL_REJECT:
		put_reject(nl);
		break;
	case FIREWALL_MASQUERADE:
		expression_end(nl, expression_begin(nl, "masq"));
		break;
	}
}

int firewall_add_rule(struct firewall *firewall, const struct firewall_rule *rule,
                      struct error *err)
{
	struct netlink *nl = firewall->nl;
	struct nlattr *expressions;
	char what[64];

	(void)snprintf(what, sizeof(what), "nftables: add a rule to %s", rule->chain);
	netlink_begin_nft(nl, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, NFPROTO_INET);
	netlink_put_text(nl, NFTA_RULE_TABLE, firewall->table);
	netlink_put_text(nl, NFTA_RULE_CHAIN, rule->chain);
	expressions = netlink_nest(nl, NFTA_RULE_EXPRESSIONS);
	match(nl, rule);
	put_end(nl, rule->verdict);
	netlink_nest_end(nl, expressions);
	return netlink_talk(nl, what, err);
}
