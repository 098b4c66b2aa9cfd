/*
 * pasta(1) as the way out of a network namespace of a user: it turns what comes out of an interface in
 * there into ordinary sockets of the user out here. It ends with this process.
 */
#ifndef LVM_RUN_SANDBOX_PASTA_H
#define LVM_RUN_SANDBOX_PASTA_H

#include <sys/types.h>

#include "base/error.h"

/* `netns`: a path. Returns when the interface can be used; the error says what pasta said. */
int pasta_start(const char *netns, pid_t *ret, struct error *err) must_check;
void pasta_end(pid_t *pid);

#endif
