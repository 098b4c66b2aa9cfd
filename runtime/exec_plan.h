/*
 * What a process executes that joins a running container: made by the host from the container's
 * configuration and the options of exec.
 */
#ifndef LVM_RUN_RUNTIME_EXEC_PLAN_H
#define LVM_RUN_RUNTIME_EXEC_PLAN_H

#include "base/cpulist.h"
#include "base/process.h"
#include "cgroups/cgroup.h"
#include "runtime/program.h"
#include "runtime/runtime.h"
#include "security/lockdown.h"

struct exec_plan {
	struct arena arena;
	struct spec *spec;           /* of the container */
	struct spec *process_spec;   /* of --process; null otherwise */
	struct spec_process process; /* what will run */
	struct program program;
	struct lockdown_plan *lockdown;
	const struct landlock_rules *landlock; /* null: none; borrowed */
	struct cgroup_legacy legacy;           /* to be entered first of all */
	int proc_fd;
	int sync_fds[2];
	unsigned int kept_fds;
	int init_pidfd;      /* borrowed */
	int root_fd;         /* init's root where no mount namespace leads to it, else −1 */
	int namespace_flags; /* of the namespaces to join, but the pid namespace, which the host enters
	                        for its children before the clone */
	bool pid_namespace;
	bool joined; /* all of them are entered already, by the stage */
	bool terminal;
	bool callers_keyring; /* set before exec_plan_build: the session keyring stays the caller's */
	/* process.execCPUAffinity: in force from the clone on, and for the program; used 0: unset. */
	struct cpulist initial_cpus;
	struct cpulist final_cpus;
	char *agent_buffer; /* for the seccomp agent's state; null when there is none */
	size_t agent_capacity;
	size_t agent_size;
};

#define EXEC_PLAN_NONE                                                                             \
	{                                                                                          \
		.proc_fd = -1, .sync_fds = {-1, -1}, .init_pidfd = -1, .root_fd = -1               \
	}
void exec_plan_done(struct exec_plan *plan);
#define scoped_exec_plan scoped(exec_plan_done) struct exec_plan

/* `spec` is taken over; `cache_fd` as for lockdown_prepare. */
int exec_plan_build(struct exec_plan *plan, const struct exec_options *options, struct spec *spec,
                    int cache_fd, struct error *err) must_check;

/* The namespaces that the container does not share with us; whether a pid namespace is among them. */
int exec_namespace_flags(const struct spec *spec, bool *ret_pid);

/* The process of --process or of the options, checked. Part of exec_plan_build. */
int exec_plan_process(struct exec_plan *plan, const struct exec_options *options,
                      struct error *err) must_check;

/*
 * Opens the root of init, where the container has no mount namespace of its own and its root is only
 * that of its processes. `init` tells that it is still init whose root it is.
 */
int exec_plan_open_root(struct exec_plan *plan, const struct process *init,
                        struct error *err) must_check;

/* Binds the calling process to the CPUs of a set list. Either side. */
int exec_bind_cpus(const struct cpulist *cpus, const char *property, struct error *err) must_check;

/* The child. Does not return. */
_Noreturn void exec_enter(struct exec_plan *plan);

/*
 * An intermediate process, for a caller without rights over its own user namespace, who may enter a
 * pid namespace only together with the user namespace that owns it: joins all namespaces, makes the
 * child as the caller's and reports its number. Does not return.
 */
_Noreturn void exec_stage(struct exec_plan *plan);

#endif
