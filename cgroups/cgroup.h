/*
 * The control group of a container (cgroup v2: cgroups(7), the kernel's cgroup-v2 document).
 *
 *	cgroup_plan      decides where it will be and which values go into which file; no side effect, so
 *	                 that the journal can name it before it exists
 *	cgroup_create    makes it, writes the values, attaches the device program; undoes itself on failure
 *	cgroup_dirfd     for CLONE_INTO_CGROUP: nothing is ever written to cgroup.procs on this path
 *	cgroup_open      the group of an existing container, from the location in its record or journal
 *
 * On a hybrid host the group lies in the v2 hierarchy wherever that is mounted. A limit whose controller is
 * bound to cgroup v1 is set there, in a group of the same path (legacy.h); one that cannot be set is refused
 * with an error that names the controller, where it is bound and what to do. No function sleeps: waiting is
 * poll(2) on cgroup.events. Host side.
 */
#ifndef LVM_RUN_CGROUPS_CGROUP_H
#define LVM_RUN_CGROUPS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "spec/spec.h"

enum cgroup_driver {
	CGROUP_DRIVER_CGROUPFS,
	CGROUP_DRIVER_SYSTEMD,
	CGROUP_DRIVER_DISABLED /* no group of its own; limits are refused */
};
/* "cgroupfs", "systemd", "disabled"; −EINVAL for another word. */
int cgroup_driver_parse(const char *word, enum cgroup_driver *ret) must_check;
const char *cgroup_driver_name(enum cgroup_driver driver);

/* What finds the group again. Strings are borrowed from the handle or the caller. */
struct cgroup_location {
	enum cgroup_driver driver;
	const char *mount; /* where the hierarchy is mounted; null when disabled */
	const char *path;  /* below it, begins with '/'; null when disabled */
	const char *scope; /* the systemd unit; null otherwise */
	const char *
		made; /* the highest group above `path` that creating it makes; null: none is known */
	/*
	 * v1 hierarchies with a group of that path, "cpu,cpuacct:/mount memory@1:/mount"; null: none. Behind
	 * the '@': how many of the groups above it were there already.
	 */
	const char *legacy;
};

/*
 * Called by cgroup_create before it makes groups above the container's, with the path of the highest of
 * them: who dies then leaves word of them. Possibly again with another path, when others take groups away
 * meanwhile. And by cgroup_update: see cgroup_allow_legacy.
 */
typedef int cgroup_note(void *context, const char *made, struct error *err);

struct cgroup_request {
	enum cgroup_driver driver;
	const char *id;           /* the container's */
	const char *cgroups_path; /* linux.cgroupsPath; may be null */
	const struct spec_resources *resources;
	const struct spec_annotation *annotations; /* org.systemd.property.* */
	size_t annotation_count;
	/* New cgroup namespace and a writable cgroup mount: chown (config-linux.md "Cgroup ownership"). */
	bool delegate;
	uid_t owner_uid; /* host ids of the container's root, for delegate */
	gid_t owner_gid;
	/*
	 * Folder of a bpffs for device programs. Null: /sys/fs/bpf/lvm-run where a bpffs is mounted
	 * (nothing is ever mounted for it). "": load each time.
	 */
	const char *pin_dir;
	cgroup_note *note; /* may be null */
	void *note_context;
};

struct cgroup;
void cgroup_free(struct cgroup **group); /* frees the handle, not the group */
#define scoped_cgroup scoped(cgroup_free) struct cgroup *

/* Without the group's driver being able to serve, or with an unusable limit: error, nothing done. */
int cgroup_plan(const struct cgroup_request *request, struct cgroup **ret,
                struct error *err) must_check;
/*
 * A group of that path which exists already is used if it is empty; frozen or in use it is refused.
 * Without the right to make one (rootless), when neither cgroupsPath nor a limit asks for it, the
 * container gets none, with a warning: the location's driver is CGROUP_DRIVER_DISABLED from here on.
 */
int cgroup_create(struct cgroup *group, struct error *err) must_check;
/*
 * Takes back a successful cgroup_create when what comes after it fails: like cgroup_destroy, but a
 * group that was there before stays, and groups made above it go. Processes must have left. What cannot
 * be undone is logged.
 */
void cgroup_undo(struct cgroup *group);
/*
 * −ENOENT without *err when it no longer exists; those above it that location->made says were made for it
 * are removed then, as cgroup_destroy does, as far as they are empty.
 */
int cgroup_open(const struct cgroup_location *location, struct cgroup **ret,
                struct error *err) must_check;

/*
 * For a group that does not exist and whose creation may have been cut off: takes back what was asked of
 * systemd and is still on its way. Nothing to do for the other drivers.
 */
void cgroup_withdraw(const struct cgroup_location *location);

/* Valid as long as the handle. */
const struct cgroup_location *cgroup_locate(const struct cgroup *group);
/* O_PATH or readable directory fd for CLONE_INTO_CGROUP and openat; −1 when disabled. Borrowed. */
int cgroup_dirfd(const struct cgroup *group);

/*
 * Opens cgroup.procs of each v1 group, for a process that is born in the group to write "0" to first of all
 * (cgroup_enter_legacy); none mostly. The caller's to close (cgroup_legacy_done).
 */
struct cgroup_legacy {
	int fds[16];
	size_t count;
};
int cgroup_open_legacy(const struct cgroup *group, struct cgroup_legacy *ret,
                       struct error *err) must_check;
void cgroup_legacy_done(struct cgroup_legacy *legacy);
/* Child side: moves the calling process into them, and closes them. */
int cgroup_enter_legacy(struct cgroup_legacy *legacy, struct error *err) must_check;

/*
 * To be called once init lives in the group: ends the placeholder process of a systemd scope. Does
 * nothing for the other drivers.
 */
int cgroup_settle(struct cgroup *group, struct error *err) must_check;

/*
 * Before cgroup_update: a container without groups in cgroup v1 may get them, where a limit needs them. `note` is
 * told location->legacy as it will be before any is made; `noted` is what it was told by an update that was cut
 * off, or null. Afterwards location->legacy tells whether it has them.
 */
void cgroup_allow_legacy(struct cgroup *group, const char *noted, cgroup_note *note, void *context);

/*
 * Changes the limits of a live group: all of `resources`, or none. The present values are read first and
 * written back when a later one is refused. What `resources` does not name stays; devices are ignored. A
 * controller that the group lacks is enabled on the way down, or refused as cgroup_create would.
 * Under the systemd driver the properties of its unit change too, so that a reload reverts nothing.
 */
int cgroup_update(struct cgroup *group, const struct spec_resources *resources,
                  struct error *err) must_check;

/* Freezing is finished (cgroup.events) when the call returns; −ETIMEDOUT with *err otherwise. */
int cgroup_freeze(struct cgroup *group, int timeout_ms, struct error *err) must_check;
int cgroup_thaw(struct cgroup *group, int timeout_ms, struct error *err) must_check;
/* 1 frozen, 0 not, −errno. */
int cgroup_is_frozen(const struct cgroup *group, struct error *err) must_check;
/* 1 some process lives in it or below, 0 none, −errno. */
int cgroup_is_populated(const struct cgroup *group, struct error *err) must_check;

/* SIGKILL to all processes in it and below (cgroup.kill, else by pidfd), also when frozen. */
int cgroup_kill(struct cgroup *group, struct error *err) must_check;
/* Another signal to each process in it and below. */
int cgroup_signal(struct cgroup *group, int signal, struct error *err) must_check;
/* Waits until no process is left in it and below. */
int cgroup_wait_empty(struct cgroup *group, int timeout_ms, struct error *err) must_check;
/* The processes in it and below, in the reader's pid namespace; *ret is the caller's (free). */
int cgroup_pids(const struct cgroup *group, pid_t **ret, size_t *ret_count,
                struct error *err) must_check;

/*
 * Removes it and the groups below (which must be empty of processes), the systemd scope included.
 * Success when it is already gone.
 */
int cgroup_destroy(struct cgroup *group, struct error *err) must_check;

/*
 * What may be left of a group that is no longer there (cgroup_open: −ENOENT): its groups in v1 hierarchies
 * are removed. Success when nothing is left.
 */
int cgroup_sweep(const struct cgroup_location *location, struct error *err) must_check;

/* For `doctor`: what the host's layout is. Strings are static or in the caller's buffers. */
struct cgroup_layout {
	const char *kind;      /* "unified", "hybrid", "legacy", "none" */
	char mount[256];       /* of the v2 hierarchy, "" when there is none */
	char controllers[256]; /* of its root, separated by blanks */
	char legacy[512];      /* v1 controllers "name:mountpoint", separated by blanks */
};
int cgroup_read_layout(struct cgroup_layout *ret, struct error *err) must_check;

#endif
