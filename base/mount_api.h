/*
 * The mount calls since Linux 5.2, under the names of their man pages: fsopen, fsconfig, fsmount,
 * fspick, open_tree, move_mount, mount_setattr. glibc has them in <sys/mount.h>; for a C library that
 * does not (musl) base/sys.c defines them. Include this header instead of <sys/mount.h>.
 */
#ifndef LVM_RUN_BASE_MOUNT_API_H
#define LVM_RUN_BASE_MOUNT_API_H

#include <sys/mount.h>

#ifndef __GLIBC__

#include <fcntl.h>
#include <linux/mount.h>
#include <stddef.h>

int fsopen(const char *type, unsigned int flags);
int fsconfig(int context, unsigned int command, const char *key, const void *value, int aux);
int fsmount(int context, unsigned int flags, unsigned int attributes);
int fspick(int dirfd, const char *path, unsigned int flags);
int open_tree(int dirfd, const char *path, unsigned int flags);
int move_mount(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned int flags);
int mount_setattr(int dirfd, const char *path, unsigned int flags, struct mount_attr *attr,
                  size_t size);

#endif

#endif
