/*
 * The helper program, lvm-run-helper: what a static program cannot hold (D-Bus, name resolution
 * through NSS, v1 groups through their library). It is started only when it is needed.
 *
 * A conversation is one request on its standard input and one answer on its standard output, both
 * text. The first line of a request is the service ("systemd-start"), each further line "key=value"; bytes
 * below 0x20, 0x7f and '%' in a value are written %XX (helper_add does it). The answer is "ok" and
 * further lines, or "error <errno> <text>"; whatever else comes is the program's complaint. Which keys a
 * service takes stands with the module that asks for it and in helper/<service>.c.
 *
 * Where the program is: the environment's LVM_RUN_HELPER (for tests and for use from a build folder; not
 * when setuid), else LVM_RUN_LIBEXECDIR, else the folder that lvm-run was started from, if that can be
 * told. Host side.
 */
#ifndef LVM_RUN_BASE_HELPER_H
#define LVM_RUN_BASE_HELPER_H

#include "base/error.h"
#include "base/str.h"

enum { HELPER_TIMEOUT_MS = 5000, HELPER_ANSWER_LIMIT = 1024 * 1024 };

/*
 * Where another program of ours is (free): named by `variable` of the environment, else installed, else beside this
 * one, as above.
 */
int helper_find(const char *name, const char *variable, char **ret, struct error *err) must_check;

/* Adds the line "key=value", encoded. */
void helper_add(struct strbuf *request, const char *key, const char *value);

/*
 * Starts the helper with an environment of its own and no descriptors but its standard ones, sends
 * the request and reads the answer, all within `timeout_ms`; then it is ended. *ret is what follows "ok"
 * (free; may be null). −ETIMEDOUT, the errno of an "error" answer, −ENOENT when there is no helper.
 */
int helper_ask(const char *request, int timeout_ms, char **ret, struct error *err) must_check;

#endif
