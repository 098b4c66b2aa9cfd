/* Host name and domain name inside a UTS namespace (uts_namespaces(7)). Child side. */
#ifndef LVM_RUN_NAMESPACES_UTS_H
#define LVM_RUN_NAMESPACES_UTS_H

#include "base/error.h"

/* Sets what is not null. */
int uts_enter(const char *hostname, const char *domainname, struct error *err) must_check;

#endif
