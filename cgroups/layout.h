/*
 * Where the hierarchies are mounted. Finding the v2 hierarchy costs one statfs(2) on a unified host and
 * two on a hybrid one; only elsewhere is /proc/self/mountinfo read. Host side.
 */
#ifndef LVM_RUN_CGROUPS_LAYOUT_H
#define LVM_RUN_CGROUPS_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum { LAYOUT_PATH_SIZE = 256 };

/* The mount point of the v2 hierarchy; −ENODEV with *err when there is none. */
int layout_find_unified(char ret[static LAYOUT_PATH_SIZE], struct error *err) must_check;

/*
 * The first mount of `type` whose super options hold `option` (null: any): 1, 0 when there is none,
 * −errno. A mount of the whole is preferred to that of a part of it.
 */
int layout_find_mount(const char *type, const char *option, char *ret, size_t size,
                      struct error *err) must_check;

/* Whether `fd` lies in a cgroup v2 file system. */
bool layout_is_unified(int fd);

/*
 * Fills *err with why the `controller` is not to be had in the v2 hierarchy at `mount`, where it is
 * bound, and what to do: "the memory controller is bound to cgroup v1 at …, and `why_not`". Returns −ENOTSUP.
 */
int layout_explain_missing(const char *mount, const char *controller, const char *why_not,
                           struct error *err);

/* The hierarchies of cgroup v1, each where it is mounted first. */
enum { LAYOUT_LEGACY_MAX = 16 };
struct layout_legacy {
	struct {
		const char *controllers; /* "cpu,cpuacct" */
		const char *mount;
	} items[LAYOUT_LEGACY_MAX];
	size_t count;
};
/* Strings lie in the arena. Mounts whose names would have to be escaped are left out. */
int layout_read_legacy(struct arena *arena, struct layout_legacy *ret,
                       struct error *err) must_check;

/* The v2 path of this process ("0::" of /proc/self/cgroup), or of `pid` when it is not 0. */
int layout_own_group(long pid, char *ret, size_t size, struct error *err) must_check;

#endif
