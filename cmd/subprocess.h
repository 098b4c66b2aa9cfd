/* Running another program for its output: ps(1), criu(8). No shell, a time limit. */
#ifndef LVM_RUN_CMD_SUBPROCESS_H
#define LVM_RUN_CMD_SUBPROCESS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Runs argv[0], looked up in $PATH, with standard input from /dev/null, and collects what it writes
 * to both its outputs (at most 16 MiB). *ret_status is its exit status, or 128 + signal. −ETIMEDOUT
 * when it did not end in `timeout_ms`: it is killed then.
 */
int subprocess_capture(char *const *argv, int timeout_ms, struct strbuf *ret_output,
                       int *ret_status, struct error *err) must_check;

/* Whether `name` is an executable file in a directory of $PATH or a usual system directory;
 * *ret_path is the caller's (free). */
bool subprocess_find(const char *name, char **ret_path);

#endif
