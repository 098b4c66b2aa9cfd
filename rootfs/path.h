/*
 * Look-ups inside a root that somebody else controls: by openat2(2) on the root's fd, never by joined
 * strings. Either side.
 */
#ifndef LVM_RUN_ROOTFS_PATH_H
#define LVM_RUN_ROOTFS_PATH_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* openat2 below `root_fd` with RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS, O_CLOEXEC added; −errno with
 * the error naming the path. */
int path_open(int root_fd, const char *path, uint64_t flags, mode_t mode,
              struct error *err) must_check;

/*
 * Opens the directory `path` below `root_fd`, making what is missing with `mode`: component by
 * component, mkdirat, no link followed out of the root. O_PATH fd or −errno.
 */
int path_open_made_dir(int root_fd, const char *path, mode_t mode, struct error *err) must_check;

/* The same for a regular, empty file whose parents are made too (a mount point for a file). */
int path_open_made_file(int root_fd, const char *path, mode_t mode, struct error *err) must_check;

#endif
