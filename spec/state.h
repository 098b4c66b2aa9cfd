/*
 * Two texts about a container: its OCI state (runtime.md "State"), which hooks get on standard input
 * and `state` prints, and the record that we keep in the state root.
 */
#ifndef LVM_RUN_SPEC_STATE_H
#define LVM_RUN_SPEC_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

/* What is true of a container for its whole life, and of its init process. */
struct record {
	char *id;
	char *oci_version;
	pid_t pid;
	uint64_t start_time; /* of pid, clock ticks after boot */
	char *boot_id;
	char *bundle;        /* absolute */
	char *rootfs;        /* absolute */
	char *created;       /* RFC 3339, UTC, nanoseconds */
	char *owner;         /* the name of the user who created it; may be null */
	char *cgroup_driver; /* "cgroupfs", "systemd" or "disabled" */
	char *cgroup_mount;  /* where its hierarchy is mounted; may be null */
	char *cgroup_path;   /* below that mount, begins with '/'; may be null */
	char *cgroup_scope;  /* the systemd unit; may be null */
	char *cgroup_legacy; /* hierarchies of cgroup v1 with a group of that path; may be null */
	bool detached;       /* made by create or run --detach */
	bool terminal;
	bool user_namespace;  /* it has one of its own */
	bool intel_rdt;       /* it has a class of service in resctrl */
	bool callers_keyring; /* it was made with --no-new-keyring */
	/* Its filter or Landlock rules are not in the configuration: a second process would lack them. */
	bool own_rules;
	bool no_process; /* the saved configuration has none: it cannot be started */
	bool poststart;  /* the saved configuration has such hooks */
	bool poststop;
	struct spec_annotation *annotations;
	size_t annotation_count;
};

/*
 * Encodes as one compact JSON object (free); null: out of memory. Strings need not be UTF-8: file
 * names come back byte for byte.
 */
char *record_encode(const struct record *record) must_check;

/*
 * Decodes into `arena`. Every member is checked for its type and range; a record that lacks id, pid
 * or start time is an error, one of another version of this program with more members is not.
 */
int record_decode(struct arena *arena, const char *text, size_t size, struct record *ret,
                  struct error *err) must_check;

/* What `state`, `list` and hooks say of a container. */
struct state_view {
	const char *status; /* creating created running paused stopped */
	pid_t pid; /* 0 for stopped (the member is then left out for hooks, 0 for `state`) */
	const struct record *record;
};

/* The state for hooks: compact, the members of the specification only (free). */
char *state_encode_hook(const struct state_view *view) must_check;

/*
 * The state as `state` prints it: indented; the members of the specification and rootfs, created,
 * owner, as runc's (free).
 */
char *state_encode(const struct state_view *view) must_check;

/* An array of them for `list --format json` and as containers' engines parse it (free). */
char *state_encode_list(const struct state_view *views, size_t count) must_check;

/* The state that a seccomp agent gets (config-linux.md "The Container Process State") (free). */
char *state_encode_seccomp(const struct state_view *view, const char *metadata) must_check;

/* The features document (features.md, features-linux.md), indented (free). */
struct features_facts { /* what only other levels know */
	const char *version;
	const char *commit;
	const char *libseccomp_version; /* may be null: no seccomp */
	bool systemd; /* the cgroup driver, and with it annotations org.systemd.property.NAME */
	/* The mount options that rootfs/ knows by name. */
	const char *const *mount_options;
	size_t mount_option_count;
	bool idmap; /* mounts with idmap and ridmap work */
	/* Does this libseccomp know the architecture "SCMP_ARCH_…"? Null: all of the specification's. */
	bool (*seccomp_architecture)(const char *name);
	uint32_t seccomp_flags; /* the filter flags that work, SECCOMP_SPEC_FLAG_… */
	bool apparmor;
	bool selinux;
	bool cgroup_v1;
	bool systemd_user; /* systemd's user manager can be used without root */
	bool checkpoint; /* checkpoint and restore, and with them the annotation org.criu.config */
};
char *features_encode(const struct features_facts *facts) must_check;

#endif
