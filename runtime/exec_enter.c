/* The child side of exec: joins the container's namespaces and becomes the program. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "namespaces/user.h"
#include "rootfs/rootfs.h"
#include "runtime/exec_plan.h"
#include "runtime/init.h"
#include "runtime/sync.h"
#include "security/landlock.h"

struct joiner {
	struct exec_plan *plan;
	int sync;
	int console;
};

static int step_signals(unused_parameter struct joiner *joiner, struct error *err)
{
	return init_enter_signals(err);
}

static int step_legacy(struct joiner *joiner, struct error *err)
{
	return cgroup_enter_legacy(&joiner->plan->legacy, err);
}

/* The child must not speak before the stage has told of it, on the same socket. */
static int step_host_ready(struct joiner *joiner, struct error *err)
{
	if (!joiner->plan->joined)
		return 0;
	return sync_expect(joiner->sync, SYNC_HOST_READY, "lvm-run", NULL, err);
}

/* All at once: with the user namespace among them the kernel checks against the new one. */
static int step_join(struct joiner *joiner, struct error *err)
{
	const struct exec_plan *plan = joiner->plan;

	if (!plan->joined && plan->namespace_flags &&
	    setns(plan->init_pidfd, plan->namespace_flags) < 0)
		return error_errno(err, "setns");
	if (!(plan->namespace_flags & CLONE_NEWUSER))
		return 0;

	int r = user_enter_root(plan->proc_fd, false, err);

	if (!lockdown_needs_proc(plan->lockdown))
		fd_close(&joiner->plan->proc_fd);

	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_errno(err, "parent death signal");
	return r;
}

static int step_root(struct joiner *joiner, struct error *err)
{
	int root = joiner->plan->root_fd;

	if (root < 0)
		return 0;
	if (fchdir(root) < 0 || chroot(".") < 0)
		return error_errno(err, "chroot");
	return 0;
}

static int step_session(unused_parameter struct joiner *joiner, struct error *err)
{
	return setsid() < 0 ? error_errno(err, "setsid") : 0;
}

static int step_terminal(struct joiner *joiner, struct error *err)
{
	const struct spec_user *user = &joiner->plan->process.user;
	int slave = -1;

	if (!joiner->plan->terminal)
		return 0;

	int r = rootfs_enter_pty(user->uid, user->gid, &joiner->console, &slave, err);

	if (r == 0)
		r = program_enter_terminal(slave, err);
	fd_close(&slave);
	return r;
}

int exec_bind_cpus(const struct cpulist *cpus, const char *property, struct error *err)
{
	if (cpus->used == 0)
		return 0;
	if (sched_setaffinity(0, sizeof(cpus->bytes),
	                      (const cpu_set_t *)(const void *)cpus->bytes) < 0)
		return error_errno(err, "process.execCPUAffinity.%s: sched_setaffinity", property);
	return 0;
}

static int step_affinity(struct joiner *joiner, struct error *err)
{
	/* config.md: without `final` it is the container's own affinity, whatever `initial` was. */
	if (joiner->plan->final_cpus.used == 0) {
		program_enter_all_cpus();
		return 0;
	}
	return exec_bind_cpus(&joiner->plan->final_cpus, "final", err);
}

static int step_limits(struct joiner *joiner, struct error *err)
{
	return lockdown_enter_created(joiner->plan->lockdown, err);
}

static int step_program(struct joiner *joiner, struct error *err)
{
	return program_enter_find(&joiner->plan->program, err);
}

static int step_close_fds(struct joiner *joiner, struct error *err)
{
	int needed[LOCKDOWN_FD_MAX + 2];
	size_t count = lockdown_needed_fds(joiner->plan->lockdown, needed);

	needed[count++] = joiner->sync;
	needed[count++] = joiner->console;
	return program_enter_close_fds(joiner->plan->kept_fds, needed, count, err);
}

static int step_created(struct joiner *joiner, struct error *err)
{
	struct sync_message created = {
		.step = SYNC_CREATED,
		.fds = &joiner->console,
		.fd_count = joiner->console >= 0,
	};

	if (prctl(PR_SET_PDEATHSIG, 0) < 0)
		return error_errno(err, "parent death signal");

	int r = sync_send(joiner->sync, &created, err);

	fd_close(&joiner->console);
	return r;
}

static int step_start(struct joiner *joiner, struct error *err)
{
	struct exec_plan *plan = joiner->plan;
	struct sync_reply reply = {.payload = plan->agent_buffer, .capacity = plan->agent_capacity};
	int r = sync_expect(joiner->sync, SYNC_START, "lvm-run", &reply, err);

	plan->agent_size = reply.size;
	return r;
}

static int step_starting(struct joiner *joiner, struct error *err)
{
	return sync_send_step(joiner->sync, SYNC_STARTING, err);
}

static int step_lockdown(struct joiner *joiner, struct error *err)
{
	const struct exec_plan *plan = joiner->plan;
	int r;

	if (!plan->landlock)
		return lockdown_enter_exec(plan->lockdown, plan->agent_buffer, plan->agent_size,
		                           err);
	/* It wants no_new_privs, and the filter may know nothing of it. */
	r = lockdown_enter_identity(plan->lockdown, err);
	if (r == 0)
		r = landlock_enter(plan->landlock, err);
	return r < 0 ? r
	             : lockdown_enter_filter(plan->lockdown, plan->agent_buffer, plan->agent_size,
	                                     err);
}

static int step_execute(struct joiner *joiner, struct error *err)
{
	return program_enter_exec(&joiner->plan->program, err);
}

static const struct {
	const char *name;
	int (*run)(struct joiner *joiner, struct error *err);
} steps[] = {
	{"signals", step_signals},
	{NULL, step_host_ready},
	{NULL, step_legacy},
	{"join namespaces", step_join},
	{"enter the root", step_root},
	{"session", step_session},
	{"terminal", step_terminal},
	{NULL, step_affinity},
	{NULL, step_limits},
	{"close descriptors", step_close_fds},
	{NULL, step_program},
	{"report", step_created},
	{NULL, step_start},
	{"report", step_starting},
	{NULL, step_lockdown},
	{NULL, step_execute},
};

/*
 * The process is in the container's sight already. Undumpable as it is, a container with CAP_SYS_PTRACE
 * in our user namespace can look into it: a directory of the host must not stay open. One with a user
 * namespace of its own has no such power over it; there the directory is closed after the join.
 */
static void close_proc(struct exec_plan *plan)
{
	if (!lockdown_needs_proc(plan->lockdown) && !(plan->namespace_flags & CLONE_NEWUSER))
		fd_close(&plan->proc_fd);
}

_Noreturn void exec_enter(struct exec_plan *plan)
{
	struct joiner joiner = {.plan = plan, .sync = plan->sync_fds[1], .console = -1};
	struct error err = {0};

	fd_close(&plan->sync_fds[0]);
	close_proc(plan);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].run(&joiner, &err) >= 0)
			continue;
		if (steps[i].name)
			(void)error_wrap(&err, "%s", steps[i].name);
		sync_send_failure(joiner.sync, &err);
		_exit(EXIT_SETUP);
	}
	_exit(EXIT_SETUP);
}

/* The pid namespace only counts for the next child, the others for the stage itself. */
static int stage_join(const struct exec_plan *plan, struct error *err)
{
	int r = init_enter_signals(err);

	if (r == 0)
		r = lockdown_apply_oom_score(plan->lockdown, 0, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return error_errno(err, "make undumpable");
	if (setns(plan->init_pidfd, plan->namespace_flags | CLONE_NEWPID) < 0)
		return error_errno(err, "join namespaces: setns");
	return 0;
}

_Noreturn void exec_stage(struct exec_plan *plan)
{
	struct clone_args args = {.flags = CLONE_PARENT};
	struct sync_message report = {.step = SYNC_PID, .size = sizeof(pid_t)};
	struct error err = {0};
	int r = stage_join(plan, &err);
	pid_t pid = r < 0 ? -1 : sys_clone3(&args);

	plan->joined = true;
	if (pid == 0)
		exec_enter(plan);
	if (r == 0 && pid < 0)
		r = error_errno(&err, "clone");
	report.payload = &pid;
	if (r == 0)
		r = sync_send(plan->sync_fds[1], &report, &err);
	if (r < 0)
		sync_send_failure(plan->sync_fds[1], &err);
	_exit(r < 0 ? EXIT_SETUP : 0);
}
