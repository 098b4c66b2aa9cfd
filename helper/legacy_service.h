/* The services legacy-create, legacy-set and legacy-remove: requests as cgroups/legacy.h writes them. */
#ifndef LVM_RUN_HELPER_LEGACY_SERVICE_H
#define LVM_RUN_HELPER_LEGACY_SERVICE_H

#include "helper/request.h"

/* Whether the library is there, for `doctor`. */
int legacy_check(const struct request *request);

/* Each answers, and returns the exit status. */
int legacy_create(const struct request *request);
int legacy_set(const struct request *request);
int legacy_remove(const struct request *request);

#endif
