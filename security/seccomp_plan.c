#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/sys.h"
#include "security/seccomp.h"
#include "security/seccomp_bpf.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/* An agent that takes no connection for so long is taken for dead. */
enum { AGENT_SECONDS = 10 };

static const struct {
	uint32_t bit;
	unsigned int flag;
} flags_table[] = {
	{SECCOMP_SPEC_FLAG_TSYNC, SECCOMP_FILTER_FLAG_TSYNC},
	{SECCOMP_SPEC_FLAG_LOG, SECCOMP_FILTER_FLAG_LOG},
	{SECCOMP_SPEC_FLAG_SPEC_ALLOW, SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	{SECCOMP_SPEC_FLAG_WAIT_KILLABLE_RECV, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

static bool notifies(const struct spec_seccomp *section)
{
	bool found = section->default_action == SECCOMP_ACTION_NOTIFY || section->ask_refused ||
	             section->ask_allowed;

	for (size_t i = 0; !found && i < section->rule_count; i++)
		found = section->rules[i].action == SECCOMP_ACTION_NOTIFY;
	return found;
}

/* Without a program the kernel only looks at the flags: EFAULT for those it knows (5.19). */
static bool knows_killable(void)
{
	return sys_seccomp(SECCOMP_SET_MODE_FILTER,
	                   SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
	                           SECCOMP_FILTER_FLAG_NEW_LISTENER,
	                   NULL) < 0 &&
	       errno == EFAULT;
}

/*
 * Without `flags` in the section: SPEC_ALLOW, as other runtimes, because the mitigation that it turns
 * off costs much and helps only against code that attacks itself.
 */
static unsigned int kernel_flags(const struct spec_seccomp *section)
{
	const uint32_t asked = section->flags_set ? section->flags : SECCOMP_SPEC_FLAG_SPEC_ALLOW;
	unsigned int flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(flags_table); i++)
		if (asked & flags_table[i].bit)
			flags |= flags_table[i].flag;
	/* Else a signal could cut a call off that cannot be cut off otherwise. */
	if ((section->ask_refused || section->ask_allowed) && knows_killable())
		flags |= SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	/* The process has one thread, and a second only to send the listener, which must stay free. */
	if (notifies(section))
		return (flags & ~(unsigned int)SECCOMP_FILTER_FLAG_TSYNC) |
		       SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* It is about the wait for an agent, and the kernel refuses it without one. */
	return flags & ~(unsigned int)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}

/* sockaddr_un holds 107 characters; a longer path goes through /proc/self/fd. */
static int agent_address(const char *path, int *ret_fd, struct sockaddr_un *ret, struct error *err)
{
	char short_path[FD_PATH_SIZE];
	const char *name = path;

	if (strlen(path) >= sizeof(ret->sun_path)) {
		scoped_fd fd = open(path, O_PATH | O_CLOEXEC);

		if (fd < 0)
			return error_errno(err, "open the seccomp agent's socket %s", path);
		name = fd_path(fd, short_path);
		*ret_fd = fd_take(&fd);
	}
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret->sun_path, name, strlen(name) + 1);
	return 0;
}

static int connect_agent(const char *path, int *ret_fd, struct error *err)
{
	scoped_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval limit = {.tv_sec = AGENT_SECONDS};
	struct sockaddr_un address;
	scoped_fd path_fd = -1;
	int r;

	if (fd < 0)
		return error_errno(err, "socket for the seccomp agent");
	r = agent_address(path, &path_fd, &address, err);
	if (r < 0)
		return r;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return error_errno(err, "socket for the seccomp agent");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(
			err, "connect to the seccomp agent at %s (linux.seccomp.listenerPath)",
			path);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int prepare_agent(const struct spec_seccomp *section, struct seccomp_plan *plan,
                         struct error *err)
{
	if (!notifies(section)) {
		if (section->listener_path)
			log_write(LOG_LEVEL_WARNING, "linux.seccomp.listenerPath is not used: no "
			                             "rule has SCMP_ACT_NOTIFY");
		return 0;
	}
	if (!section->listener_path)
		return error_set(
			err, EINVAL,
			"a rule has SCMP_ACT_NOTIFY, but linux.seccomp.listenerPath is not set");
	plan->listener_path = section->listener_path;
	plan->sender_stack = malloc(SECCOMP_SENDER_STACK_SIZE);
	if (!plan->sender_stack)
		return error_code(err, ENOMEM, "seccomp agent");
	return connect_agent(section->listener_path, &plan->agent_fd, err);
}

void seccomp_plan_done(struct seccomp_plan *plan)
{
	seccomp_program_done(&plan->program);
	fd_close(&plan->agent_fd);
	free(plan->sender_stack);
	*plan = (struct seccomp_plan){.agent_fd = -1};
}

int seccomp_prepare(const struct spec_seccomp *section, int cache_fd, struct seccomp_plan *ret,
                    struct error *err)
{
	struct seccomp_plan plan = {.agent_fd = -1};
	int r;

	*ret = plan;
	if (!section->set)
		return 0;
	plan.set = true;
	plan.flags = kernel_flags(section);
	r = prepare_agent(section, &plan, err);
	if (r == 0)
		r = seccomp_load_program(section, cache_fd, &plan.program, err);
	if (r == 0)
		seccomp_bpf_ask(&plan.program, section->ask_refused, section->ask_allowed);
	if (r < 0) {
		seccomp_plan_done(&plan);
		return error_wrap(err, "seccomp");
	}
	*ret = plan;
	return 0;
}
