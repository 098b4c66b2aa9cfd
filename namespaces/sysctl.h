/*
 * Namespaced kernel parameters (sysctl(8) names, linux.sysctl). /proc/sys shows the namespaces of the
 * process that opens it, so the child writes through the host's own /proc. Child side.
 */
#ifndef LVM_RUN_NAMESPACES_SYSCTL_H
#define LVM_RUN_NAMESPACES_SYSCTL_H

#include <stddef.h>

#include "base/error.h"
#include "spec/spec.h"

/*
 * Writes each value; `proc_fd` is the host's /proc, opened before init was made. Names use dots or
 * slashes as sysctl(8) does ("net.ipv4.conf.eth0/1.forwarding"). The caller has validated that they
 * are namespaced (spec_validate).
 */
int sysctl_enter(int proc_fd, const struct spec_annotation *values, size_t count,
                 struct error *err) must_check;

/* Where a parameter is, below /proc. Either side. */
enum { SYSCTL_PATH_SIZE = 512 };
int sysctl_path(const char *name, char path[static SYSCTL_PATH_SIZE], struct error *err) must_check;

#endif
