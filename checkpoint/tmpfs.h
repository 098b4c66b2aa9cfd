/*
 * File systems in memory that a container has to itself, saved and made again by us: for each of them CRIU starts
 * tar, gzip and a shell, which is half of a small checkpoint. Host side.
 *
 *	tmpfs_save   of a frozen container: which of its mounts those are, and all that is in them
 *	tmpfs_make   one of them again, as a detached mount that CRIU then binds
 *
 * The names and what the files are like is in the manifest, their data in a file of the image directory. Left to
 * CRIU is what cannot be told this way (mounted more than once, read-only, shared with other mounts, or with words
 * among its options that are not known here) and what is much (TMPFS_ENTRIES_MAX, TMPFS_DATA_MAX). As
 * with CRIU, sockets are no part of it: whoever has bound one gets it back.
 */
#ifndef LVM_RUN_CHECKPOINT_TMPFS_H
#define LVM_RUN_CHECKPOINT_TMPFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "checkpoint/facts.h"
#include "checkpoint/mountinfo.h"

#define TMPFS_DATA_NAME "lvm-run-tmpfs.img"
enum {
	TMPFS_ENTRIES_MAX =
		2048, /* entries, extents and attributes of a container's file systems together */
	TMPFS_DATA_MAX = 64 * 1024 * 1024,
	TMPFS_DEPTH_MAX = 64
};

/* A part of a file that is no hole. */
struct fact_extent {
	uint64_t offset;
	uint64_t size;
};

struct fact_attribute {
	char *name;
	char *value; /* hexadecimal digits */
};

struct fact_entry {
	char *path; /* below the root of the file system, in which it comes after its directory; "": the root */
	char *target; /* of a symbolic link */
	char *link; /* this is another name of the entry with that path; all but the names is with that */
	uint32_t mode; /* with the type */
	uint32_t uid;
	uint32_t gid;
	uint64_t device; /* of a device node */
	int64_t seconds; /* of the last change */
	uint32_t nanoseconds;
	uint64_t size;
	struct fact_extent *extents; /* ascending */
	size_t extent_count;
	struct fact_attribute *attributes;
	size_t attribute_count;
};

struct fact_tmpfs {
	char *device;  /* "MAJOR:MINOR"; of a checkpoint that is being made alone */
	char *source;  /* its name in mountinfo */
	char *options; /* those of mountinfo that are the file system's own, and not the default */
	uint64_t data; /* where its files begin in the data file: extent after extent */
	struct fact_entry *entries; /* the root first */
	size_t entry_count;
};

/*
 * Gives a `tmpfs` to each mount of `facts` that can be one of them, and `of` and `from` to the other mounts of the same
 * file system. The list is the one that the mounts of `facts` come from.
 */
int tmpfs_recognize(const struct mountinfo_list *list, struct facts *facts,
                    struct error *err) must_check;

/*
 * Of the mounts of `facts` that have a `tmpfs`, those whose contents were saved are MOUNT_TMPFS afterwards, and
 * what is `of` them MOUNT_PART; the others have none any more. `pids`: the container's processes.
 */
struct tmpfs_request {
	pid_t init;
	const pid_t *pids;
	size_t pid_count;
	int directory; /* of the images */
};
int tmpfs_save(const struct tmpfs_request *request, struct facts *facts,
               struct error *err) must_check;

/* None of them is saved. */
void tmpfs_leave(struct facts *facts);

/* The mount's descriptor; `attributes`: its MOUNT_ATTR_…, and MOUNT_ATTR_RDONLY is left for later. `directory`: as above. */
int tmpfs_make(const struct fact_tmpfs *tmpfs, unsigned int attributes, int directory,
               struct error *err) must_check;

#endif
