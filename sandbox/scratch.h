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

#include "base/error.h"

struct scratch {
	int fd;              /* the directory; −1: none */
	char path[PATH_MAX]; /* absolute */
	bool rootless;       /* a user namespace was made */
	uid_t uid, gid;      /* the caller's, as they were outside */
	unsigned int layers; /* how many overlays have their directories */
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

/* A directory in it; owner and mode as in `like` where that can be had. */
int scratch_directory(const struct scratch *scratch, const char *name, const struct stat *like,
                      struct error *err) must_check;

/* A devpts of its own, mounted on the directory "pts". */
int scratch_devpts(const struct scratch *scratch, struct error *err) must_check;

/*
 * The directories of one more overlay over a directory like `like`: its number, for
 * "PATH/u/N" (upper) and "PATH/w/N" (work).
 */
int scratch_layer(struct scratch *scratch, const struct stat *like, unsigned int *ret_number,
                  struct error *err) must_check;

/* Shows all of the host, read-only with all that is mounted in it, as the directory "rootfs". */
int scratch_host(const struct scratch *scratch, struct error *err) must_check;

/*
 * Shows the directory `path` without the mounts below it as "PATH/l/NUMBER". Only root may take mounts
 * away from what they cover: −EINVAL for others where there are some.
 */
int scratch_bare(const struct scratch *scratch, const char *path, unsigned int number,
                 struct error *err) must_check;

#endif
