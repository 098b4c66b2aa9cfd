/* The loopback interface of a new network namespace. Child side. */
#ifndef LVM_RUN_NET_LOOPBACK_H
#define LVM_RUN_NET_LOOPBACK_H

#include "base/error.h"

/* Brings "lo" up (netdevice(7)); its addresses come with it. */
int loopback_enter_up(struct error *err) must_check;

#endif
