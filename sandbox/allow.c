#include "sandbox/allow.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"

/* --- Networks (the IANA registries of special-purpose addresses) --- */

const struct allow_network allow_networks[] = {
	{"this network", "0.0.0.0/8"},
	{"private", "10.0.0.0/8"},
	{"shared by a carrier", "100.64.0.0/10"},
	{"loopback", "127.0.0.0/8"},
	{"link-local", "169.254.0.0/16"}, /* also where clouds answer for machines */
	{"private", "172.16.0.0/12"},
	{"reserved", "192.0.0.0/24"},
	{"documentation", "192.0.2.0/24"},
	{"private", "192.168.0.0/16"},
	{"benchmarking", "198.18.0.0/15"},
	{"documentation", "198.51.100.0/24"},
	{"documentation", "203.0.113.0/24"},
	{"multicast", "224.0.0.0/4"},
	{"reserved", "240.0.0.0/4"},
	{"loopback", "::1/128"},
	{"unspecified", "::/96"},
	{"an IPv4 address in disguise", "::ffff:0:0/96"},
	{"an IPv4 address in disguise", "64:ff9b::/96"},
	{"an IPv4 address in disguise", "64:ff9b:1::/48"},
	{"reserved", "100::/64"},
	{"an IPv4 address in disguise", "2001::/32"},
	{"documentation", "2001:db8::/32"},
	{"an IPv4 address in disguise", "2002::/16"},
	{"documentation", "3fff::/20"},
	{"private", "fc00::/7"},
	{"link-local", "fe80::/10"},
	{"private", "fec0::/10"},
	{"multicast", "ff00::/8"},
};
const size_t allow_network_count = ARRAY_SIZE(allow_networks);

/* What of the byte at `index` belongs to the prefix. */
static uint8_t prefix_bits(const struct address *range, size_t index)
{
	const int left = range->prefix - (int)index * 8;
	const unsigned int kept = left >= 8 ? 8 : left <= 0 ? 0 : (unsigned int)left;

	return (uint8_t)((0xffU << (8 - kept)) & 0xffU);
}

static bool lies_in(const struct address *range, const struct address *network)
{
	if (range->family != network->family || range->prefix < network->prefix)
		return false;
	for (size_t i = 0; i < address_size(range->family); i++)
		if ((range->local[i] ^ network->local[i]) & prefix_bits(network, i))
			return false;
	return true;
}

const struct allow_network *allow_find_network(const struct address *range)
{
	for (size_t i = 0; i < ARRAY_SIZE(allow_networks); i++) {
		struct address network;

		if (address_parse(allow_networks[i].text, &network) == 0 &&
		    lies_in(range, &network))
			return &allow_networks[i];
	}
	return NULL;
}

void allow_unmap(struct address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (address->family != AF_INET6 || address->prefix < 96 ||
	    memcmp(address->local, mapped, sizeof(mapped)) != 0)
		return;
	memmove(address->local, address->local + sizeof(mapped), 4);
	memset(address->local + 4, 0, sizeof(address->local) - 4);
	address->family = AF_INET;
	address->prefix = (uint8_t)(address->prefix - 96);
}

/* --- Parts of the text --- */

static int refuse(const char *text, const char *why, struct error *err)
{
	return error_set(err, EINVAL, "'%.300s': %s", text, why);
}

/* The text from `at` on: "PORT" or "PORT-PORT". */
static int parse_ports(const char *at, struct allow *allow)
{
	const char *dash = strchr(at, '-');
	int first = 0, last = 0;
	char number[8] = "";
	size_t length = dash ? (size_t)(dash - at) : strlen(at);

	if (length >= sizeof(number))
		return -EINVAL;
	memcpy(number, at, length);
	if (parse_int(number, 1, UINT16_MAX, &first) < 0)
		return -EINVAL;
	last = first;
	if (dash && parse_int(dash + 1, first, UINT16_MAX, &last) < 0)
		return -EINVAL;
	allow->first = (uint16_t)first;
	allow->last = (uint16_t)last;
	return 0;
}

/* Labels of letters, digits, '-' and '_' (RFC 1123, and what is in use), the last not a number. */
static bool is_name(const char *text)
{
	const char *label = text;
	size_t length = strlen(text);

	if (length >= ALLOW_NAME_SIZE)
		return false;
	if (length > 0 && text[length - 1] == '.')
		length--;
	if (length == 0)
		return false;
	for (const char *c = text; c < text + length; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';

		if (!letter && !(*c >= '0' && *c <= '9') && *c != '.' && *c != '-')
			return false;
		if (*c == '-' && c == label)
			return false;
		if (*c == '.' && c == label)
			return false;
		if (*c == '.')
			label = c + 1;
	}
	/* "10.1", "0x7f.1", "2130706433": old spellings of addresses. */
	return !(*label >= '0' && *label <= '9');
}

static void clear_host_bits(struct address *range)
{
	for (size_t i = 0; i < sizeof(range->local); i++)
		range->local[i] &= prefix_bits(range, i);
}

static int parse_host(const char *text, const char *host, struct allow *allow, struct error *err)
{
	const struct allow_network *network = NULL;

	if (address_parse(host, &allow->address) == 0) {
		clear_host_bits(&allow->address);
		allow_unmap(&allow->address);
		network = allow_find_network(&allow->address);
		if (network && (str_equal(network->what, "loopback") ||
		                str_equal(network->what, "this network")))
			return refuse(text,
			              "this host's loopback cannot be reached: the sandbox has "
			              "its own",
			              err);
		return 0;
	}
	if (!is_name(host))
		return refuse(text,
		              "neither the name of a host nor an address nor a range of "
		              "addresses; expected HOST[:PORT[-PORT]][/tcp|/udp]",
		              err);
	memcpy(allow->name, host, strlen(host) + 1);
	return 0;
}

/* Cuts "/tcp" or "/udp" off. */
static uint8_t take_protocol(char *text)
{
	static const struct {
		const char *suffix;
		uint8_t protocol;
	} protocols[] = {{"/tcp", IPPROTO_TCP}, {"/udp", IPPROTO_UDP}};

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (str_ends(text, protocols[i].suffix)) {
			text[strlen(text) - strlen(protocols[i].suffix)] = '\0';
			return protocols[i].protocol;
		}
	}
	return 0;
}

/* Cuts the port off: what follows the brackets, or the only colon. Null: there is none. */
static const char *take_ports(char *text, char **ret_host)
{
	char *colon = strchr(text, ':');
	char *end = text[0] == '[' ? strchr(text, ']') : NULL;

	*ret_host = text;
	if (end) {
		*ret_host = text + 1;
		*end = '\0';
		/* Something else behind the bracket is an empty port, which there is none. */
		return end[1] == ':' ? end + 2 : end[1] ? end : NULL;
	}
	if (!colon || strchr(colon + 1, ':'))
		return NULL;
	*colon = '\0';
	return colon + 1;
}

int allow_parse(const char *text, struct allow *ret, struct error *err)
{
	struct allow allow = {0};
	char copy[ALLOW_NAME_SIZE + 32] = "";
	char *host = NULL;
	const char *ports = NULL;

	if (strlen(text) >= sizeof(copy))
		return refuse(text, "too long", err);
	(void)snprintf(copy, sizeof(copy), "%s", text);
	allow.protocol = take_protocol(copy);
	ports = take_ports(copy, &host);
	if (ports && parse_ports(ports, &allow) < 0)
		return refuse(text, "not a port or a range of ports (1-65535)", err);

	int r = parse_host(text, host, &allow, err);

	if (r == 0)
		*ret = allow;
	return r;
}
