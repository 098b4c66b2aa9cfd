/*
 * What a caller is told besides the exit status: pid file, console socket, pidfd socket. Host side.
 * The forms are those that conmon, containerd and their kin read.
 */
#ifndef LVM_RUN_RUNTIME_ANNOUNCE_H
#define LVM_RUN_RUNTIME_ANNOUNCE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* The bare number without a newline, put in place by rename. */
int announce_pid(const char *path, pid_t pid, struct error *err) must_check;

/* One descriptor (a pty's master, a pidfd) to the unix stream socket `path`. */
int announce_fd(const char *path, int fd, struct error *err) must_check;

/* The size of a pty; 0 × 0 leaves it alone. */
int announce_resize(int master, uint32_t rows, uint32_t columns, struct error *err) must_check;

#endif
