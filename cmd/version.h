/* Who this program is: texts fixed when it was built. */
#ifndef LVM_RUN_CMD_VERSION_H
#define LVM_RUN_CMD_VERSION_H

#include "base/error.h"

extern const char version_number[]; /* "0.1.0" */
extern const char version_commit[]; /* as git describes it */

/*
 * "PROGRAM version X", "commit: …", "spec: …" and the words of what is built in, as engines and
 * scripts look for them. The exit status, or −errno.
 */
int version_print(const char *program, struct error *err) must_check;

#endif
