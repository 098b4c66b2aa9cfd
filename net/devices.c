#include "net/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "net/address.h"
#include "net/link.h"
#include "net/route.h"

/* One interface: how it was on the host, and where it is. */
struct device {
	struct link link;
	struct address_list addresses;
	struct route_list routes;
	const char *wanted;  /* its name in the container, or a template for it */
	char name[IFNAMSIZ]; /* in the container, once it is chosen */
	int index;           /* in the container; 0: it is not there */
};

struct net_devices {
	struct netlink *host;
	struct netlink *inside;
	int host_fd;
	int netns_fd;
	struct device *items;
	size_t count;
};

void net_devices_free(struct net_devices **devices)
{
	struct net_devices *all = *devices;

	if (!all)
		return;
	for (size_t i = 0; i < all->count; i++) {
		address_list_done(&all->items[i].addresses);
		route_list_done(&all->items[i].routes);
	}
	netlink_free(&all->host);
	netlink_free(&all->inside);
	fd_close(&all->host_fd);
	fd_close(&all->netns_fd);
	free(all->items);
	free(all);
	*devices = NULL;
}

/* --- Before anything is moved --- */

static int check_other(const struct net_devices *all, struct error *err)
{
	struct stat host, inside;

	if (fstat(all->host_fd, &host) < 0 || fstat(all->netns_fd, &inside) < 0)
		return error_errno(err, "network namespace");
	if (host.st_dev == inside.st_dev && host.st_ino == inside.st_ino)
		return error_set(err, EINVAL,
		                 "the container's network namespace is the runtime's own");
	return 0;
}

static int open_both(struct net_devices *all, int netns_fd, struct error *err)
{
	int r;

	all->netns_fd = fcntl(netns_fd, F_DUPFD_CLOEXEC, 3);
	all->host_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (all->netns_fd < 0 || all->host_fd < 0)
		return error_errno(err, "network namespace");
	r = check_other(all, err);
	if (r == 0)
		r = netlink_open(-1, &all->host, err);
	return r < 0 ? r : netlink_open(netns_fd, &all->inside, err);
}

static bool is_template(const struct device *device)
{
	return strchr(device->wanted, '%') != NULL;
}

static int choose_name(const struct net_devices *all, struct device *device, struct error *err)
{
	int r = link_choose_name(all->inside, device->wanted, device->name, err);

	return r < 0 ? error_wrap(err, "in the container") : 0;
}

/* What a template stands for is seen when those before it are there. */
static int look(const struct net_devices *all, struct device *device, const char *host,
                struct error *err)
{
	int r = link_find(all->host, host, &device->link, err);

	if (r == 0 && !is_template(device))
		r = choose_name(all, device, err);
	if (r == 0)
		r = address_list(all->host, device->link.index, &device->addresses, err);
	if (r == 0)
		r = route_list(all->host, device->link.index, &device->routes, err);
	return r;
}

/* --- Into the container --- */

/* config-linux.md: those that are permanent and of global scope. */
static bool is_kept(const struct address *address)
{
	return address->flags & IFA_F_PERMANENT && address->scope == RT_SCOPE_UNIVERSE;
}

/* What the kernel finds out by itself is not for us to say. */
static struct address for_adding(const struct address *address)
{
	struct address copy = *address;

	copy.flags &= IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE |
	              IFA_F_MCAUTOJOIN;
	return copy;
}

static int add_addresses(const struct net_devices *all, const struct device *device, int index,
                         struct error *err)
{
	for (size_t i = 0; i < device->addresses.count; i++) {
		struct address address = for_adding(&device->addresses.items[i]);
		int r;

		if (!is_kept(&device->addresses.items[i]))
			continue;
		/* The interface's name, or one that begins with it: neither need be its name now. */
		address.label[0] = '\0';
		r = address_add(all->inside, index, &address, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* It may have left and only been refused its name: then it is in the container under its old one. */
static void find_lost(const struct net_devices *all, struct device *device)
{
	struct error ignored;
	struct link inside;

	if (link_exists(all->host, device->link.name, &ignored) == 0 &&
	    link_find(all->inside, device->link.name, &inside, &ignored) == 0)
		device->index = inside.index;
}

static int move_in(const struct net_devices *all, struct device *device, struct error *err)
{
	struct link inside = {0};
	int r = is_template(device) ? choose_name(all, device, err) : 0;

	if (r == 0) {
		r = link_move(all->host, device->link.index, all->netns_fd, device->name, err);
		if (r < 0)
			find_lost(all, device);
	}
	if (r == 0)
		r = link_find(all->inside, device->name, &inside, err);
	if (r < 0)
		return r;
	device->index = inside.index;
	if (inside.mtu != device->link.mtu)
		r = link_set_mtu(all->inside, inside.index, device->link.mtu, err);
	if (r == 0)
		r = add_addresses(all, device, inside.index, err);
	return r < 0 ? r : link_set_up(all->inside, inside.index, true, err);
}

static int look_at_all(struct net_devices *all, const struct spec_net_device *devices,
                       struct error *err)
{
	for (size_t i = 0; i < all->count; i++) {
		all->items[i].wanted = devices[i].name ? devices[i].name : devices[i].host;
		if (look(all, &all->items[i], devices[i].host, err) < 0)
			return error_wrap(err, "linux.netDevices[\"%s\"]", devices[i].host);
	}
	return 0;
}

/* First those with a name of their own, so that a template takes none of them. */
static int move_all(struct net_devices *all, bool templates, struct error *err)
{
	for (size_t i = 0; i < all->count; i++) {
		struct device *device = &all->items[i];

		if (is_template(device) == templates && move_in(all, device, err) < 0)
			return error_wrap(err, "linux.netDevices[\"%s\"]", device->link.name);
	}
	return 0;
}

int net_devices_move(const struct spec_net_device *devices, size_t count, int netns_fd,
                     struct net_devices **ret, struct error *err)
{
	scoped_net_devices all = calloc(1, sizeof(*all));
	int r;

	if (!all)
		return error_code(err, ENOMEM, "linux.netDevices");
	all->host_fd = all->netns_fd = -1;
	all->items = calloc(count, sizeof(*all->items));
	if (!all->items)
		return error_code(err, ENOMEM, "linux.netDevices");
	all->count = count;
	r = open_both(all, netns_fd, err);
	if (r < 0)
		return error_wrap(err, "linux.netDevices");
	r = look_at_all(all, devices, err);
	if (r == 0)
		r = move_all(all, false, err);
	if (r == 0)
		r = move_all(all, true, err);
	if (r < 0) {
		net_devices_give_back(all);
		return r;
	}
	*ret = all;
	all = NULL;
	return 0;
}

/* --- And back --- */

static void warn(const struct device *device, const struct error *why)
{
	log_write(LOG_LEVEL_WARNING, "network interface %s: not as it was: %s", device->link.name,
	          why->text);
}

/* Those that the kernel makes by itself may be there again, or come. */
static void restore_addresses(const struct net_devices *all, const struct device *device, int index)
{
	struct error why;

	for (size_t i = 0; i < device->addresses.count; i++) {
		struct address address = for_adding(&device->addresses.items[i]);

		if (!(device->addresses.items[i].flags & IFA_F_PERMANENT) ||
		    (address.family == AF_INET6 && address.scope == RT_SCOPE_LINK))
			continue;
		if (address_add(all->host, index, &address, &why) < 0 && why.code != EEXIST)
			warn(device, &why);
	}
}

static void restore_state(const struct net_devices *all, const struct device *device)
{
	struct link link;
	struct error why;
	bool up = device->link.flags & IFF_UP;

	if (link_find(all->host, device->link.name, &link, &why) < 0 ||
	    (device->link.master &&
	     link_set_master(all->host, link.index, device->link.master, &why) < 0)) {
		warn(device, &why);
		return;
	}
	restore_addresses(all, device, link.index);
	if (up && link_set_up(all->host, link.index, true, &why) < 0)
		warn(device, &why);
	for (size_t i = 0; up && i < device->routes.count; i++)
		if (route_add(all->host, link.index, &device->routes.items[i], &why) < 0 &&
		    why.code != EEXIST)
			warn(device, &why);
}

void net_devices_give_back(struct net_devices *devices)
{
	for (size_t i = devices ? devices->count : 0; i > 0; i--) {
		struct device *device = &devices->items[i - 1];
		struct error why;

		if (device->index == 0)
			continue;
		if (link_move(devices->inside, device->index, devices->host_fd, device->link.name,
		              &why) < 0) {
			warn(device, &why);
			continue;
		}
		device->index = 0;
		restore_state(devices, device);
	}
}
