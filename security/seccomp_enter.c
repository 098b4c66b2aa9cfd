#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/sys.h"
#include "security/seccomp.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static const struct {
	unsigned int flag;
	const char *name;
} flag_names[] = {
	{SECCOMP_FILTER_FLAG_TSYNC, "SECCOMP_FILTER_FLAG_TSYNC"},
	{SECCOMP_FILTER_FLAG_LOG, "SECCOMP_FILTER_FLAG_LOG"},
	{SECCOMP_FILTER_FLAG_SPEC_ALLOW, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"},
	{SECCOMP_FILTER_FLAG_NEW_LISTENER, "SECCOMP_FILTER_FLAG_NEW_LISTENER (SCMP_ACT_NOTIFY)"},
};

/* Without a program the kernel only looks at the flags: EFAULT for those it knows. */
static bool kernel_knows_flags(unsigned int flags)
{
	return sys_seccomp(SECCOMP_SET_MODE_FILTER, flags, NULL) == 0 || errno != EINVAL;
}

static int load_failed(const struct seccomp_plan *plan, int code, struct error *err)
{
	const unsigned int killable = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

	for (size_t i = 0; code == EINVAL && i < ARRAY_SIZE(flag_names); i++)
		if (plan->flags & flag_names[i].flag && !kernel_knows_flags(flag_names[i].flag))
			return error_set(err, EINVAL, "this kernel does not support %s",
			                 flag_names[i].name);
	if (code == EINVAL && plan->flags & killable &&
	    !kernel_knows_flags(killable | SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return error_set(
			err, EINVAL,
			"this kernel does not support SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
	if (code == EACCES)
		return error_set(
			err, EACCES,
			"load the filter: Permission denied (without process.noNewPrivileges it "
			"needs CAP_SYS_ADMIN)");
	if (code == EBUSY)
		return error_set(
			err, EBUSY,
			"load the filter: the runtime runs under a filter with a listener itself, "
			"and the kernel allows one");
	return error_code(err, code, "load the filter of %zu instructions", plan->program.count);
}

static int load(const struct seccomp_plan *plan, struct error *err)
{
	const struct sock_fprog program = {
		.len = (unsigned short)plan->program.count,
		.filter = plan->program.instructions,
	};
	int r = sys_seccomp(SECCOMP_SET_MODE_FILTER, plan->flags, (void *)&program);

	if (r < 0)
		return load_failed(plan, errno, err);
	if (r > 0 && plan->agent_fd < 0) /* the id of a thread that TSYNC could not reach */
		return error_set(err, ESRCH, "load the filter: there is another thread");
	return r;
}

/*
 * What the two threads share. They also share errno: the sender touches it only between `listener`
 * being set and `result` being set, and then the other one is waiting.
 */
struct handover {
	int agent_fd;
	const char *state;
	size_t state_size;
	atomic_int listener; /* −1: not there yet, −2: there will be none */
	atomic_int result;   /* 0: not done, 1: done, −errno: failed */
};
enum { LISTENER_PENDING = -1, LISTENER_NONE = -2 };

/* The first message carries the descriptor, whatever of the text goes with it. */
static ssize_t send_part(const struct handover *handover, int listener, size_t done)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec text = {
		.iov_base = (void *)(uintptr_t)(handover->state + done),
		.iov_len = handover->state_size - done,
	};
	struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1};

	if (done == 0) {
		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &listener, sizeof(int));
	}
	return sendmsg(handover->agent_fd, &message, MSG_NOSIGNAL);
}

static int send_listener(const struct handover *handover, int listener)
{
	for (size_t done = 0; done < handover->state_size;) {
		ssize_t sent = send_part(handover, listener, done);

		if (sent < 0 && errno != EINTR)
			return -errno;
		done += sent > 0 ? (size_t)sent : 0;
	}
	return 1;
}

/*
 * The sending thread. No lock and no wake-up could be used from the other side of the filter, so it
 * yields until the filter is loaded, some hundred microseconds. Its copy of the listener is the
 * process's only one: closed, so that the agent's end ends the waiting when the agent dies.
 */
static int sender_main(void *data)
{
	struct handover *handover = data;
	int listener, result;

	while ((listener = atomic_load(&handover->listener)) == LISTENER_PENDING)
		sched_yield();
	if (listener == LISTENER_NONE)
		return 0;
	result = send_listener(handover, listener);
	close(listener);
	atomic_store(&handover->result, result);
	return 0;
}

/*
 * The libc's own way into a thread. Its public name makes none in musl since 1.2.5, because such a
 * thread has no thread data of its own; ours calls nothing that would need any.
 */
int __clone(int (*function)(void *), void *stack, int flags, void *data, ...);

static int load_with_agent(const struct seccomp_plan *plan, const char *state, size_t state_size,
                           struct error *err)
{
	const int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	/* Below the thread's stack, because the thread may look at it after this function returned. */
	struct handover *handover = plan->sender_stack;
	char *stack = plan->sender_stack;
	int listener, result;

	if (!state || state_size == 0)
		return error_set(err, EINVAL, "no state for the seccomp agent");
	*handover = (struct handover){
		.agent_fd = plan->agent_fd,
		.state = state,
		.state_size = state_size,
		.listener = LISTENER_PENDING,
	};

	/* A thread and not a child: execve ends it, and the container's program gets no zombie. */
	if (__clone(sender_main, stack + SECCOMP_SENDER_STACK_SIZE, flags, handover) < 0)
		return error_errno(err, "start the thread that talks to the seccomp agent");
	listener = load(plan, err);
	atomic_store(&handover->listener, listener < 0 ? LISTENER_NONE : listener);
	if (listener < 0)
		return listener;
	while ((result = atomic_load(&handover->result)) == 0)
		;
	if (result < 0)
		return error_code(err, -result, "send the listener to the seccomp agent at %s",
		                  plan->listener_path);
	return 0;
}

int seccomp_enter(const struct seccomp_plan *plan, const char *state, size_t state_size,
                  struct error *err)
{
	if (plan->agent_fd >= 0)
		return load_with_agent(plan, state, state_size, err);
	return load(plan, err);
}
