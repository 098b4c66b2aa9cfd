/*
 * Private to rootfs/: what the host prepares and the child executes. The child is a copy of the
 * process that prepared it (clone3 without CLONE_VM), so the plan is simply its memory, and the
 * descriptors in it are open.
 *
 * Paths of the container are kept plain (path_clean): without a leading slash, "" for the root.
 */
#ifndef LVM_RUN_ROOTFS_PLAN_H
#define LVM_RUN_ROOTFS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/str.h"
#include "rootfs/options.h"
#include "rootfs/rootfs.h"

enum mount_kind {
	MOUNT_TREE,    /* a tree cloned beforehand (bind mounts) */
	MOUNT_NEW,     /* a new file system: fsopen, fsconfig, fsmount */
	MOUNT_LEGACY,  /* one with a parameter too long for fsconfig(2): mount(2) onto an open fd */
	MOUNT_CHANGE,  /* "remount": attributes of what is mounted there */
	MOUNT_SYMLINK, /* "copy-symlink" and the source is one */
};

/* Who could have put links into a mount that we attached, which decides how it is walked through. */
enum place_content {
	PLACE_FOREIGN, /* anybody: one last component at a time, never following it */
	PLACE_EMPTY,   /* nobody: a tmpfs that we have just made */
	PLACE_KERNEL,  /* the kernel alone: proc, sysfs, … made by us */
};

struct mount_step {
	const char *name; /* the destination as written, for errors */
	const char *path; /* plain */
	enum mount_kind kind;
	const char *type;   /* MOUNT_NEW, MOUNT_LEGACY */
	const char *source; /* for MOUNT_SYMLINK the link's text; may be null */
	struct mount_options options;
	enum place_content content;
	bool ordinary; /* the destination must be a directory and no link (/proc, /sys, /dev) */
	bool mode_of_target;   /* a tmpfs without mode= takes the one of the directory it covers */
	bool late_readonly;    /* a tmpfs becomes read-only when all is in it */
	bool is_dev;           /* the last mount on /dev: the device nodes are made in it */
	int tree;              /* MOUNT_TREE: detached; MOUNT_NEW: to fall back on; −1: none */
	const char *host_path; /* MOUNT_TREE without a tree: the child clones this path itself */
	bool always_tree;      /* MOUNT_NEW that cannot succeed here: take the tree at once */
	const char *legacy_data;
	const struct spec_mount *spec;
	int attached; /* child: where late_readonly applies */
};

/* A node or link in /dev. */
struct device_step {
	const char *path;   /* plain */
	const char *name;   /* for errors, with its slash */
	const char *target; /* a symbolic link to this; null: a device */
	mode_t mode;        /* S_IFCHR | 0666 */
	dev_t device;
	uid_t uid;
	gid_t gid;
	bool bind;    /* in a user namespace: the host's node is mounted on an empty file */
	int tree;     /* that node as a detached mount; −1: the child opens it */
	bool replace; /* what is there (an image's own ptmx) gives way */
};

/* A mount that we attached, by its textual path. */
struct place {
	const char *path;
	int fd;
	enum place_content content;
};

/* The user namespace made last for the id maps of a mount. */
struct idmap_cache {
	int fd;
	char *uids;
	char *gids;
};

struct rootfs_plan {
	struct arena arena;
	char *path;   /* absolute, on the host */
	char *bundle; /* absolute; only where it was needed */
	int root;     /* the root as a detached tree; the child attaches it */
	int proc_fd;
	bool user_namespace;
	bool new_mount_namespace;
	bool no_pivot;
	bool clone_in_child; /* the caller may not clone mounts: init does it in its user namespace */
	const struct layer_stack *layers; /* init mounts these as root; null: the root is `path` */

	uint64_t
		own_propagation; /* of the namespace's copy of the host's mounts, before all else */
	uint64_t root_propagation; /* rootfsPropagation, in the end; 0: none */
	bool root_propagation_recursive;
	bool root_readonly;
	const char *cwd; /* to be there before the root is read-only; null: nothing to do */

	struct mount_step *mounts;
	size_t mount_count;
	bool wants_mapped;
	bool root_mapped; /* ROOTFS_IDMAP_ANNOTATION */
	struct idmap_cache idmap;
	bool dev_is_bound; /* /dev is the host's or a volume: no nodes are made in it */

	struct device_step *devices; /* those in /dev itself first */
	size_t device_count;
	size_t direct_device_count; /* the ones that are children of /dev */

	const char **masked;
	size_t masked_count;
	const char **readonly;
	size_t readonly_count;
	int null_tree;    /* a /dev/null, detached, verified, read-only */
	int null_mount;   /* the same once it is attached somewhere: clones are taken from it */
	bool null_is_own; /* it is taken from the container's new /dev as soon as that is made */
	int empty_tree;   /* a read-only tmpfs without an entry */
	int empty_mount;

	/* Where fds already lead: places[0] is the root. */
	struct place *places;
	size_t place_count;
	/* A link was met on the way to a destination: the text of a path no longer says where it is. */
	bool aliased;
};

/* --- mount.c: host --- */
int mounts_prepare(struct rootfs_plan *plan, const struct rootfs_request *request,
                   struct error *err) must_check;
/* Clones `path` of the host (relative ones below `dirfd`); −1 in *ret when init must do it. */
int tree_prepare(struct rootfs_plan *plan, int dirfd, const char *path, unsigned int flags,
                 int *ret, struct error *err) must_check;

/* --- idmap.c: host --- */
int idmap_prepare(struct rootfs_plan *plan, const struct rootfs_request *request,
                  struct mount_step *step, struct error *err) must_check;
/* A detached tree, or with `recursive` all mounts of it. */
int idmap_tree(int tree, bool recursive, int user_namespace_fd, struct error *err) must_check;
int idmap_apply(const struct mount_step *step, int user_namespace_fd, struct error *err) must_check;
bool idmap_is_own(const struct mount_step *step);
/*
 * Adds the map lines of one list of an option "uids=0-1-10#10-@11-10;gids=…" (`key` is "uids=" or
 * "gids="), if it is there; ids behind '@' are the container's. −EINVAL, −ERANGE.
 */
int idmap_add_list(struct strbuf *text, const char *option, const char *key,
                   const struct spec_id_mappings *own) must_check;

/* --- device.c, mask.c: host --- */
int devices_prepare(struct rootfs_plan *plan, const struct rootfs_request *request,
                    struct error *err) must_check;
int masks_prepare(struct rootfs_plan *plan, const struct spec_linux *spec,
                  struct error *err) must_check;

/* --- place_enter.c: child --- */

/*
 * The fd and the remaining path from which `path` is reached without a link of the container being
 * followed: *ret_fd and the result; null when only a look-up from the root will do.
 */
const struct place *place_find(const struct rootfs_plan *plan, const char *path,
                               const char **ret_rest);
void place_add(struct rootfs_plan *plan, const char *path, int fd, enum place_content content);

/* Opens an existing object for use as a mount point (O_PATH), links followed inside the root. */
int place_open(struct rootfs_plan *plan, const char *path, bool no_links) must_check;

/*
 * The destination of `step`, which is made when missing: a directory if `like` is one or −1, else a
 * file. O_PATH fd or −errno.
 */
int place_open_made(struct rootfs_plan *plan, const struct mount_step *step, int like,
                    struct error *err) must_check;

/* Attaches the detached mount `tree` at the destination of `step`, which is made when missing. */
int place_attach(struct rootfs_plan *plan, const struct mount_step *step, int tree, bool directory,
                 struct error *err) must_check;

/* The directory of the container's /dev; a link is refused. Borrowed when it is a known place. */
int place_open_dev(struct rootfs_plan *plan, struct error *err) must_check;

/*
 * Closes a descriptor that execve(2) would close anyway: a system call is saved while there is room in
 * the table.
 */
void enter_close(int fd);

/* Changes a mount by fd; on EPERM again without the attributes that a user namespace may not clear. */
int enter_mount_setattr(int fd, unsigned int flags, const struct mount_attributes *attributes,
                        uint64_t propagation, struct error *err) must_check;

/* --- mount_enter.c, copyup_enter.c, device_enter.c, mask_enter.c: child --- */
int mounts_enter(struct rootfs_plan *plan, struct error *err) must_check;
/* Opens and finishes a source that was left to the child: the detached tree, or −errno. */
int mount_enter_source(const struct rootfs_plan *plan, const struct mount_step *step,
                       struct error *err) must_check;
int mount_enter_one(struct rootfs_plan *plan, struct mount_step *step,
                    struct error *err) must_check;
/* What late_readonly is for. */
int mount_enter_readonly(const struct mount_step *step, struct error *err) must_check;
/* Attributes and propagation of a cloned tree. Either side. */
int tree_finish(const struct rootfs_plan *plan, const struct mount_step *step, int tree,
                struct error *err) must_check;
int copyup_enter(int from_fd, int to_fd, struct error *err) must_check;
int devices_enter(struct rootfs_plan *plan, int dev_fd, struct error *err) must_check;
int devices_enter_rest(struct rootfs_plan *plan, struct error *err) must_check;
int masks_enter(struct rootfs_plan *plan, struct error *err) must_check;
/* The host's /dev/null as a detached, verified, read-only mount. Either side. */
int mask_null_open(struct error *err) must_check;
/* The one that we have just made in a new tmpfs, `dev_fd`, which nobody else has seen yet. Child. */
int mask_null_take(struct rootfs_plan *plan, int dev_fd, struct error *err) must_check;
/*
 * Clones the host's node `path`, verified by fd to be the device `device` (with its type in `mode`),
 * private, with more attributes set: the detached mount or −errno. Either side.
 */
int device_clone(const char *path, mode_t mode, dev_t device, uint64_t attributes,
                 struct error *err) must_check;

#endif
