/*
 * The store: what of containers outlives them and the machine's boot. The roots that we manage are stacks of
 * layers in it.
 *
 *	layers/LAYER/data, work      a layer, and overlayfs's own directory beside it
 *	roots/ID/disk.json           the root of a container and its snapshots (disk_record.h)
 *	roots/ID/root                where the container's init mounts it; empty on the host
 *	roots/ID/nodes/NAME/         of a snapshot: config.json, memory/ (checkpoint.h)
 *	templates/NAME/              the same with one snapshot and no layer that is written to
 *	trash/                       what is being removed
 *
 * A container's state directory leads there by the link "disk", which is made first and goes last: whoever finds
 * it can clean up. Layers have no owner: one that no disk.json names is removed. Whoever makes a layer holds it
 * locked until a record names it; whoever mounts layers, or merges them, locks layers/ itself (shared and
 * exclusively). Locks are taken in the order state directory, disk, layers/, layer. Host side.
 */
#ifndef LVM_RUN_RUNTIME_DISK_H
#define LVM_RUN_RUNTIME_DISK_H

#include <limits.h>

#include "rootfs/layer.h"
#include "runtime/disk_record.h"

#define DISK_LINK_NAME "disk"
#define DISK_NODES_NAME "nodes"
#define DISK_MEMORY_NAME "memory"

/* overlayfs takes 500 lower ones; a few are left for the stack that a clone has below. */
enum { DISK_LAYERS_MAX = 480, LAYER_NAME_SIZE = 33 };

enum disk_kind { DISK_ROOT, DISK_TEMPLATE };

struct disk {
	struct arena arena;
	int store_fd;
	int fd; /* its directory, locked */
	char path[PATH_MAX];
	struct disk_record record;
};
#define DISK_NONE                                                                                  \
	{                                                                                          \
		.store_fd = -1, .fd = -1                                                           \
	}
void disk_done(struct disk *disk);
#define scoped_disk scoped(disk_done) struct disk

/*
 * The directory of the store: `asked`, or by default /var/lib/lvm-run, for a user $XDG_DATA_HOME/lvm-run or
 * ~/.local/share/lvm-run. Absolute.
 */
int disk_store_path(const char *asked, char ret[static PATH_MAX], struct error *err) must_check;

/* Where the disk of that name would be. */
int disk_path(const char *store, enum disk_kind kind, const char *name, char ret[static PATH_MAX],
              struct error *err) must_check;

/* Names of all disks of that kind, sorted (container_ids_free); none when there is no store. */
int disk_names(const char *store, enum disk_kind kind, char ***ret, size_t *ret_count,
               struct error *err) must_check;

/*
 * Opens and locks the one at `path`; −ENOENT without *err when there is none. The record is read after the
 * lock was had.
 */
int disk_open(const char *path, bool exclusive, struct disk *ret, struct error *err) must_check;
/* The same without waiting: −EWOULDBLOCK without *err while another command works on it. */
int disk_try_open(const char *path, struct disk *ret, struct error *err) must_check;
/* That of a container's state directory; −ENOENT without *err: it has none. */
int disk_open_of(int entry_fd, bool exclusive, struct disk *ret, struct error *err) must_check;
/* Where the link of a state directory leads; −ENOENT without *err. */
int disk_link_read(int entry_fd, char ret[static PATH_MAX], struct error *err) must_check;
int disk_link_make(int entry_fd, const char *path, struct error *err) must_check;

/*
 * Makes and locks an empty one, with the store around it; −EEXIST without *err when there is one. Its record is
 * the caller's to fill and write.
 */
int disk_make(const char *path, struct disk *ret, struct error *err) must_check;

/* Replaces disk.json by what `record` is now. */
int disk_write(const struct disk *disk, struct error *err) must_check;

/* Removes it and what it alone needed, unless it is to be kept. By force: also then. */
int disk_discard(const char *path, bool force, struct error *err) must_check;
/* Removes layers that nothing names any more, and what killed commands left in trash/. */
int disk_sweep(int store_fd, struct error *err) must_check;

/* --- Layers --- */

/*
 * Makes an empty layer to lie on `layers` and the record's lowers, whose topmost directory lends it owner and mode
 * of the root. *ret_fd is its directory, which holds the lock on it: to be closed once a record that names it
 * was written.
 */
int disk_layer_make(const struct disk *disk, const struct string_list *layers,
                    char ret_name[static LAYER_NAME_SIZE], int *ret_fd,
                    struct error *err) must_check;

/* The data (or "work") of a layer; O_PATH. */
int disk_layer_open(const struct disk *disk, const char *layer, const char *part,
                    struct error *err) must_check;

/* Open directories of a stack; `stack` points into it. */
struct disk_stack {
	struct layer_stack stack;
	int *fds;
	size_t count;
	int upper;
	int work;
};
#define DISK_STACK_NONE                                                                            \
	{                                                                                          \
		.upper = -1, .work = -1, .stack = {.upper = -1, .work = -1 }                       \
	}
void disk_stack_done(struct disk_stack *stack);
#define scoped_disk_stack scoped(disk_stack_done) struct disk_stack

/* The record's lowers below `layers` below `upper` (null: a view). */
int disk_stack_open(const struct disk *disk, const struct string_list *layers, const char *upper,
                    struct disk_stack *ret, struct error *err) must_check;

/* What is in such a stack, to be read: a directory that nobody else sees; the descriptor is all there is. */
int disk_view(const struct disk *disk, const struct string_list *layers,
              struct error *err) must_check;

/* Locks layers/: shared for mounting, exclusive for changing sealed layers. The descriptor holds it. */
int disk_guard(const struct disk *disk, bool exclusive, struct error *err) must_check;

/*
 * −EBUSY while the upper layer is part of a mount: it must not be sealed, or be mounted again. Asked of the
 * kernel.
 */
int disk_check_idle(const struct disk *disk, struct error *err) must_check;

/* Whether some process sees a mount made of that layer; looks at all of them. */
int disk_layer_in_use(const char *layer, bool *ret, struct error *err) must_check;

/*
 * A layer that no snapshot begins with any more is merged into the one above it, if all stacks of the store have the
 * same one above it and no mount has either: 1. 0: it stays for the time being. `disk` names it and is locked.
 */
int disk_merge(struct disk *disk, const char *layer, struct error *err) must_check;

/* --- A list in the record's arena --- */

/* `first` (null: none) and then all of `rest`. */
int disk_list_join(struct disk *disk, const char *first, const struct string_list *rest,
                   struct string_list *ret, struct error *err) must_check;

#endif
