/*
 * The managed root of a container in the making: found or made in the store, given up with the creation, kept with
 * it. Host side.
 */
#ifndef LVM_RUN_RUNTIME_DISK_ROOT_H
#define LVM_RUN_RUNTIME_DISK_ROOT_H

#include "runtime/disk.h"
#include "runtime/store.h"

struct disk_root {
	struct disk own;
	struct disk *disk; /* &own, or the caller's */
	struct disk_stack stack;
	int guard_fd;
	char mount_point[PATH_MAX];
	bool keep;
};
void disk_root_free(struct disk_root **root);

/*
 * Of options->overlay or options->disk: first the link in the state directory, then what is in the store. A kept
 * root of this id is taken again. −errno with *err; what was made goes with the state directory (store_remove).
 */
int disk_root_prepare(const struct create_options *options, const struct store_entry *entry,
                      const char *bundle, struct disk_root **ret, struct error *err) must_check;

/* The container is there: from now on its layer is kept if that was asked for. */
int disk_root_commit(struct disk_root *root, struct error *err) must_check;

#endif
