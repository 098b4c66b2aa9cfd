/* Names of users as the C library knows them (nsswitch.conf(5)): the service user-name. */
#ifndef LVM_RUN_HELPER_USER_NAME_H
#define LVM_RUN_HELPER_USER_NAME_H

#include "helper/request.h"

/* "uid=NUMBER"; answers "name=TEXT", or the error ENOENT. Returns the exit status. */
int user_name(const struct request *request);

#endif
