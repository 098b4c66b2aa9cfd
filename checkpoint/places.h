/*
 * What a restore brings along from outside the images: the root, the sources of the mounts, an empty
 * directory for what is masked; in the mount namespace of CRIU alone, so that nothing of it is ever left on
 * the host and restores do not meet. Host side.
 *
 *	places_prepare   makes missing mount points in the new root, finds every source
 *	places_enter     in the process that becomes CRIU: makes its mount namespace
 *	places_correct   once all is mounted and nothing runs yet: the mounts get the options that they had
 */
#ifndef LVM_RUN_CHECKPOINT_PLACES_H
#define LVM_RUN_CHECKPOINT_PLACES_H

#include <limits.h>

#include "checkpoint/facts.h"

struct places_request {
	const struct facts *facts;
	const struct spec *spec;
	const char *bundle; /* absolute */
	const char *cgroup; /* absolute, of the container's group; null: none */
	const char *hidden; /* an absolute directory of the host that is free to be covered */
	int image_fd;       /* the image directory */
	/* The root as a detached mount, borrowed, and where its container has it; −1: the bundle's. */
	int root_fd;
	const char *root_path;
	/* The container's root is nobody special out here: what CRIU mounts must be where anyone may look. */
	bool user_namespace;
};

/* What is mounted into the container from outside. */
struct place {
	const char *source; /* where CRIU finds it; null: CRIU makes it */
	const char *from;   /* carried there: what it is; null: it is there already */
	int tree; /* carried, and ready as a detached mount with its own id maps; 0: not */
};

struct places {
	struct arena arena;
	const struct facts *facts;
	char rootfs[PATH_MAX]; /* absolute, of the new root */
	int root_fd;           /* see above */
	const char *hidden;
	int image_fd;
	bool carried;          /* every source is bound below `hidden` first */
	struct place *list;    /* one for each mount of the facts */
	char *root;            /* what is CRIU's --root */
	char *mask;            /* the empty directory */
	const char **external; /* "mnt[KEY]:SOURCE" */
	size_t external_count;
};
void places_done(struct places *places);
#define scoped_places scoped(places_done) struct places

int places_prepare(const struct places_request *request, struct places *ret,
                   struct error *err) must_check;
int places_enter(const struct places *places, struct error *err) must_check;
int places_correct(const struct facts *facts, pid_t pid, struct error *err) must_check;

/* MOUNT_ATTR_… of the options of a mount in mountinfo. */
uint64_t places_attributes(const char *options);

#endif
