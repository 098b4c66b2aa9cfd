/*
 * Groups in cgroup v1 hierarchies, through libcgroup: the door to that library.
 *
 * It is loaded by the service that needs it, under whichever name the system has (versions 2 and 3 differ in
 * nothing that is called here), so that the helper starts without it for systemd. Neither its configuration
 * files nor its daemon play a part, and it never moves a process.
 *
 * A group is a controller, which stands for its hierarchy, and an absolute path below the mount. Functions
 * return 0 or −errno.
 */
#ifndef LVM_RUN_HELPER_LEGACY_CGROUP_H
#define LVM_RUN_HELPER_LEGACY_CGROUP_H

#include <stddef.h>

#include "base/macro.h"

struct library;
void legacy_unload(struct library **lib);

/* First of all. On failure *ret_why says what is wrong; it stays valid. */
int legacy_load(struct library **ret, const char **ret_why) must_check;

/* Where the library finds the controller's hierarchy (free). */
int legacy_mount_point(const struct library *lib, const char *controller, char **ret) must_check;

/* Makes the group, whose parent exists; one that is there already is left as it is. */
int legacy_make(const struct library *lib, const char *controller, const char *path) must_check;
/* −EBUSY when groups or processes are left in it; success when it is not there. */
int legacy_remove_group(const struct library *lib, const char *controller,
                        const char *path) must_check;
/* The same with all groups below. */
int legacy_remove_tree(const struct library *lib, const char *controller,
                       const char *path) must_check;

/* The number of processes that live right in the group. */
int legacy_count_processes(const struct library *lib, const char *controller,
                           const char *path) must_check;

/* Each line of `value` is one write(2). −ENOENT: the group has no such file. */
int legacy_write(const struct library *lib, const char *controller, const char *path,
                 const char *file, const char *value) must_check;
/* The first line of a file, without the newline. */
int legacy_read(const struct library *lib, const char *controller, const char *path,
                const char *file, char *ret, size_t size) must_check;

#endif
