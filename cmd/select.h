/* Verbs that act on one container, or with --regex on all whose id matches. */
#ifndef LVM_RUN_CMD_SELECT_H
#define LVM_RUN_CMD_SELECT_H

#include "cmd/verbs.h"

typedef int select_function(struct store *store, const char *id, void *context, struct error *err);

/*
 * Calls `function` for the id call->words[0], or for every id that this extended regular expression
 * matches. All are tried; the first error is returned.
 */
int select_each(const struct call *call, bool regex, select_function *function, void *context,
                struct error *err) must_check;

#endif
