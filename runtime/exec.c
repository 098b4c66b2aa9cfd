/* exec: another process in a running container. Host half. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/resctrl.h"
#include "runtime/announce.h"
#include "runtime/container.h"
#include "runtime/descriptors.h"
#include "runtime/exec_group.h"
#include "runtime/exec_plan.h"
#include "runtime/foreground.h"
#include "runtime/spawn.h"
#include "runtime/sync.h"

/* The guard of the process in the making. */
struct joining {
	const struct exec_options *options;
	struct container container;
	struct process init;
	struct exec_plan plan;
	struct process process;
	struct foreground foreground;
	int console;
	bool by_stage; /* through exec_stage */
	bool pid_file_written;
	bool kept;
};

static void joining_done(struct joining *joining)
{
	if (!joining->kept) {
		spawn_destroy(&joining->process);
		if (joining->pid_file_written)
			(void)unlink(joining->options->pid_file);
	}
	foreground_end(&joining->foreground);
	process_done(&joining->process);
	process_done(&joining->init);
	fd_close(&joining->console);
	exec_plan_done(&joining->plan);
	container_done(&joining->container);
}

#define JOINING_NONE                                                                               \
	{                                                                                          \
		.container = CONTAINER_NONE, .init = {.pidfd = -1}, .plan = EXEC_PLAN_NONE,        \
		.process = {.pidfd = -1}, .console = -1                                            \
	}
#define scoped_joining scoped(joining_done) struct joining

static int check_terminal(const struct joining *joining, struct error *err)
{
	const struct exec_options *options = joining->options;

	if (joining->plan.terminal && options->detach && !options->console_socket)
		return error_set(err, EINVAL, "a detached terminal needs --console-socket");
	if (options->console_socket && !(joining->plan.terminal && options->detach))
		return error_set(err, EINVAL,
		                 "--console-socket: only for a detached process with a terminal");
	return 0;
}

static int prepare(struct joining *joining, struct store *store, struct error *err)
{
	const struct exec_options *options = joining->options;
	enum container_verb verb = options->ignore_paused ? VERB_EXEC_PAUSED : VERB_EXEC;
	struct spec *spec = NULL;
	int r = descriptors_guard(program_listen_fds() + options->preserve_fds, err);

	if (r == 0)
		r = container_open(store, options->id, verb, &joining->container, err);
	if (r == 0)
		r = container_process(&joining->container, &joining->init, err);
	if (r == 0 && joining->container.record.own_rules && !options->seccomp)
		r = error_set(
			err, EPERM,
			"a sandbox lets nobody in: its filter and its Landlock rules are for its "
			"own command alone");
	if (r == 0)
		r = container_spec(&joining->container, &spec, err);
	if (r != 0)
		return r;
	if (options->seccomp)
		spec->linux.seccomp = *options->seccomp;

	scoped_fd cache = spec->linux.seccomp.set ? store_open_cache(store) : -1;

	joining->plan.callers_keyring = joining->container.record.callers_keyring;
	r = exec_plan_build(&joining->plan, options, spec, cache, err);
	joining->plan.init_pidfd = joining->init.pidfd;
	if (r == 0)
		r = exec_plan_open_root(&joining->plan, &joining->init, err);
	return r < 0 ? r : check_terminal(joining, err);
}

/* The child of exec in the group `group_fd` (−1: ours), with a pidfd; −errno, *err untouched. */
static int clone_into(struct joining *joining, int group_fd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};

	if (group_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)group_fd;
	}

	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return -errno;
	if (pid == 0 && joining->by_stage)
		exec_stage(&joining->plan);
	if (pid == 0)
		exec_enter(&joining->plan);
	joining->process = (struct process){.pid = pid, .pidfd = pidfd};
	return 0;
}

/* The container's group, or the one that init has moved to when the former admits no process. */
static int clone_child(struct joining *joining, struct error *err)
{
	const char *sub = joining->options->cgroup;
	scoped_fd group = -1;
	int r = exec_group_open(&joining->container, sub, &group, &joining->plan.legacy, err);

	if (r < 0)
		return r;
	r = clone_into(joining, group);
	if (r == -EBUSY && !sub) {
		fd_close(&group);
		r = exec_group_open_of_init(&joining->container, &group, err);
		if (r < 0)
			return r;
		r = clone_into(joining, group);
	}
	return r < 0 ? error_code(err, -r, "clone") : 0;
}

/*
 * For our children only, so that one clone suffices. Who has no rights in the own user namespace may
 * not: a stage then enters it together with the container's.
 */
static int join_pid_namespace(struct joining *joining, struct error *err)
{
	const struct exec_plan *plan = &joining->plan;

	if (!plan->pid_namespace || setns(plan->init_pidfd, CLONE_NEWPID) == 0)
		return 0;
	if (errno != EPERM || !(plan->namespace_flags & CLONE_NEWUSER))
		return error_errno(err, "join pid namespace");
	joining->by_stage = true;
	return 0;
}

/* A caller that goes on after this makes its next children in its own again. */
static int leave_pid_namespace(const struct joining *joining, struct error *err)
{
	const struct exec_plan *plan = &joining->plan;

	if (!joining->options->ret_process || !plan->pid_namespace || joining->by_stage)
		return 0;

	scoped_fd own = openat(plan->proc_fd, "self/ns/pid", O_RDONLY | O_CLOEXEC);

	return own < 0 || setns(own, CLONE_NEWPID) < 0 ? error_errno(err, "own pid namespace") : 0;
}

static int end_stage(struct joining *joining, struct error *err)
{
	scoped_process stage = joining->process;

	joining->process = (struct process){.pidfd = -1};

	const int sync = joining->plan.sync_fds[0];
	int r = spawn_take_from_stage(sync, &stage, &joining->process, err);

	return r < 0 ? r : sync_send_step(sync, SYNC_HOST_READY, err);
}

/* Each step that the child takes. Where it is late, waiting for the next one fails. */
static int limit_patience(const struct joining *joining, struct error *err)
{
	const uint64_t ms = joining->options->patience_ms;
	const struct timeval limit = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	if (ms && setsockopt(joining->plan.sync_fds[0], SOL_SOCKET, SO_RCVTIMEO, &limit,
	                     sizeof(limit)) < 0)
		return error_errno(err, "limit of the wait");
	return 0;
}

/* Until the program runs, no process of the container may look into the child (CVE-2016-9962). */
static int spawn(struct joining *joining, struct error *err)
{
	struct exec_plan *plan = &joining->plan;
	int r = exec_bind_cpus(&plan->initial_cpus, "initial", err);

	if (r == 0)
		r = limit_patience(joining, err);
	if (r < 0)
		return r;
	if (join_pid_namespace(joining, err) < 0)
		return -err->code;
	/* A stage does it itself, when it has made use of its own files in /proc, which are then root's. */
	if (!joining->by_stage && prctl(PR_SET_DUMPABLE, 0) < 0)
		return error_errno(err, "make undumpable");
	r = clone_child(joining, err);
	fd_close(&plan->sync_fds[1]);
	if (r == 0)
		r = leave_pid_namespace(joining, err);
	return r == 0 && joining->by_stage ? end_stage(joining, err) : r;
}

static int announce(struct joining *joining, struct error *err)
{
	const struct exec_options *options = joining->options;
	const struct spec_process *process = &joining->plan.process;
	int r = 0;

	if (joining->console >= 0)
		r = announce_resize(joining->console, process->console_height,
		                    process->console_width, err);
	if (joining->console >= 0 && !options->console_socket)
		foreground_copy_size(joining->console);
	if (r == 0 && options->console_socket) {
		r = announce_fd(options->console_socket, joining->console, err);
		fd_close(&joining->console);
	}
	if (r == 0 && options->pidfd_socket)
		r = announce_fd(options->pidfd_socket, joining->process.pidfd, err);
	if (r == 0 && options->pid_file) {
		r = announce_pid(options->pid_file, joining->process.pid, err);
		joining->pid_file_written = r == 0;
	}
	return r;
}

static int send_start(struct joining *joining, struct error *err)
{
	const struct exec_plan *plan = &joining->plan;
	struct sync_message start = {.step = SYNC_START};
	struct state_view view = {
		.status = container_status_name(joining->container.status),
		.pid = joining->process.pid,
		.record = &joining->container.record,
	};
	scoped_str state = NULL;

	if (plan->agent_buffer) {
		state = state_encode_seccomp(&view, plan->spec->linux.seccomp.listener_metadata);
		if (!state)
			return error_code(err, ENOMEM, "state for the seccomp agent");
		start.payload = state;
		start.size = strlen(state);
	}
	return sync_send(plan->sync_fds[0], &start, err);
}

/* Its parent is this command, so it was not born into the container's class of service. */
static int join_resctrl(struct joining *joining, struct error *err)
{
	const struct spec_intel_rdt *rdt = &joining->plan.spec->linux.intel_rdt;
	struct resctrl resctrl;

	if (!rdt->set)
		return 0;

	int r = resctrl_find(rdt, joining->options->id, &joining->plan.arena, &resctrl, err);

	return r < 0 ? r : resctrl_add(&resctrl, joining->process.pid, err);
}

static int converse(struct joining *joining, struct error *err)
{
	int sync = joining->plan.sync_fds[0];
	struct sync_reply reply = {.fds = &joining->console, .fd_capacity = 1};
	int r = sync_expect(sync, SYNC_CREATED, "exec", &reply, err);

	if (r == 0)
		r = lockdown_apply_oom_score(joining->plan.lockdown, joining->process.pid, err);
	if (r == 0)
		r = join_resctrl(joining, err);
	if (r == 0)
		r = announce(joining, err);
	/* Not earlier: until there is a program to forward signals to, they end this command. */
	if (r == 0 && !joining->options->detach)
		r = foreground_begin(&joining->foreground, err);
	if (r == 0)
		r = send_start(joining, err);
	return r < 0 ? r : sync_expect_exec(sync, "exec", err);
}

int container_exec(struct store *store, const struct exec_options *options, int *ret_exit,
                   struct error *err)
{
	scoped_joining joining = JOINING_NONE;
	int status = 0;

	joining.options = options;

	int r = prepare(&joining, store, err);

	if (r < 0)
		return r;

	r = spawn(&joining, err);
	/* The child is frozen with the others until somebody who needs the lock resumes them. */
	if (r == 0 && joining.container.status == STATUS_PAUSED)
		store_entry_unlock(&joining.container.entry);
	if (r == 0)
		r = converse(&joining, err);
	if (r < 0)
		return r;
	joining.kept = true;
	*ret_exit = 0;
	if (options->ret_process) {
		*options->ret_process = joining.process;
		joining.process = (struct process){.pidfd = -1};
	}
	if (options->detach)
		return 0;
	store_entry_unlock(&joining.container.entry);
	r = foreground_wait(&joining.foreground, &joining.process, &joining.console, &status, err);
	*ret_exit = process_exit_code(status);
	return r;
}
