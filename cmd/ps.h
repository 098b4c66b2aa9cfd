/* The part of ps(1)'s output that concerns a container. */
#ifndef LVM_RUN_CMD_PS_H
#define LVM_RUN_CMD_PS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"

/*
 * Appends the heading of `table` and the lines whose column PID holds one of `pids`. −EINVAL when
 * there is no such column.
 */
int ps_filter(const char *table, const pid_t *pids, size_t count, struct strbuf *ret) must_check;

#endif
