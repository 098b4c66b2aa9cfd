/*
 * Everything that takes rights away from a process, in one order, for init and for exec alike.
 *
 *	host:  lockdown_prepare            parses, compiles the seccomp filter (or takes it from the cache),
 *	                                   connects the seccomp agent
 *	child: lockdown_enter_created      what may fail early: keyring, personality, rlimits, scheduler,
 *	                                   I/O priority, oom_score_adj
 *	       lockdown_enter_exec         the point of no return, immediately before execve: exec label,
 *	                                   seccomp (without no_new_privs), bounding set, groups and ids, umask,
 *	                                   capabilities, no_new_privs, seccomp (with it)
 *
 * lockdown.c holds the two lists with the reasons for their order (rule R8 of the security notes).
 */
#ifndef LVM_RUN_SECURITY_LOCKDOWN_H
#define LVM_RUN_SECURITY_LOCKDOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "spec/spec.h"

struct lockdown_request {
	const struct spec_process *process;
	const struct spec_seccomp *seccomp;         /* .set false: no filter */
	const struct spec_personality *personality; /* .set false: unchanged */
	bool user_namespace;     /* the process runs in a user namespace of its own */
	const char *keyring;     /* name of a new session keyring; null: keep the caller's */
	int proc_fd;             /* the host's /proc, borrowed; stays open as long as the plan */
	int cache_fd;            /* directory for compiled filters, borrowed; −1: no cache */
	bool new_session_leader; /* reserved for terminals: setsid is the caller's */
};

struct lockdown_plan;
void lockdown_plan_free(struct lockdown_plan **plan);
#define scoped_lockdown_plan scoped(lockdown_plan_free) struct lockdown_plan *

int lockdown_prepare(const struct lockdown_request *request, struct lockdown_plan **ret,
                     struct error *err) must_check;

/* Whether lockdown_enter_exec will want the state text for a seccomp agent (listenerPath). */
bool lockdown_wants_agent_state(const struct lockdown_plan *plan);

/* Child. */
int lockdown_enter_created(const struct lockdown_plan *plan, struct error *err) must_check;

/*
 * Child, after lockdown_enter_created: the descriptors that must stay open until lockdown_enter_exec
 * (the exec label's file, opened by lockdown_enter_created; the agent's socket). The caller closes all
 * others, proc_fd too, because the container's "/proc/self/fd/N/…" must not lead anywhere. At most
 * LOCKDOWN_FD_MAX are written to `ret`; the count.
 */
enum { LOCKDOWN_FD_MAX = 4 };
size_t lockdown_needed_fds(const struct lockdown_plan *plan, int ret[static LOCKDOWN_FD_MAX]);

/*
 * Child, after the last system call that needs a right. `agent_state` is the text for the seccomp
 * agent (state_encode_seccomp), null when none is wanted. From here only execve and _exit follow;
 * on failure the error still has to be reported over an already open socket, so the filter comes last.
 */
int lockdown_enter_exec(const struct lockdown_plan *plan, const char *agent_state,
                        size_t agent_state_size, struct error *err) must_check;

/* The version of libseccomp this program is linked with, "2.5.4". */
const char *lockdown_libseccomp_version(void);

#endif
