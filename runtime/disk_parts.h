/* Private to the disk files: the pieces of opening one. Host side. */
#ifndef LVM_RUN_RUNTIME_DISK_PARTS_H
#define LVM_RUN_RUNTIME_DISK_PARTS_H

#include "base/names.h"
#include "runtime/disk.h"

#define DISK_RECORD_NAME "disk.json"

/* Where in the store the disks of a kind are. */
extern const char *const disk_kind_names[];

/*
 * Opens the store and the directory, and locks the latter (`operation` of flock(2)); the record is not read. What
 * was opened stays in *disk on failure, too. −ENOENT, −EWOULDBLOCK without *err.
 */
int disk_open_locked(struct disk *disk, const char *path, int operation,
                     struct error *err) must_check;

/* Of an open disk; −ENOENT without *err: it has none. */
int disk_read_record(int fd, struct arena *arena, struct disk_record *ret,
                     struct error *err) must_check;

/* The names in a directory of the store; none when there is no such directory. */
int disk_list_names(int store_fd, const char *folder, struct names *ret,
                    struct error *err) must_check;

#endif
