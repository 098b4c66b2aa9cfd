#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"
#include "sandbox/allow.h"

/* "name|address/length first-last protocol" */
static void describe(const struct allow *allow, char *to, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "";

	if (!allow->name[0])
		(void)inet_ntop(allow->address.family, allow->address.local, address,
		                sizeof(address));
	(void)snprintf(to, size, "%s%s/%u %u-%u %u", allow->name, address, allow->address.prefix,
	               allow->first, allow->last, allow->protocol);
}

static void wishes_are_understood(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"crates.io", "crates.io/0 0-0 0"},
		{"crates.io:443", "crates.io/0 443-443 0"},
		{"crates.io./tcp", "crates.io./0 0-0 6"},
		{"a_b-c.d:1-65535/udp", "a_b-c.d/0 1-65535 17"},
		{"8.8.8.8", "8.8.8.8/32 0-0 0"},
		{"8.8.8.8:53/udp", "8.8.8.8/32 53-53 17"},
		{"10.1.2.3/16:80/tcp", "10.1.0.0/16 80-80 6"},
		{"0.0.0.0/0:443", "0.0.0.0/0 443-443 0"},
		{"2606:4700::1", "2606:4700::1/128 0-0 0"},
		{"[2606:4700::1]", "2606:4700::1/128 0-0 0"},
		{"[2606:4700::1]:443/tcp", "2606:4700::1/128 443-443 6"},
		{"[fd00::1/8]:22", "fd00::/8 22-22 0"},
		{"fd00::1/9", "fd00::/9 0-0 0"},
		{"[::ffff:10.0.0.1]:80", "10.0.0.1/32 80-80 0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		struct allow allow;
		char text[400];

		assert_int_equal(allow_parse(cases[i].text, &allow, &err), 0);
		describe(&allow, text, sizeof(text));
		assert_string_equal(text, cases[i].want);
	}
}

static void nonsense_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		":80",
		"/tcp",
		"host:",
		"host:0",
		"host:65536",
		"host:80-79",
		"host:80-",
		"host:-80",
		"host:80/sctp",
		"host/tcp/udp",
		"ho st",
		"host\n10.0.0.1 other",
		"-host",
		"a..b",
		"a.-b",
		".host",
		"10.1",
		"0x7f000001",
		"2130706433",
		"8.8.8.8.8",
		"8.8.8.8/33",
		"[::1",
		"[8.8.8.8]x80",
		"[2606:4700::1]443",
		"2606:4700::g",
		"fe80::1%eth0",
		"127.0.0.1:80",
		"127.3.0.0/16",
		"0.0.0.0:80",
		"[::1]:80",
		"::ffff:127.0.0.1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = {0};
		struct allow allow = {.first = 7};

		if (allow_parse(bad[i], &allow, &err) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(allow.first, 7);
		assert_non_null(strchr(err.text, '\''));
	}
}

static void names_have_a_largest_length(void **state)
{
	struct error err = {0};
	struct allow allow;
	char name[400];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[253] = '\0';
	assert_int_equal(allow_parse(name, &allow, &err), 0);
	name[253] = 'a';
	name[254] = '\0';
	assert_int_equal(allow_parse(name, &allow, &err), -EINVAL);
	/* The dot at the end of a whole name counts too. */
	name[253] = '.';
	assert_int_equal(allow_parse(name, &allow, &err), -EINVAL);
	name[253] = name[254] = 'a';
	name[399] = '\0';
	assert_int_equal(allow_parse(name, &allow, &err), -EINVAL);
}

static void networks_without_public_hosts_are_known(void **state)
{
	static const struct {
		const char *address, *what;
	} cases[] = {
		{"0.1.2.3", "this network"},
		{"10.255.255.255", "private"},
		{"11.0.0.0", NULL},
		{"9.255.255.255", NULL},
		{"100.64.0.1", "shared by a carrier"},
		{"100.127.255.255", "shared by a carrier"},
		{"100.128.0.0", NULL},
		{"127.0.0.53", "loopback"},
		{"169.254.169.254", "link-local"},
		{"169.253.0.1", NULL},
		{"172.15.255.255", NULL},
		{"172.16.0.0", "private"},
		{"172.31.255.255", "private"},
		{"172.32.0.0", NULL},
		{"192.0.0.8", "reserved"},
		{"192.0.1.1", NULL},
		{"192.168.0.1", "private"},
		{"192.169.0.1", NULL},
		{"198.19.255.255", "benchmarking"},
		{"198.20.0.0", NULL},
		{"224.0.0.1", "multicast"},
		{"255.255.255.255", "reserved"},
		{"8.8.8.8", NULL},
		{"::", "unspecified"},
		{"::1", "loopback"},
		{"::7f00:1", "unspecified"},
		{"::ffff:10.0.0.1", "an IPv4 address in disguise"},
		{"64:ff9b::a9fe:a9fe", "an IPv4 address in disguise"},
		{"2001:0:1::1", "an IPv4 address in disguise"},
		{"2002:a00:1::", "an IPv4 address in disguise"},
		{"2001:db8::1", "documentation"},
		{"2606:4700::1", NULL},
		{"fbff::1", NULL},
		{"fc00::1", "private"},
		{"fd00:ec2::254", "private"},
		{"fe80::1", "link-local"},
		{"fec0::1", "private"},
		{"ff02::1", "multicast"},
		{"10.0.0.0/8", "private"},
		{"10.0.0.0/7", NULL},
		{"0.0.0.0/0", NULL},
		{"fe80::/64", "link-local"},
		{"::/0", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct allow_network *found;
		struct address address;

		assert_int_equal(address_parse(cases[i].address, &address), 0);
		found = allow_find_network(&address);
		if (!cases[i].what != !found || (found && strcmp(found->what, cases[i].what) != 0))
			fail_msg("%s: %s", cases[i].address, found ? found->what : "public");
	}
}

static void every_network_can_be_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < allow_network_count; i++) {
		struct address address;

		assert_int_equal(address_parse(allow_networks[i].text, &address), 0);
		assert_non_null(allow_find_network(&address));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wishes_are_understood),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(names_have_a_largest_length),
		cmocka_unit_test(networks_without_public_hosts_are_known),
		cmocka_unit_test(every_network_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
