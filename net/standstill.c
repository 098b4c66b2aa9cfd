#include "net/standstill.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/macro.h"

/* What is dropped where it leaves counts as not sent yet. */
static const struct firewall_chain chains[] = {
	{.name = "output", .hook = NF_INET_LOCAL_OUT},
	{.name = "input", .hook = NF_INET_LOCAL_IN},
};

int standstill_begin(int netns_fd, enum standstill what, uint32_t mark, struct firewall **ret,
                     struct error *err)
{
	const size_t count = what == STANDSTILL_ALL ? ARRAY_SIZE(chains) : 1;
	scoped_firewall firewall = NULL;
	char table[32];

	/* Others may do the same there at the same time. */
	(void)snprintf(table, sizeof(table), "lvm-run-%s-%d",
	               what == STANDSTILL_ALL ? "all" : "resets", getpid());

	int r = firewall_open(netns_fd, table, FIREWALL_OWNED, &firewall, err);

	for (size_t i = 0; i < count && r == 0; i++) {
		const struct firewall_rule rule = {
			.chain = chains[i].name,
			.protocol = IPPROTO_TCP,
			.resets = what == STANDSTILL_RESETS,
			.mark = mark,
			.mark_not = true,
			.verdict = FIREWALL_DROP,
		};

		r = firewall_add_chain(firewall, &chains[i], err);
		if (r == 0)
			r = firewall_add_rule(firewall, &rule, err);
	}
	if (r < 0)
		return r;
	*ret = firewall;
	firewall = NULL;
	return 0;
}
