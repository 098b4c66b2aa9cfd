/*
 * Layers: directory trees that overlayfs stacks to one root. A layer is sealed when it is only ever read
 * again; one that is written to (the upper one) belongs to at most one mount at a time.
 *
 *	layer_enter_mount   the stack as a detached mount
 *	layer_copy          a tree as it is, whiteouts and all
 *	layer_merge         what is in a layer goes into the one above it
 *	layer_diff          in what two stacks differ
 *	layer_remove        a tree goes away
 *
 * Trees are walked by descriptor and never recursively: what is in a layer was made by the container, which may
 * nest directories deeper than any stack. Links are never followed. Source: the kernel's
 * Documentation/filesystems/overlayfs.rst.
 */
#ifndef LVM_RUN_ROOTFS_LAYER_H
#define LVM_RUN_ROOTFS_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Descriptors of directories (O_PATH will do), borrowed. */
struct layer_stack {
	const int *lowers; /* the topmost first; at least one, two without an upper */
	size_t count;
	int upper; /* −1: a read-only view */
	int work;  /* beside upper, on the same file system */
	bool user; /* in a user namespace: attributes of overlayfs are user.overlay.* */
	/* The layers were written with metacopy=on, which they are then to be read with. */
	bool metacopy;
};

/*
 * Mounts the stack, with index=on and nfs_export=on where the file systems can, so that open files have
 * handles and an upper in use is refused: −EBUSY. A detached mount, or −errno. Either side.
 */
int layer_enter_mount(const struct layer_stack *stack, struct error *err) must_check;

/*
 * −EBUSY when the upper layer is part of a mount. Costs no mount, and none of the waiting that taking one down
 * does. Host.
 */
int layer_check_idle(const struct layer_stack *stack, struct error *err) must_check;

/* What was copied. */
struct layer_copied {
	uint64_t entries;
	uint64_t bytes;  /* of the data that was copied, holes left out */
	uint64_t shared; /* bytes of files that share their blocks with the source (FICLONE) */
};

/*
 * Copies all that is in the directory `from` into the empty directory `to`, whose own owner, mode and
 * attributes become those of `from`: kinds, owners, modes, times, attributes, hard links, holes, whiteouts and
 * opaque directories. Other file systems mounted in it are left out. Nobody may write to `from` meanwhile.
 * Host.
 */
int layer_copy(int from, int to, struct layer_copied *ret, struct error *err) must_check;

/*
 * Moves all that is in `lower` into `upper`, so that `upper` alone is what both were together; `lower` ends
 * empty but for what `upper` hides. At each step both together are what they were before. Neither may be part
 * of a mount. `user`: as in struct layer_stack. Host.
 */
int layer_merge(int lower, int upper, bool user, struct error *err) must_check;

enum layer_change { LAYER_ADDED, LAYER_MODIFIED, LAYER_DELETED };
typedef int layer_report(enum layer_change change, const char *path, void *context,
                         struct error *err);

/*
 * Compares two trees (mounts of stacks): each path that is in one of them only, or whose kind, owner, mode, size,
 * target or content differ. Below a path that is there only once nothing more is reported. Host.
 */
int layer_diff(int from, int to, layer_report *report, void *context, struct error *err) must_check;

/* Removes the directory `name` of `parent` and all in it; none there is no error. Host. */
int layer_remove(int parent, const char *name, struct error *err) must_check;

#endif
