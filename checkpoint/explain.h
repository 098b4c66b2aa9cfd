/*
 * What CRIU's log says, in words that name the cause and the fix: one table of messages. Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_EXPLAIN_H
#define LVM_RUN_CHECKPOINT_EXPLAIN_H

#include "base/error.h"

/* The cause and the fix for a line of the log; null for a line that the table does not know. */
const char *explain_line(const char *line) must_check;

/*
 * Replaces the text of the filled *err by the first known cause in the log `name` of `work_fd`, else by
 * its first error line, else adds CRIU's own `message` (may be null). Returns −err->code. The log's
 * path is added by who knows where it stays.
 */
int explain_failure(int work_fd, const char *name, const char *message, struct error *err);

#endif
