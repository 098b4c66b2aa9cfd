/*
 * The programs of shadow-utils that know what this one must not or cannot: newuidmap, newgidmap, getsubids.
 * Host side.
 */
#ifndef LVM_RUN_NAMESPACES_TOOL_H
#define LVM_RUN_NAMESPACES_TOOL_H

#include <stddef.h>

#include "base/error.h"

/*
 * Runs `argv` (looked up in PATH, ends with null) and waits for it. The beginning of what it writes to standard
 * output and error comes into `said`, a string; *ret_status is as of waitpid(2). −ENOENT: it is not there.
 */
int tool_run(char **argv, char *said, size_t size, int *ret_status, struct error *err) must_check;

#endif
