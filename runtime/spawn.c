#include "runtime/spawn.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/pidfd.h"
#include "base/sys.h"
#include "runtime/init.h"
#include "runtime/sync.h"

static struct clone_args clone_into(int cgroup_fd, int *pidfd)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)cgroup_fd;
	}
	return args;
}

/* The cgroup namespace is unshared by init, once it is in its cgroup. */
static uint64_t namespace_flags(const struct init_plan *plan)
{
	return plan->namespaces.clone_flags & ~(uint64_t)CLONE_NEWCGROUP;
}

static int explain_clone(struct error *err, const struct init_plan *plan)
{
	if (errno == ENOSPC || errno == EUSERS)
		return error_errno(
			err, "clone init: too many namespaces (sysctl user.max_*_namespaces)");
	if (errno == EACCES)
		return error_errno(
			err,
			"clone init into its cgroup: that and the own cgroup must lie below one "
			"that is delegated to this user (start lvm-run by systemd-run --user "
			"--scope -p Delegate=yes)");
	if (errno == EPERM && plan->new_user_namespace)
		return error_errno(err, "clone init: user namespaces may be forbidden here (see "
		                        "`lvm-run doctor`)");
	return error_errno(err, "clone init");
}

/*
 * The stage's last word. Init holds the other end of the socket too, so that the end of the stage
 * would not end a plain wait.
 */
static int receive_pid(int sync, const struct process *stage, pid_t *ret, struct error *err)
{
	struct sync_reply reply = {.payload = (char *)ret, .capacity = sizeof(*ret)};
	struct pollfd either[] = {
		{.fd = sync, .events = POLLIN},
		{.fd = stage->pidfd, .events = POLLIN},
	};
	int ready = 0;

	do
		ready = poll(either, ARRAY_SIZE(either), -1);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return error_errno(err, "wait for the stage");
	/* It may have ended after it spoke: what both say is looked at in this order, and once more. */
	if (!either[0].revents && poll(either, 1, 0) <= 0)
		return error_set(err, EPIPE, "stage exited before %s", sync_step_name(SYNC_PID));

	int r = sync_expect(sync, SYNC_PID, "stage", &reply, err);

	if (r == 0 && reply.size != sizeof(*ret))
		return error_set(err, EPROTO, "stage: broken report");
	return r;
}

int spawn_take_from_stage(int sync, struct process *stage, struct process *ret, struct error *err)
{
	struct error reaping;
	pid_t pid = -1;
	int status = 0;
	int r = receive_pid(sync, stage, &pid, err);
	int reaped = process_reap(stage, &status, &reaping);

	if (r == 0 && reaped < 0) {
		*err = reaping;
		r = reaped;
	}
	if (r < 0)
		return r;
	/* Our own child that nobody has reaped: the number cannot mean another process. */
	ret->pidfd = pidfd_open(pid, 0);
	ret->pid = pid;
	return ret->pidfd < 0 ? error_errno(err, "pidfd_open %d", pid) : 0;
}

static int spawn_by_stage(struct init_plan *plan, int cgroup_fd, struct process *ret,
                          struct error *err)
{
	scoped_process stage = {.pidfd = -1};
	struct clone_args args = clone_into(cgroup_fd, &stage.pidfd);

	stage.pid = sys_clone3(&args);
	if (stage.pid < 0)
		return explain_clone(err, plan);
	if (stage.pid == 0)
		init_stage(plan, namespace_flags(plan));
	fd_close(&plan->sync_fds[1]);
	return spawn_take_from_stage(plan->sync_fds[0], &stage, ret, err);
}

int spawn_init(struct init_plan *plan, int cgroup_fd, struct process *ret, struct error *err)
{
	if (plan->namespaces.needs_stage)
		return spawn_by_stage(plan, cgroup_fd, ret, err);

	int pidfd = -1;
	struct clone_args args = clone_into(cgroup_fd, &pidfd);

	args.flags |= namespace_flags(plan);

	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return explain_clone(err, plan);
	if (pid == 0)
		init_main(plan);
	fd_close(&plan->sync_fds[1]);
	*ret = (struct process){.pid = pid, .pidfd = pidfd};
	return 0;
}

void spawn_destroy(struct process *process)
{
	struct error ignored;
	int status = 0;

	if (process->pidfd < 0)
		return;
	(void)!process_signal(process, SIGKILL, &ignored);
	(void)!process_reap(process, &status, &ignored);
	process_done(process);
}
