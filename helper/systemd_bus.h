/* Transient units over D-Bus: the services systemd-start and systemd-stop (cgroups/scope.h). */
#ifndef LVM_RUN_HELPER_SYSTEMD_BUS_H
#define LVM_RUN_HELPER_SYSTEMD_BUS_H

#include "helper/request.h"

/* Each answers, and returns the exit status. */
int systemd_start(const struct request *request);
/* Changes the unit's properties until it ends; answers when systemd has written the values. */
int systemd_set(const struct request *request);
int systemd_stop(const struct request *request);

#endif
