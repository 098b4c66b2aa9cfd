/*
 * The handle and what the drivers share. Only for cgroups/.
 *
 * The paths here are the host's: a group's path is joined to the mount point once, in the plan. That is
 * safe in cgroup v2 alone of all file systems: it has no symbolic links, and no group can be renamed.
 * Whatever lies below a group, where a container may have made groups, is reached by dirfd.
 */
#ifndef LVM_RUN_CGROUPS_GROUP_H
#define LVM_RUN_CGROUPS_GROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/process.h"
#include "cgroups/cgroup.h"
#include "cgroups/devices.h"
#include "cgroups/layout.h"
#include "cgroups/legacy.h"
#include "cgroups/limits.h"

struct driver;

struct cgroup {
	struct arena arena; /* all strings */
	const struct driver *driver;
	struct cgroup_location location;
	char *full; /* mount and path; null when disabled */
	int dirfd;  /* of the group; −1 before it exists */

	/* What create does. */
	struct limit_list limits; /* in the v2 hierarchy */
	struct legacy legacy;     /* and in those of v1 */
	struct device_program devices;
	const char *pin_dir;
	cgroup_note *note;
	void *note_context;
	bool grows;        /* cgroup_allow_legacy was called */
	const char *noted; /* what it was given */
	bool named;        /* the configuration says where: then it is not done without */
	bool refused;      /* a limit that cgroup v2 does not have: `limits` is not filled yet */
	bool delegate;
	uid_t owner_uid;
	gid_t owner_gid;

	bool rootless;             /* not root of the initial user namespace */
	const char *scope_request; /* what systemd is asked for, but for the process */

	/* What create did. */
	bool made;                  /* the group itself */
	struct process placeholder; /* in a scope without init yet; its pid 0: none */
};

struct driver {
	const char *name;
	int (*plan)(const struct cgroup_request *request, struct cgroup *group, struct error *err);
	int (*create)(struct cgroup *group, struct error *err);
	void (*undo)(struct cgroup *group);
	int (*settle)(struct cgroup *group, struct error *err);
	int (*destroy)(struct cgroup *group, struct error *err);
	/* Tells who else writes to the group what group->limits are from now on; may be null. */
	int (*tell)(struct cgroup *group, struct error *err);
	void (*withdraw)(struct cgroup *group);
};
extern const struct driver driver_cgroupfs;
extern const struct driver driver_systemd;
extern const struct driver driver_disabled;

/* --- unified.c: for both drivers --- */

/* Refuses limits whose controller the hierarchy does not have at all. */
int unified_check_controllers(const struct cgroup *group, struct error *err) must_check;
/* Sets location.mount and full from location.path, which must be set and checked. */
int unified_set_place(struct cgroup *group, const char *mount, struct error *err) must_check;
/* Enables on the way down what the limits need, if the open group does not have it already. */
int unified_enable_controllers(struct cgroup *group, struct error *err) must_check;
/* Limits, device program and ownership of the open group. */
int unified_configure(struct cgroup *group, struct error *err) must_check;
/* Removes the group and those below it; 0 when it is not there. */
int unified_remove(const char *full, struct error *err) must_check;

/* Removes groups above that are marked as made for a container, or noted so, and are empty now. */
void unified_remove_parents(const struct cgroup *group);

/* --- events.c --- */

/* Waits for `key` of cgroup.events in the group `dirfd` to be `value`; 0, −ETIMEDOUT, −errno. */
int events_wait(int dirfd, const char *key, int value, int timeout_ms) must_check;
/* The value of the key, or −errno. */
int events_get(int dirfd, const char *key) must_check;

/* --- procs.c --- */

/* The processes in the group and below. */
int procs_list(int dirfd, pid_t **ret, size_t *ret_count) must_check;
/* Sends a signal to each of them by pidfd; their number, or −errno. */
int procs_signal(int dirfd, int signal) must_check;

#endif
