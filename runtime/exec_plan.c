#include "runtime/exec_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "base/fd.h"
#include "namespaces/namespaces.h"
#include "runtime/plan.h"
#include "runtime/sync.h"

void exec_plan_done(struct exec_plan *plan)
{
	lockdown_plan_free(&plan->lockdown);
	cgroup_legacy_done(&plan->legacy);
	fd_close(&plan->proc_fd);
	fd_close(&plan->root_fd);
	fd_close(&plan->sync_fds[0]);
	fd_close(&plan->sync_fds[1]);
	spec_free(&plan->process_spec);
	spec_free(&plan->spec);
	arena_done(&plan->arena);
}

/* Those that the container does not share with us: new ones and joined ones alike. */
int exec_namespace_flags(const struct spec *spec, bool *ret_pid)
{
	const struct spec_namespace *all = spec->linux.namespaces;
	const char *user = all[NAMESPACE_USER].path;
	int flags = 0;

	for (int type = 0; type < NAMESPACE_TYPE_COUNT; type++)
		if (all[type].set && type != NAMESPACE_PID)
			flags |= namespace_clone_flag((enum spec_namespace_type)type);
	if (user && namespace_is_own_user(user))
		flags &= ~CLONE_NEWUSER;
	*ret_pid = all[NAMESPACE_PID].set;
	return flags;
}

static int parse_cpus(const char *list, const char *property, struct cpulist *ret,
                      struct error *err)
{
	int r = list ? cpulist_parse(list, ret) : 0;

	if (r < 0)
		return error_set(err, -r, "process.execCPUAffinity.%s: \"%s\" is no list of CPUs",
		                 property, list);
	return 0;
}

static int prepare_affinity(struct exec_plan *plan, struct error *err)
{
	const struct spec_process *process = &plan->process;
	int r = parse_cpus(process->exec_cpu_affinity_initial, "initial", &plan->initial_cpus, err);

	return r < 0 ? r
	             : parse_cpus(process->exec_cpu_affinity_final, "final", &plan->final_cpus,
	                          err);
}

int exec_plan_build(struct exec_plan *plan, const struct exec_options *options, struct spec *spec,
                    int cache_fd, struct error *err)
{
	unsigned int listen_fds = program_listen_fds();

	plan->spec = spec;
	plan->landlock = options->landlock;
	plan->proc_fd = fd_open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (plan->proc_fd < 0)
		return error_errno(err, "open /proc");
	plan->namespace_flags = exec_namespace_flags(spec, &plan->pid_namespace);

	int r = exec_plan_process(plan, options, err);

	if (r == 0)
		r = prepare_affinity(plan, err);
	if (r < 0)
		return r;

	struct lockdown_request lockdown = {
		.process = &plan->process,
		.seccomp = &spec->linux.seccomp,
		.personality = &spec->linux.personality,
		.memory_policy = &spec->linux.memory_policy,
		.user_namespace = plan->namespace_flags & CLONE_NEWUSER,
		/* The caller's has keys of the host: only as create was told. */
		.keyring = plan->callers_keyring ? NULL : "exec",
		.proc_fd = plan->proc_fd,
		.cache_fd = cache_fd,
		.oom_score_by_host = true,
	};

	plan->kept_fds = listen_fds + options->preserve_fds;
	r = lockdown_prepare(&lockdown, &plan->lockdown, err);
	if (r == 0)
		r = program_prepare(&plan->arena, &plan->process, listen_fds, &plan->program, err);
	if (r < 0)
		return r;
	if (lockdown_wants_agent_state(plan->lockdown)) {
		plan->agent_capacity = plan_state_limit(spec);
		plan->agent_buffer = arena_alloc(&plan->arena, plan->agent_capacity, 1);
		if (!plan->agent_buffer)
			return error_code(err, ENOMEM, "prepare exec");
	}
	return sync_pair(plan->sync_fds, err);
}

int exec_plan_open_root(struct exec_plan *plan, const struct process *init, struct error *err)
{
	const struct spec_namespace *mount = &plan->spec->linux.namespaces[NAMESPACE_MOUNT];
	char path[24];

	if (mount->set && !mount->path)
		return 0;
	(void)snprintf(path, sizeof(path), "%d/root", init->pid);
	plan->root_fd = openat(plan->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (plan->root_fd < 0)
		return error_errno(err, "root of the container");
	return process_signal(init, 0, err);
}
