/*
 * What init executes: everything that can be parsed, opened, compiled or allocated beforehand.
 * The host builds it, init inherits it by fork and only reads it (but for its own scratch space).
 */
#ifndef LVM_RUN_RUNTIME_PLAN_H
#define LVM_RUN_RUNTIME_PLAN_H

#include <stdbool.h>

#include "cgroups/cgroup.h"
#include "namespaces/namespaces.h"
#include "rootfs/rootfs.h"
#include "runtime/program.h"
#include "security/landlock.h"
#include "security/lockdown.h"
#include "spec/spec.h"

struct init_plan {
	struct arena arena;
	struct spec *spec;
	struct namespace_plan namespaces;
	struct rootfs_plan *rootfs;
	struct lockdown_plan *lockdown;
	struct program program;
	struct cgroup_legacy legacy; /* to be entered first of all */
	int proc_fd;                 /* the host's /proc */
	int sync_fds[2];             /* the host's end, init's end */
	int listen_fd;               /* where start connects; −1: started over the sync socket */
	unsigned int kept_fds;       /* passed on to the program from 3 on */
	int reaper_fd; /* init stays as pid 1 and talks here (reaper.h); −1: it does not; borrowed */
	int hold_fd;                           /* and holds this open; −1: nothing; borrowed */
	const struct landlock_rules *landlock; /* null: none; borrowed */
	bool new_user_namespace;
	bool user_namespace; /* new or joined, and not the one that we are in */
	bool new_mount_namespace;
	bool needs_host; /* HOST_READY: id maps, limits, mapped mounts, interfaces, class, a stage */
	bool hooks_before_pivot; /* prestart, createRuntime or createContainer */
	size_t buffer_size;      /* of each of the two: any state of this configuration fits */
	char *state_buffer;      /* for hooks that init runs; null when there are none */
	char *agent_buffer;      /* for the seccomp agent's state; null when there is none */
	size_t state_size;       /* of what arrived */
	size_t agent_size;
};

/* Bytes that suffice for the OCI state of a container with this configuration. */
size_t plan_state_limit(const struct spec *spec);

void init_plan_done(struct init_plan *plan);
#define scoped_init_plan scoped(init_plan_done) struct init_plan

struct plan_request {
	const char *id;
	int bundle_fd;
	const char *bundle_path;
	int cgroup_fd;
	int cache_fd;
	bool no_pivot;
	bool new_keyring;
	unsigned int preserve_fds;
	int reaper_fd;                         /* −1: init becomes the program */
	int hold_fd;                           /* open while init lives; −1: none */
	const struct landlock_rules *landlock; /* null: none; borrowed */
	const struct layer_stack *layers;      /* the root; null: root.path of the configuration */
	const char *layers_path;
};

/* Fills a zeroed plan, whose spec is already there (plan->spec is taken over by init_plan_done). */
int plan_build(struct init_plan *plan, const struct plan_request *request,
               struct error *err) must_check;

#endif
