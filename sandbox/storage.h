/*
 * Where what a sandbox writes lies, and what bounds it.
 *
 * Without --keep it is the scratch, a tmpfs with a size; for sizes beyond half of the memory an ext4 in a
 * nameless file of /var/tmp, by a loop device. With --keep DIR the layers lie in DIR, which one sandbox at a
 * time may use:
 *
 *	DIR/layers/HASH/     of one directory of the view: upper, work, and the links "target" and "over",
 *	                     which say what it is mounted on and over what
 *	DIR/disk.img         all of that in a file instead, when --disk bounds it by an image
 *
 * --disk with --keep is a project quota where the file system has one, else the image. What has no bound of its own is
 * the scratch's: /tmp and what else is new for each run. Host side.
 *
 *	storage_make → storage_layer, storage_directory … → storage_done
 */
#ifndef LVM_RUN_SANDBOX_STORAGE_H
#define LVM_RUN_SANDBOX_STORAGE_H

#include <limits.h>
#include <stdbool.h>

#include "base/arena.h"
#include "sandbox/sandbox.h"
#include "sandbox/scratch.h"

enum storage_bound { STORAGE_FREE, STORAGE_TMPFS, STORAGE_IMAGE, STORAGE_QUOTA };
extern const char *const storage_bound_names[]; /* as the report has them */

struct storage {
	enum storage_bound bound;
	const struct scratch *scratch;
	int once_fd; /* what each run begins anew */
	char once[PATH_MAX];
	int kept_fd; /* the directories of --keep; −1: none */
	char kept[PATH_MAX];
	int place_fd;         /* of --keep itself, locked; −1 */
	char place[PATH_MAX]; /* its path on the host, without links */
	bool once_is_ours;    /* to be removed in the end */
	unsigned int count;   /* of directories in `once` */
};

#define STORAGE_NONE                                                                               \
	{                                                                                          \
		.once_fd = -1, .kept_fd = -1, .place_fd = -1                                       \
	}
void storage_done(struct storage *storage);

/*
 * After scratch_make. *ret_note: what is not as asked but was done all the same (in `arena`), null mostly.
 * −EBUSY: another sandbox uses the directory.
 */
int storage_make(struct storage *ret, const struct scratch *scratch,
                 const struct sandbox_options *options, struct arena *arena, const char **ret_note,
                 struct error *err) must_check;

/* The layer over the host's directory `source` that is shown as `target`; absolute paths. */
struct storage_layer {
	const char *upper, *work;
};
int storage_layer(struct storage *storage, struct arena *arena, const char *source,
                  const char *target, const struct stat *like, struct storage_layer *ret,
                  struct error *err) must_check;

/* A plain directory to be shown as `target`, empty unless it is kept from an earlier run. */
int storage_directory(struct storage *storage, struct arena *arena, const char *target, mode_t mode,
                      bool keep, const char **ret_path, struct error *err) must_check;

/* A device or inode limit has been met. */
bool storage_is_full(const struct storage *storage);

/* --- Within: what can bound a directory --- */

/* An empty ext4 in the empty file; without a journal when it lives for one run. */
int image_format(int file, uint64_t size, bool journal, struct error *err) must_check;
/* Mounts it as the directory `name` of the scratch: an open directory. */
int image_mount(const struct scratch *scratch, int file, const char *name,
                struct error *err) must_check;

/*
 * Gives the empty directory a project of its own with that limit: what is made in it belongs to the
 * project. Fails where no quota is enforced, and leaves nothing then.
 */
int quota_begin(int dirfd, uint64_t limit, struct error *err) must_check;
/* Whether it has one; another limit for it. */
bool quota_is_there(int dirfd);
int quota_change(int dirfd, uint64_t limit, struct error *err) must_check;

#endif
