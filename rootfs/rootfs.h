/*
 * The file system of a container: root, mounts, devices, masked and read-only paths, pivot.
 *
 *	host:  rootfs_prepare        opens the root once and every mount source as a detached tree, parses all
 *	                             options, allocates everything
 *	child: rootfs_enter_mounts   in the new mount namespace: attaches all of it below the new root, in the
 *	                             listed order
 *	       rootfs_enter_console  with a terminal: a pty of the container's own devpts, /dev/console
 *	       rootfs_enter_pivot    pivot_root, masked and read-only paths, propagation, read-only root
 *
 * After the root is open every look-up is openat2(RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS) on its fd, every
 * mount is made detached and attached by fd, new inodes are made component by component without
 * following links, and an inode that is used is verified by fd (rules R1–R5 of the security notes).
 * No string path is mounted on. Sources: OCI config.md "Mounts", config-linux.md; open_tree(2),
 * mount_setattr(2), fsopen(2), openat2(2).
 */
#ifndef LVM_RUN_ROOTFS_ROOTFS_H
#define LVM_RUN_ROOTFS_ROOTFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "rootfs/layer.h"
#include "spec/spec.h"

/*
 * "true": the root itself is mounted id-mapped, so that a tree that belongs to root on the disk belongs to
 * the container's ids inside. The specification has no property for it.
 */
#define ROOTFS_IDMAP_ANNOTATION "lvm-run.rootfs.idmap"

struct rootfs_request {
	const struct spec *spec;
	int bundle_fd;           /* relative root and mount sources start here; borrowed */
	const char *bundle_path; /* its absolute path when known, else null: asked of /proc */
	int proc_fd;             /* the host's /proc, borrowed; stays open as long as the plan */
	bool user_namespace; /* mounts are made inside a user namespace of the container's own */
	bool new_mount_namespace; /* false: it joins one; then only root look-ups are possible */
	bool new_cgroup_namespace;
	bool new_network_namespace; /* sysfs needs one of the same user namespace */
	int cgroup_fd; /* directory of the container's group, for a cgroup mount without a cgroup
	                            namespace; −1: none. Borrowed */
	bool no_pivot; /* move the root mount and chroot instead (initramfs hosts) */
	/* The root is this stack of layers (borrowed) instead of root.path; null: it is not. */
	const struct layer_stack *layers;
	const char *layers_path; /* absolute: the directory on which init mounts it */
};

struct rootfs_plan;
void rootfs_plan_free(struct rootfs_plan **plan);
#define scoped_rootfs_plan scoped(rootfs_plan_free) struct rootfs_plan *

/* Host. The absolute path of the root is written to *ret_path (in the plan). */
int rootfs_prepare(const struct rootfs_request *request, struct rootfs_plan **ret,
                   struct error *err) must_check;
const char *rootfs_path(const struct rootfs_plan *plan);

/*
 * Parts that only the host may do once the user namespace of init exists (id-mapped mounts without
 * maps of their own): true when rootfs_prepare_mapped must be called with a descriptor of that
 * namespace before init calls rootfs_enter_mounts. The trees are those whose descriptors init has
 * inherited; nothing is handed over.
 */
bool rootfs_wants_mapped(const struct rootfs_plan *plan);
int rootfs_prepare_mapped(struct rootfs_plan *plan, int user_namespace_fd,
                          struct error *err) must_check;

/* Child. Opens descriptors that only execve(2) closes. */
int rootfs_enter_mounts(struct rootfs_plan *plan, struct error *err) must_check;

/*
 * Child, before the pivot: makes a pty in the container's devpts, gives it to `uid`:`gid`, shows its
 * slave as /dev/console. Both descriptors are the caller's.
 */
int rootfs_enter_console(struct rootfs_plan *plan, uid_t uid, gid_t gid, int *ret_master,
                         int *ret_slave, struct error *err) must_check;

/*
 * Child that has joined a container's mount namespace (exec): a pty of the devpts at its /dev/pts
 * (pty.h; rootfs_enter_console uses the same function).
 */
int rootfs_enter_pty(uid_t uid, gid_t gid, int *ret_master, int *ret_slave,
                     struct error *err) must_check;

int rootfs_enter_pivot(struct rootfs_plan *plan, struct error *err) must_check;

/*
 * --- Mounts of a container that lives ---
 *
 * Host: the mounts of `spec` are those to add, nothing else of it is made. What would change a mount that
 * is there, and what cannot be prepared outside, is refused. With rootfs_wants_mapped the next call is
 * rootfs_prepare_mapped with init's user namespace.
 */
int rootfs_prepare_live(const struct rootfs_request *request, struct rootfs_plan **ret,
                        struct error *err) must_check;
/* Whether sources are left to the child, because the caller has no rights over the host's mounts. */
bool rootfs_wants_sources(const struct rootfs_plan *plan);
/* Child in the container's user namespace and in a copy of the host's mounts: opens them. */
int rootfs_enter_sources(struct rootfs_plan *plan, struct error *err) must_check;

/*
 * Child that has joined the container's namespaces, its root that of the mount namespace: attaches all of
 * them in their order, or, when one fails, none. Mount points that were made for them stay.
 */
int rootfs_enter_live(struct rootfs_plan *plan, struct error *err) must_check;

/*
 * The same child: unmounts what lies on top at each path of the container, all of them or none: what has
 * been unmounted before one that is busy is attached again. A recursive one goes with all that is mounted
 * below it, and is never busy (MNT_DETACH).
 *
 * The container can put a link in the way of a path. One that leads to a kept place is refused, unless
 * that place has the name of the path itself.
 */
enum { ROOTFS_REMOVE_MAX = 64 };
struct rootfs_removal {
	const char *path; /* plain, as path_clean leaves it */
	bool recursive;
};
struct rootfs_removals {
	struct rootfs_removal *items;
	size_t count;
	char **kept; /* plain paths: what create mounted, masked and made read-only */
	size_t kept_count;
};
int rootfs_enter_unmount(const struct rootfs_removals *removals, int proc_fd,
                         struct error *err) must_check;

/*
 * Host. The detached tree of one bind mount of the configuration, with its options and id maps: where init is
 * nobody to do it. Of the request what rootfs_prepare_live takes.
 */
int rootfs_open_bind(const struct rootfs_request *request, const struct spec_mount *mount,
                     struct error *err) must_check;
bool rootfs_is_idmapped(const struct spec_mount *mount) must_check;

/*
 * Host. Opens the directory `fd` once more, in a mount of its own in which what belongs to the group root belongs to
 * that group: for processes that are root only in a user namespace.
 */
int rootfs_open_shared(int proc_fd, int fd, uint32_t gid, struct error *err) must_check;

/* The mount options understood, for `features`; ends with null. */
const char *const *rootfs_mount_option_names(void);

#endif
