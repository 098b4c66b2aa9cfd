/*
 * Service "resolve": the addresses of a host by the rules of this host (nsswitch.conf(5)), which need
 * libraries loaded at run time. Key "name". The answer: one address each line, in the order to try them.
 */
#ifndef LVM_RUN_HELPER_RESOLVE_H
#define LVM_RUN_HELPER_RESOLVE_H

#include "helper/request.h"

int resolve_name(const struct request *request);

#endif
