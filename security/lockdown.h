/*
 * Everything that takes rights away from a process, in one order, for init and for exec alike.
 *
 *	host:  lockdown_prepare         parses, compiles the seccomp filter (or takes it from the cache),
 *	                                connects the seccomp agent
 *	       lockdown_apply_limits    for a container with a user namespace, before the child goes on
 *	child: lockdown_enter_created   what may fail early: keyring, personality, memory policy, rlimits,
 *	                                scheduler, I/O priority, oom_score_adj; then nobody may look in any more
 *	       lockdown_enter_exec      the point of no return, immediately before execve: exec label, low
 *	                                rlimits, bounding set, groups and ids, umask, capabilities,
 *	                                no_new_privs, seccomp
 *
 * lockdown_enter.c holds the two lists with the reasons for their order (rule R8 of the security notes).
 */
#ifndef LVM_RUN_SECURITY_LOCKDOWN_H
#define LVM_RUN_SECURITY_LOCKDOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "spec/spec.h"

/* The plan keeps these pointers: what they point to has to live as long as the plan. */
struct lockdown_request {
	const struct spec_process *process;
	const struct spec_seccomp *seccomp;             /* .set false: no filter */
	const struct spec_personality *personality;     /* .set false: unchanged */
	const struct spec_memory_policy *memory_policy; /* null or .set false: unchanged */
	bool user_namespace;    /* the process runs in a user namespace of its own */
	const char *keyring;    /* null: keep the caller's session keyring; else a new, empty one
	                            without a name (the text only says whose it is) */
	int proc_fd;            /* the host's /proc, borrowed; stays open as long as the plan */
	int cache_fd;           /* directory for compiled filters, borrowed; −1: no cache */
	bool oom_score_by_host; /* the child leaves oom_score_adj alone: lockdown_apply_oom_score */
};

struct lockdown_plan;
void lockdown_plan_free(struct lockdown_plan **plan);
#define scoped_lockdown_plan scoped(lockdown_plan_free) struct lockdown_plan *

int lockdown_prepare(const struct lockdown_request *request, struct lockdown_plan **ret,
                     struct error *err) must_check;

/* Whether lockdown_enter_exec will want the state text for a seccomp agent (listenerPath). */
bool lockdown_wants_agent_state(const struct lockdown_plan *plan);

/*
 * Sets oom_score_adj of `pid` from outside, for a request with oom_score_by_host. Host, before the
 * child becomes the program.
 */
int lockdown_apply_oom_score(const struct lockdown_plan *plan, pid_t pid,
                             struct error *err) must_check;

/* Whether the child still wants proc_fd; otherwise it closes it as soon as it runs. Either side. */
bool lockdown_needs_proc(const struct lockdown_plan *plan);

/*
 * Sets rlimits, scheduler, I/O priority and oom_score_adj of `pid` from outside: raising them takes
 * capabilities in the host's user namespace, which a child in one of its own does not have. The child's
 * lockdown_enter_created then finds them set and needs no right. Host; only for a child with a user
 * namespace of its own, otherwise the same calls twice.
 */
int lockdown_apply_limits(const struct lockdown_plan *plan, pid_t pid,
                          struct error *err) must_check;

/*
 * Child. Afterwards the process is not dumpable: /proc/self belongs to the host's root, so a process
 * in a user namespace can no longer write there. For exec this comes too late to hide the process from
 * the container that it joins: the caller clears PR_SET_DUMPABLE before setns.
 */
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
 * the error of a failed step still goes over an already open socket, which works unless a filter
 * without no_new_privs is loaded already and forbids it: then the host sees the end of the process.
 *
 * The default umask is 0022, as in other runtimes; the caller's own is never handed down.
 */
int lockdown_enter_exec(const struct lockdown_plan *plan, const char *agent_state,
                        size_t agent_state_size, struct error *err) must_check;

/*
 * Child: lockdown_enter_exec in two, for what runs between them with the program's rights (hooks from
 * inside the container): label, limits, ids, capabilities, no_new_privs; then the filter.
 */
int lockdown_enter_identity(const struct lockdown_plan *plan, struct error *err) must_check;
int lockdown_enter_filter(const struct lockdown_plan *plan, const char *agent_state,
                          size_t agent_state_size, struct error *err) must_check;

/* The version of libseccomp this program is linked with, "2.5.4". */
const char *lockdown_libseccomp_version(void);

/* Whether it knows the architecture "SCMP_ARCH_…". */
bool lockdown_libseccomp_architecture(const char *name);

#endif
