/*
 * linux.netDevices: moves interfaces of the runtime's network namespace into that of a container
 * (config-linux.md "Network Devices").
 *
 *	scoped_net_devices devices = NULL;
 *	net_devices_move(spec->linux.net_devices, count, netns_fd, &devices, &err);
 *	…                                       the rest of create
 *	net_devices_give_back(devices);         only if that fails, while the namespace still lives
 *
 * An interface keeps its permanent addresses of global scope, its MTU and its hardware address, gets its
 * name and is set up. It is never moved back from a container that was created. Host side.
 */
#ifndef LVM_RUN_NET_DEVICES_H
#define LVM_RUN_NET_DEVICES_H

#include "base/error.h"
#include "spec/spec.h"

struct net_devices;
void net_devices_free(struct net_devices **devices);
#define scoped_net_devices scoped(net_devices_free) struct net_devices *

/*
 * All of them or none: whatever can be refused is refused before the first one leaves, and what fails
 * later gives back those that have left.
 */
int net_devices_move(const struct spec_net_device *devices, size_t count, int netns_fd,
                     struct net_devices **ret, struct error *err) must_check;

/*
 * Back to where they came from, as they were: name, addresses, the routes that somebody had set, bridge,
 * up or down. What fails is logged. Null: nothing to do.
 */
void net_devices_give_back(struct net_devices *devices);

#endif
