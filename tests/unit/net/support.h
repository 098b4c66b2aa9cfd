/* What the tests of net/ share: a network namespace of their own, and interfaces in it. */
#ifndef LVM_RUN_TESTS_UNIT_NET_SUPPORT_H
#define LVM_RUN_TESTS_UNIT_NET_SUPPORT_H

#include <linux/rtnetlink.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/str.h"
#include "net/link.h"
#include "net/netlink.h"
#include "tests/support/child.h"

/* For children, which have an `err`: fails the test with what the error says. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			return complain("line %d: %s", __LINE__, err.text);                        \
	} while (0)
#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return complain("line %d: not so: %s", __LINE__, #condition);              \
	} while (0)

maybe_unused static const char *in_new_network(void *data)
{
	child_function **function = data;

	if (unshare(CLONE_NEWNET) < 0)
		return "unshare";
	return (*function)(NULL);
}

/* A user namespace has all rights over the network namespaces that it makes. */
maybe_unused static void run_in_network(child_function *function)
{
	run_in_user_namespace(in_new_network, &function);
}

maybe_unused static const char *probe_veth(void *data)
{
	bool *there = *(bool **)data;
	scoped_netlink nl = NULL;
	struct error err = {0};

	if (unshare(CLONE_NEWNET) < 0 || netlink_open(-1, &nl, &err) < 0)
		return "netlink";
	*there = link_add_veth(nl, "p0", "p1", -1, &err) == 0;
	return NULL;
}

maybe_unused static void need_veth(void)
{
	bool *there = mmap(NULL, sizeof(*there), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                   -1, 0);

	assert_true(there != MAP_FAILED);
	run_in_user_namespace(probe_veth, &there);
	if (!*there) {
		print_message("SKIP this kernel has no veth interfaces\n");
		skip();
	}
	(void)munmap(there, sizeof(*there));
}

/* A new namespace for the process; *ret is that which it has left. */
maybe_unused static int leave_network(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return unshare(CLONE_NEWNET) < 0 ? -1 : fd;
}

/* --- What only tests do with interfaces --- */

maybe_unused static int make_link(struct netlink *nl, const char *name, const char *kind,
                                  struct error *err)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct nlattr *info;

	netlink_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	netlink_put_text(nl, IFLA_IFNAME, name);
	info = netlink_nest(nl, IFLA_LINKINFO);
	netlink_put_text(nl, IFLA_INFO_KIND, kind);
	netlink_nest_end(nl, info);
	return netlink_talk(nl, "make an interface", err);
}

maybe_unused static int rename_link(struct netlink *nl, int index, const char *name,
                                    struct error *err)
{
	const struct ifinfomsg header = {.ifi_family = AF_UNSPEC, .ifi_index = index};

	netlink_begin(nl, RTM_NEWLINK, 0, &header, sizeof(header));
	netlink_put_text(nl, IFLA_IFNAME, name);
	return netlink_talk(nl, "rename an interface", err);
}

#endif
