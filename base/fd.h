/*
 * File descriptors: born close-on-exec in a scoped_fd, closed exactly once, handed over by fd_take.
 * All functions may run on either side.
 */
#ifndef LVM_RUN_BASE_FD_H
#define LVM_RUN_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Closes *fd if it is open (≥ 0), keeps errno, leaves −1 behind. */
void fd_close(int *fd);
#define scoped_fd scoped(fd_close) int

/* Moves the descriptor out of its variable, which becomes −1. */
int fd_take(int *fd) must_check;

/* Room for "/proc/self/fd/N". */
enum { FD_PATH_SIZE = 32 };

/* Writes "/proc/self/fd/N" for the kernel interfaces that take only paths; returns `buffer`. */
char *fd_path(int fd, char buffer[static FD_PATH_SIZE]);

/*
 * open(2) of what is there. By openat(2): musl sets O_CLOEXEC once more after open(2), a system call that the
 * hot path can do without.
 */
int fd_open(const char *path, int flags) must_check;

/* Writes all of `data`, repeating after EINTR and short writes; −errno, err untouched. */
int fd_write_all(int fd, const void *data, size_t size) must_check;

/* Reads until `size` bytes or end of file; the count, or −errno. */
ssize_t fd_read_all(int fd, void *data, size_t size) must_check;

/* Sets or clears FD_CLOEXEC; −errno on failure. */
int fd_set_cloexec(int fd, bool on) must_check;

/*
 * Opens /dev/null where a caller left one of 0, 1 and 2 closed: what is opened later must not become
 * somebody's standard stream. −errno on failure. Before anything else is opened.
 */
int fd_fill_standard(void) must_check;

/* Marks every descriptor from `first` on close-on-exec (close_range(2)); −errno on failure. */
int fd_cloexec_from(unsigned int first) must_check;

#endif
