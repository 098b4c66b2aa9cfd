#include "runtime/init.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/sys.h"
#include "namespaces/sysctl.h"
#include "namespaces/time.h"
#include "namespaces/user.h"
#include "namespaces/uts.h"
#include "net/loopback.h"
#include "runtime/hooks.h"
#include "runtime/reaper.h"
#include "runtime/sync.h"

/* What the steps share. Init never returns from init_main, so nothing is freed here. */
struct init {
	struct init_plan *plan;
	int sync;      /* the conversation with create or run */
	int talk;      /* where the end is reported: the sync socket, or start's connection */
	bool confined; /* the first half of the lockdown is done */
	int console;   /* the pty's master on its way to the host; −1: none */
};

static bool is_new(const struct init *init, enum spec_namespace_type type)
{
	const struct spec_namespace *namespace = &init->plan->spec->linux.namespaces[type];

	return namespace->set && !namespace->path;
}

/* --- Before the root --- */

int init_enter_signals(struct error *err)
{
	sigset_t none;

	process_reset_signals();
	if (sigemptyset(&none) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return error_errno(err, "signal mask");
	/* Until CREATED the host's death ends us; afterwards the end of the sync socket does. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_errno(err, "parent death signal");
	return 0;
}

static int step_signals(unused_parameter struct init *init, struct error *err)
{
	return init_enter_signals(err);
}

/* Before there is a child, and before a cgroup namespace makes this place its root. */
static int step_legacy(struct init *init, struct error *err)
{
	return cgroup_enter_legacy(&init->plan->legacy, err);
}

static int step_join(struct init *init, struct error *err)
{
	const struct namespace_plan *namespaces = &init->plan->namespaces;

	if (namespaces->needs_stage || namespaces->join_count == 0)
		return 0;
	return namespaces_enter(namespaces, err);
}

static int step_host_ready(struct init *init, struct error *err)
{
	if (!init->plan->needs_host)
		return 0;
	return sync_expect(init->sync, SYNC_HOST_READY, "lvm-run", NULL, err);
}

/* In a user namespace, new or joined, the ids of the host could own nothing that is made from here. */
static int step_root(struct init *init, struct error *err)
{
	if (!init->plan->user_namespace)
		return 0;

	int r = user_enter_root(init->plan->proc_fd, init->plan->spec->process.user.keep_groups,
	                        err);

	/* Taking new ids clears it (prctl(2)). */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return error_errno(err, "parent death signal");
	return r;
}

/* Not part of the clone: there its root would be the host's group, not the container's. */
static int step_cgroup_namespace(struct init *init, struct error *err)
{
	if (is_new(init, NAMESPACE_CGROUP) && unshare(CLONE_NEWCGROUP) < 0)
		return error_errno(err, "unshare");
	return 0;
}

static int step_session(unused_parameter struct init *init, struct error *err)
{
	return setsid() < 0 ? error_errno(err, "setsid") : 0;
}

static int step_loopback(struct init *init, struct error *err)
{
	return is_new(init, NAMESPACE_NETWORK) ? loopback_enter_up(err) : 0;
}

static int step_hostname(struct init *init, struct error *err)
{
	const struct spec *spec = init->plan->spec;

	if (!spec->hostname && !spec->domainname)
		return 0;
	return uts_enter(spec->hostname, spec->domainname, err);
}

/* --- The root --- */

static int step_mounts(struct init *init, struct error *err)
{
	return init->plan->new_mount_namespace ? rootfs_enter_mounts(init->plan->rootfs, err) : 0;
}

static int step_hooks_before_pivot(struct init *init, struct error *err)
{
	struct init_plan *plan = init->plan;
	struct sync_reply reply = {.payload = plan->state_buffer, .capacity = plan->buffer_size};

	if (!plan->hooks_before_pivot)
		return 0;

	int r = sync_send_step(init->sync, SYNC_MOUNTS_READY, err);

	if (r == 0)
		r = sync_expect(init->sync, SYNC_HOOKS_DONE, "lvm-run", &reply, err);
	if (r < 0)
		return r;
	plan->state_size = reply.size;
	return hooks_run(plan->spec, HOOK_CREATE_CONTAINER, plan->state_buffer, plan->state_size,
	                 NULL, err);
}

static int step_console(struct init *init, struct error *err)
{
	const struct spec_process *process = &init->plan->spec->process;
	int slave = -1;

	if (!process->terminal)
		return 0;

	int r = rootfs_enter_console(init->plan->rootfs, process->user.uid, process->user.gid,
	                             &init->console, &slave, err);

	if (r == 0)
		r = program_enter_terminal(slave, err);
	fd_close(&slave);
	return r;
}

/* A mount namespace that is joined has its root; without any the root is changed all the same. */
static int step_pivot(struct init *init, struct error *err)
{
	const struct init_plan *plan = init->plan;

	if (plan->spec->linux.namespaces[NAMESPACE_MOUNT].path)
		return 0;
	return rootfs_enter_pivot(plan->rootfs, err);
}

static int step_sysctl(struct init *init, struct error *err)
{
	const struct spec_linux *linux_spec = &init->plan->spec->linux;

	if (linux_spec->sysctl_count == 0)
		return 0;
	return sysctl_enter(init->plan->proc_fd, linux_spec->sysctl, linux_spec->sysctl_count, err);
}

/* --- The program --- */

static int step_cpus(unused_parameter struct init *init, unused_parameter struct error *err)
{
	program_enter_all_cpus();
	return 0;
}

static int step_limits(struct init *init, struct error *err)
{
	return init->plan->lockdown ? lockdown_enter_created(init->plan->lockdown, err) : 0;
}

static int step_program(struct init *init, struct error *err)
{
	if (!init->plan->spec->has_process)
		return 0;
	return program_enter_find(&init->plan->program, err);
}

static int step_close_fds(struct init *init, struct error *err)
{
	int needed[LOCKDOWN_FD_MAX + 5];
	size_t count = 0;

	if (init->plan->lockdown)
		count = lockdown_needed_fds(init->plan->lockdown, needed);
	needed[count++] = init->sync;
	needed[count++] = init->plan->listen_fd;
	needed[count++] = init->console;
	needed[count++] = init->plan->reaper_fd;
	needed[count++] = init->plan->hold_fd;
	return program_enter_close_fds(init->plan->kept_fds, needed, count, err);
}

/* From here on the end of the sync socket tells of the host's death, until COMMIT or START. */
static int step_created(struct init *init, struct error *err)
{
	struct sync_message created = {
		.step = SYNC_CREATED,
		.fds = &init->console,
		.fd_count = init->console >= 0,
	};

	if (prctl(PR_SET_PDEATHSIG, 0) < 0)
		return error_errno(err, "parent death signal");

	int r = sync_send(init->sync, &created, err);

	fd_close(&init->console);
	return r;
}

static int step_commit(struct init *init, struct error *err)
{
	struct init_plan *plan = init->plan;
	struct sync_reply reply = {.payload = plan->agent_buffer, .capacity = plan->buffer_size};

	if (plan->listen_fd < 0 && !plan->agent_buffer)
		return 0;

	int r = sync_expect(init->sync, SYNC_COMMIT, "lvm-run", &reply, err);

	plan->agent_size = reply.size;
	return r;
}

/* Waits until a start command connects. One that goes away without a word is forgotten. */
static int step_start(struct init *init, struct error *err)
{
	struct init_plan *plan = init->plan;
	struct sync_reply reply = {.payload = plan->state_buffer, .capacity = plan->buffer_size};
	int r = 0;

	if (plan->listen_fd < 0) {
		r = sync_expect(init->sync, SYNC_START, "lvm-run", &reply, err);
	} else {
		fd_close(&init->sync);
		do {
			fd_close(&init->talk);
			init->talk = accept4(plan->listen_fd, NULL, NULL, SOCK_CLOEXEC);
			if (init->talk < 0 && errno != EINTR && errno != ECONNABORTED)
				return error_errno(err, "accept");
			r = init->talk < 0
			            ? -EINTR
			            : sync_expect(init->talk, SYNC_START, "lvm-run", &reply, err);
		} while (r < 0);
		fd_close(&plan->listen_fd);
	}
	if (r == 0 && plan->state_buffer)
		plan->state_size = reply.size;
	return r;
}

static int check_process(const struct init *init, struct error *err)
{
	return init->plan->lockdown ? 0
	                            : error_set(err, EINVAL, "process: the configuration has none");
}

/* Their programs lie in the container, so they get no more rights than its own program. */
static int step_start_hooks(struct init *init, struct error *err)
{
	const struct init_plan *plan = init->plan;

	if (plan->spec->hooks[HOOK_START_CONTAINER].count == 0)
		return 0;

	int r = check_process(init, err);

	if (r == 0)
		r = lockdown_enter_identity(plan->lockdown, err);
	if (r < 0)
		return r;
	init->confined = true;
	return hooks_run(plan->spec, HOOK_START_CONTAINER, plan->state_buffer, plan->state_size,
	                 NULL, err);
}

static int step_starting(struct init *init, struct error *err)
{
	return sync_send_step(init->talk, SYNC_STARTING, err);
}

/*
 * Init stays as pid 1 with the program's rights, unseen by it (not dumpable), and the program goes on
 * as its child: what follows is the child's alone.
 */
static int step_reaper(struct init *init, struct error *err)
{
	const struct init_plan *plan = init->plan;
	int r = 0;

	if (plan->reaper_fd < 0)
		return 0;
	r = check_process(init, err);
	if (r == 0 && !init->confined)
		r = lockdown_enter_identity(plan->lockdown, err);
	if (r < 0)
		return r;
	init->confined = true;
	return reaper_enter(plan->reaper_fd, init->talk, plan->spec->process.terminal, err);
}

/* Only after no_new_privs, which a reaper's program has by now. */
static int step_landlock(struct init *init, struct error *err)
{
	const struct init_plan *plan = init->plan;

	return plan->landlock && init->confined ? landlock_enter(plan->landlock, err) : 0;
}

static int step_lockdown(struct init *init, struct error *err)
{
	const struct init_plan *plan = init->plan;

	if (check_process(init, err) < 0)
		return -err->code;
	if (init->confined)
		return lockdown_enter_filter(plan->lockdown, plan->agent_buffer, plan->agent_size,
		                             err);
	return lockdown_enter_exec(plan->lockdown, plan->agent_buffer, plan->agent_size, err);
}

static int step_execute(struct init *init, struct error *err)
{
	return program_enter_exec(&init->plan->program, err);
}

/*
 * The whole of init, in order. A step that a container does not need returns at once. The name is
 * the error's context; where the error already says all, it is null.
 */
static const struct {
	const char *name;
	int (*run)(struct init *init, struct error *err);
} steps[] = {
	{"signals", step_signals},
	{NULL, step_legacy},
	{"join namespaces", step_join},
	{NULL, step_host_ready},
	{NULL, step_root},
	{"cgroup namespace", step_cgroup_namespace},
	{"session", step_session},
	{"loopback interface", step_loopback},
	{"hostname", step_hostname},
	{NULL, step_mounts},
	{NULL, step_hooks_before_pivot},
	{"terminal", step_console},
	{NULL, step_pivot},
	{NULL, step_sysctl},
	{NULL, step_cpus},
	{NULL, step_limits},
	/* Before the container's paths are looked up: they may lead through /proc/self/fd. */
	{"close descriptors", step_close_fds},
	{NULL, step_program},
	{"report", step_created},
	{NULL, step_commit},
	{NULL, step_start},
	{NULL, step_start_hooks},
	{"report", step_starting},
	{"reaper", step_reaper},
	{"Landlock", step_landlock},
	{NULL, step_lockdown},
	{NULL, step_execute},
};

_Noreturn void init_main(struct init_plan *plan)
{
	struct init init = {
		.plan = plan,
		.sync = plan->sync_fds[1],
		.talk = plan->listen_fd < 0 ? plan->sync_fds[1] : -1,
		.console = -1,
	};
	struct error err = {0};

	/* Only the host may hold its end, or we would never see it close. */
	fd_close(&plan->sync_fds[0]);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i].run(&init, &err) >= 0)
			continue;
		if (steps[i].name)
			(void)error_wrap(&err, "%s", steps[i].name);
		sync_send_failure(init.talk >= 0 ? init.talk : init.sync, &err);
		_exit(EXIT_SETUP);
	}
	_exit(EXIT_SETUP); /* not reached: the last step executes or fails */
}

/* --- The intermediate process --- */

/*
 * Who lives in a pid namespace that init joins could look into it, and through it at the host, until
 * it is confined. A user without privilege could then write no maps; but there the namespace's
 * processes have no power over that of init.
 */
static int hide_from_joined(const struct init_plan *plan, struct error *err)
{
	const struct namespace_plan *namespaces = &plan->namespaces;
	bool joins = false;

	for (unsigned int i = 0; i < namespaces->join_count; i++)
		joins |= namespaces->joins[i].type == NAMESPACE_PID;
	if (!joins || (plan->new_user_namespace && geteuid() != 0))
		return 0;
	return prctl(PR_SET_DUMPABLE, 0) < 0 ? error_errno(err, "make undumpable") : 0;
}

static int stage_prepare(struct init_plan *plan, struct error *err)
{
	const struct spec_linux *linux_spec = &plan->spec->linux;
	int r = init_enter_signals(err);

	if (r == 0)
		r = cgroup_enter_legacy(&plan->legacy, err);
	if (r == 0)
		r = hide_from_joined(plan, err);
	if (r == 0)
		r = namespaces_enter(&plan->namespaces, err);
	if (r == 0 && plan->namespaces.new_time_offsets)
		r = time_enter_new(plan->proc_fd, &linux_spec->monotonic_offset,
		                   &linux_spec->boottime_offset, err);
	return r;
}

_Noreturn void init_stage(struct init_plan *plan, uint64_t clone_flags)
{
	struct clone_args args = {.flags = clone_flags | CLONE_PARENT};
	struct sync_message report = {.step = SYNC_PID, .size = sizeof(pid_t)};
	struct error err = {0};
	int r = stage_prepare(plan, &err);
	pid_t pid = r < 0 ? -1 : sys_clone3(&args);

	if (pid == 0)
		init_main(plan);
	if (r == 0 && pid < 0)
		r = error_errno(&err, "clone init");
	report.payload = &pid;
	if (r == 0)
		r = sync_send(plan->sync_fds[1], &report, &err);
	if (r < 0)
		sync_send_failure(plan->sync_fds[1], &err);
	_exit(r < 0 ? EXIT_SETUP : 0);
}
