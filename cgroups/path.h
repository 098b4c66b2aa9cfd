/*
 * linux.cgroupsPath in both its forms, checked: no empty name, no "." and "..". Pure. Host side.
 */
#ifndef LVM_RUN_CGROUPS_PATH_H
#define LVM_RUN_CGROUPS_PATH_H

#include "base/arena.h"
#include "base/error.h"

/*
 * The path below the mount for the cgroupfs driver: an absolute one as it is, a relative one below
 * `base` ("/" for root, the caller's own group else), null: <base>/lvm-run-<id>.
 */
int path_of_group(const char *cgroups_path, const char *base, const char *id, struct arena *arena,
                  const char **ret, struct error *err) must_check;

/* Whether `path` may be the location of a container's group: absolute, checked, and not "/". */
int path_check(const char *path, struct error *err) must_check;

/* "slice:prefix:name" of the systemd driver; null: ":lvm-run:<id>". */
struct unit_path {
	const char *slice; /* "-.slice" for the root slice */
	const char *
		unit; /* "<prefix>-<name>.scope", "<name>.scope" without a prefix, or "<name>.slice" */
	const char *path; /* below the manager's own group: "/a.slice/a-b.slice/<unit>" */
};
int path_of_unit(const char *cgroups_path, const char *default_slice, const char *id,
                 struct arena *arena, struct unit_path *ret, struct error *err) must_check;

/* "/a.slice/a-b.slice" for "a-b.slice", "" for "-.slice". */
int path_of_slice(const char *slice, struct arena *arena, const char **ret,
                  struct error *err) must_check;

#endif
