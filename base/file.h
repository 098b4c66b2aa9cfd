/*
 * Whole small files, relative to a directory fd. Host side unless said otherwise.
 */
#ifndef LVM_RUN_BASE_FILE_H
#define LVM_RUN_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Reads the regular file `path` below `dirfd` (AT_FDCWD for a host path): opened non-blocking,
 * checked to be regular by fd, at most `limit` bytes (EFBIG beyond). *ret is NUL-terminated, owned by
 * the caller (free); *ret_size may be null. The error names the path.
 */
int file_read(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_size,
              struct error *err) must_check;

/*
 * Reads a small kernel file (procfs, sysfs, cgroupfs) into `buffer`, NUL-terminated, one trailing
 * newline removed. The length, or −errno with the error naming the path. Either side.
 */
ssize_t file_read_kernel(int dirfd, const char *path, char *buffer, size_t size,
                         struct error *err) must_check;

/* Writes `text` with a single write(2) to an existing kernel file. Either side. */
int file_write_kernel(int dirfd, const char *path, const char *text, struct error *err) must_check;

/*
 * Creates or replaces `name` in the directory `dirfd` so that a reader sees the old or the new
 * content whole: a temporary file beside it, then rename. No fsync: the state root lives in memory.
 */
int file_write_atomic(int dirfd, const char *name, unsigned int mode, const void *data, size_t size,
                      struct error *err) must_check;

/*
 * The same so that nothing is ever left half-done, not by SIGKILL either: the file gets its name when
 * it is whole. While an old one is replaced there is none for a moment.
 */
int file_write_whole(int dirfd, const char *name, unsigned int mode, const void *data, size_t size,
                     struct error *err) must_check;

#endif
