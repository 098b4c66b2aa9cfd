/*
 * An image directory in the making: it has another name beside its place until it is whole.
 *
 *	image_begin → image_make → (write into image.fd) → image_seal → image_keep
 *
 * Without image_keep all of it goes again, but for the log, which then stands alone in the place.
 * Host side.
 */
#ifndef LVM_RUN_CHECKPOINT_IMAGE_H
#define LVM_RUN_CHECKPOINT_IMAGE_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

#define DUMP_LOG_NAME "dump.log"
#define RESTORE_LOG_NAME "restore.log"

struct image {
	int parent_fd;
	int fd; /* the directory */
	char name[NAME_MAX + 1];
	char temporary[NAME_MAX + 1];
	char path[PATH_MAX]; /* absolute, of its place */
	bool sealed;         /* it is in its place */
	bool kept;
};
#define IMAGE_NONE                                                                                 \
	{                                                                                          \
		.parent_fd = -1, .fd = -1                                                          \
	}
void image_done(struct image *image);
#define scoped_image scoped(image_done) struct image

/*
 * `path` is made with the directories above it. A directory that is there is taken when it is empty, holds
 * only a log, or holds another checkpoint of lvm-run, which is replaced once the new one is whole.
 */
int image_begin(const char *path, struct image *ret, struct error *err) must_check;
/* The directory itself. */
int image_make(struct image *image, struct error *err) must_check;
/* Opens it where another process has made it since: image_done removes it then. */
void image_find(struct image *image);
int image_seal(struct image *image, struct error *err) must_check;
void image_keep(struct image *image);

#endif
