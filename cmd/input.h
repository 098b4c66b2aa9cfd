/* A file, or standard input, that a command reads whole. */
#ifndef LVM_RUN_CMD_INPUT_H
#define LVM_RUN_CMD_INPUT_H

#include <stddef.h>

#include "base/error.h"

/* The name of the input in errors: "-" is "standard input". */
const char *input_name(const char *path);

/* At most 4 MiB; `what` begins the errors ("option --resources"). *ret is the caller's (free). */
int input_read(const char *what, const char *path, char **ret, size_t *ret_size,
               struct error *err) must_check;

#endif
