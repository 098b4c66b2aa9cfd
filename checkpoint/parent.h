/*
 * The images that a dump goes on from: memory that has not changed since then is not saved again. Host side.
 *
 *	parent_open → parent_adopt → (CRIU dumps)
 *
 * That is right only of processes whose memory the kernel has tracked since exactly these images: each dump that
 * tracks has the kernel begin anew. The state directory names the last one:
 *
 *	tracked_forget → (CRIU dumps and has the kernel begin anew) → tracked_note
 *
 * Processes that were restored are not tracked: their init began later than the note says.
 */
#ifndef LVM_RUN_CHECKPOINT_PARENT_H
#define LVM_RUN_CHECKPOINT_PARENT_H

#include "base/sha256.h"
#include "checkpoint/facts.h"
#include "runtime/container.h"

struct parent {
	int fd; /* its directory; −1: none */
	struct facts facts;
};
#define PARENT_NONE                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}
void parent_done(struct parent *parent);
#define scoped_parent scoped(parent_done) struct parent

/*
 * Opens `path`, relative to `directory`, and checks that it is whole and what the container's memory is tracked
 * since; of the memory only the size. `key`: the facts whose key it is signed with.
 */
int parent_open(struct parent *parent, const struct container *container, int directory,
                const char *path, const struct facts *key, struct error *err) must_check;

/*
 * Gives the files of the images `from`, and of those that they go on from, second names in `to`: then they are whole
 * without the first ones. −EXDEV, −EMLINK, …: not here.
 */
int parent_link(int from, int to, struct error *err) must_check;
/* The same in the place where the images `to` have their parent. */
int parent_adopt(int from, int to, struct error *err) must_check;

/* How many images these go on from, one upon the other. */
size_t parent_depth(int directory) must_check;

/* The last images that its memory is tracked since: the digest of their manifest. False: it is not tracked. */
bool tracked_since(const struct container *container, char ret[static SHA256_HEX_SIZE]) must_check;
/* Whether the images in `directory` are those. */
bool tracked_is(const char *digest, int directory) must_check;
/* Nothing is known from now on. */
int tracked_forget(const struct container *container, struct error *err) must_check;
int tracked_note(const struct container *container, int directory, struct error *err) must_check;

#endif
