/*
 * A private corner of the host: this process gets a mount namespace of its own (a user also a user
 * namespace in which he is root), and there a tmpfs that nobody else sees. All that the sandbox writes
 * goes into it: upper layers, /tmp, the bundle. With the last process of the namespace it is gone,
 * however that process ends, so nothing is left to clean up.
 */
#ifndef LVM_RUN_SANDBOX_SCRATCH_H
#define LVM_RUN_SANDBOX_SCRATCH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"

struct scratch {
	int fd;              /* the directory; −1: none */
	char path[PATH_MAX]; /* absolute */
	bool rootless;       /* a user namespace was made */
	uid_t uid, gid;      /* the caller's, as they were outside */
	unsigned int lowers; /* how many directories are shown on their own */
};

#define SCRATCH_NONE                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}
void scratch_done(struct scratch *scratch);
#define scoped_scratch scoped(scratch_done) struct scratch

/*
 * Changes this process's namespaces and mounts the tmpfs over a directory of the state root
 * `store_fd`. `limit`: bytes that all of it may hold, 0 for the kernel's default (half the memory).
 */
int scratch_make(struct scratch *ret, int store_fd, uint64_t limit, struct error *err) must_check;

/* A directory `name` of `at`, a directory in it; owner and mode as in `like` where that can be had. */
int scratch_directory(const struct scratch *scratch, int at, const char *name,
                      const struct stat *like, struct error *err) must_check;

/* A devpts of its own, mounted on the directory "pts". */
int scratch_devpts(const struct scratch *scratch, struct error *err) must_check;

/* Shows all of the host, read-only with all that is mounted in it, as the directory "rootfs". */
int scratch_host(const struct scratch *scratch, struct error *err) must_check;

/*
 * Shows the directory `path` without the mounts below it, as what is returned; null with *err. Only root may
 * take mounts away from what they cover: −EINVAL for others where there are some.
 */
const char *scratch_bare(struct scratch *scratch, struct arena *arena, const char *path,
                         struct error *err) must_check;

/*
 * Shows it as a file system of its own, read-only: an overlay may then lie over it whose upper directory is
 * in it.
 */
const char *scratch_apart(struct scratch *scratch, struct arena *arena, const char *path,
                          struct error *err) must_check;

#endif
