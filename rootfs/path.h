/*
 * Look-ups inside a root that somebody else controls: by openat2(2) on the root's fd, never by joined
 * strings. Either side.
 */
#ifndef LVM_RUN_ROOTFS_PATH_H
#define LVM_RUN_ROOTFS_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Makes an absolute or relative path plain, in place: no leading, trailing or doubled slash, no "."
 * and no ".." (which goes up in the text, and not above the root). "/" becomes "".
 */
void path_clean(char *path);

/*
 * openat2 below `root_fd` with RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS, O_CLOEXEC added. "" means the
 * root itself. −errno with the error naming the path.
 */
int path_open(int root_fd, const char *path, uint64_t flags, mode_t mode,
              struct error *err) must_check;

/*
 * The same without the error, with more RESOLVE_… flags: for callers to whom a failure is an answer.
 * −errno.
 */
int path_try_open(int root_fd, const char *path, uint64_t flags, uint64_t resolve) must_check;

/*
 * Opens the directory `path` below `root_fd`, making what is missing with `mode`: component by
 * component, mkdirat, no link followed out of the root. Links inside the root are followed, those
 * too whose target must be made. O_PATH fd or −errno.
 */
int path_open_made_dir(int root_fd, const char *path, mode_t mode, struct error *err) must_check;

/*
 * The same for a regular, empty file whose parents are made too (a mount point for a file). What
 * exists there and is no directory is opened as it is. O_PATH fd or −errno.
 */
int path_open_made_file(int root_fd, const char *path, mode_t mode, struct error *err) must_check;

/* Both in one; sets *linked when a link was followed on the way, else leaves it alone. */
int path_open_made(int root_fd, const char *path, mode_t mode, bool file, bool *linked,
                   struct error *err) must_check;

#endif
