/*
 * Mounts of a living container: the plan that the host makes and the child that executes it in the
 * container's namespaces. Inside runtime/ only.
 */
#ifndef LVM_RUN_RUNTIME_MOUNTS_H
#define LVM_RUN_RUNTIME_MOUNTS_H

#include "rootfs/rootfs.h"

struct mounts_plan {
	struct rootfs_plan *rootfs; /* what to add; null: nothing */
	struct rootfs_removals removals;
	int proc_fd;
	int init_pidfd; /* borrowed */
	int root_fd;    /* as in struct exec_plan */
	int namespace_flags;
	bool pid_namespace;
	int sync_fds[2];
};

/* The child. Does not return. */
_Noreturn void mounts_enter_container(struct mounts_plan *plan);

#endif
