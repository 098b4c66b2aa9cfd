/* What clones and templates begin with: a state that stays as it is while they are made. Private to those. */
#ifndef LVM_RUN_CHECKPOINT_ORIGIN_H
#define LVM_RUN_CHECKPOINT_ORIGIN_H

#include "checkpoint/clone.h"
#include "checkpoint/session.h"

struct origin {
	struct session session; /* of a container, whose present state it is */
	struct disk disk;       /* of a snapshot or a template, locked against changes */
	struct disk *source;    /* one of the two */
	struct string_list layers;
	const char *bundle;
	char config[PATH_MAX];
	char image[PATH_MAX]; /* "": no memory */
	int layer_fd;         /* of a copy that no record names yet */
	uint64_t frozen_us;   /* how long its processes stood still; 0: they did not */
	bool temporary;       /* the images are ours to remove, or to take */
};
#define ORIGIN_NONE                                                                                \
	{                                                                                          \
		.session = SESSION_NONE, .disk = DISK_NONE, .layer_fd = -1                         \
	}
void origin_done(struct origin *origin);
#define scoped_origin scoped(origin_done) struct origin

/*
 * Of a running container its processes are saved and its writable layer copied while they stand still; of a
 * stopped one the writable layer is sealed, or of a root that is not ours copied.
 */
int origin_open(struct origin *origin, struct store *store, const char *source,
                const struct clone_options *options, struct error *err) must_check;

/*
 * What tells a container from its origin, on the disk: the generation file, and of a clone the host name and a
 * machine id of its own (`hostname` null: those stay). Nothing may have it mounted.
 */
int identity_write(const struct disk *disk, const char *hostname, struct error *err) must_check;

#endif
