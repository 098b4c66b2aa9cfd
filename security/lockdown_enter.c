#include <errno.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/macro.h"
#include "base/sys.h"
#include "security/limits.h"
#include "security/lockdown_plan.h"

/* What a step gets besides the plan. */
struct walk {
	const struct lockdown_plan *plan;
	const char *agent_state;
	size_t agent_state_size;
};

struct step {
	const char *name; /* the error's context */
	int (*run)(const struct walk *walk, struct error *err);
};

/* --- early steps --- */

/*
 * Without a name: a keyring that a hostile container had made under this name, and left open to
 * others, would be joined instead of a new one being made.
 */
static int step_keyring(const struct walk *walk, struct error *err)
{
	if (!walk->plan->new_keyring || sys_join_session_keyring(NULL) >= 0 || errno == ENOSYS)
		return 0; /* ENOSYS: a kernel without keys has none to leak */
	if (errno == EDQUOT)
		return error_set(
			err, EDQUOT,
			"the user has too many keys (raise sysctl kernel.keys.maxkeys, or use "
			"--no-new-keyring)");
	return error_errno(err, "make a new one");
}

static int step_personality(const struct walk *walk, struct error *err)
{
	const struct spec_personality *asked = walk->plan->personality;

	if (asked && asked->set && personality(asked->domain) < 0)
		return error_errno(err, "set to %#x", asked->domain);
	return 0;
}

static int step_memory_policy(const struct walk *walk, struct error *err)
{
	return memory_policy_enter(&walk->plan->memory_policy, err);
}

static int step_rlimits(const struct walk *walk, struct error *err)
{
	return limits_enter_rlimits(walk->plan->process, 0, err);
}

static int step_scheduler(const struct walk *walk, struct error *err)
{
	return limits_enter_scheduler(&walk->plan->process->scheduler, 0, err);
}

static int step_io_priority(const struct walk *walk, struct error *err)
{
	return limits_enter_io_priority(&walk->plan->process->io_priority, 0, err);
}

static int step_oom_score(const struct walk *walk, struct error *err)
{
	if (walk->plan->oom_score_by_host)
		return 0;
	return limits_enter_oom_score(&walk->plan->process->oom_score_adj, walk->plan->proc_fd, 0,
	                              err);
}

static int step_label_files(const struct walk *walk, struct error *err)
{
	return lsm_enter_open(walk->plan->lsm, err);
}

static int step_private(const struct walk *walk unused_parameter, struct error *err)
{
	return identity_enter_private(err);
}

/* --- last steps --- */

static int step_label(const struct walk *walk, struct error *err)
{
	return lsm_enter_label(walk->plan->lsm, err);
}

static int step_tight_rlimits(const struct walk *walk, struct error *err)
{
	return limits_enter_tight(walk->plan->process, 0, err);
}

static int step_bounding(const struct walk *walk, struct error *err)
{
	return capabilities_enter_bounding(&walk->plan->capabilities, err);
}

static int step_identity(const struct walk *walk, struct error *err)
{
	return identity_enter(&walk->plan->identity, err);
}

static int step_umask(const struct walk *walk, struct error *err unused_parameter)
{
	identity_enter_umask(&walk->plan->identity);
	return 0;
}

static int step_capabilities(const struct walk *walk, struct error *err)
{
	return capabilities_enter_sets(&walk->plan->capabilities, err);
}

static int step_no_new_privileges(const struct walk *walk, struct error *err)
{
	if (walk->plan->process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_errno(err, "prctl");
	return 0;
}

static int step_seccomp(const struct walk *walk, struct error *err)
{
	const struct seccomp_plan *seccomp = &walk->plan->seccomp;

	if (!seccomp->set)
		return 0;
	return seccomp_enter(seccomp, walk->agent_state, walk->agent_state_size, err);
}

static int step_borrowed(const struct walk *walk, struct error *err)
{
	return capabilities_enter_final(&walk->plan->capabilities, err);
}

/* --- the two orders --- */

/*
 * Early, while the process is still as mighty as the runtime and a failure is a failure of create.
 */
static const struct step created_steps[] = {
	/* First: whatever later touches keys must find the container's keyring. */
	{"session keyring", step_keyring},
	{"personality", step_personality},
	{"memory policy", step_memory_policy},
	/* These may need rights on the host (CAP_SYS_RESOURCE, CAP_SYS_NICE), so before all drops. */
	{"rlimits", step_rlimits},
	{"scheduler", step_scheduler},
	{"I/O priority", step_io_priority},
	{"oom_score_adj", step_oom_score},
	/* The caller closes the host's /proc afterwards. */
	{"exec label", step_label_files},
	/* After the last opening below /proc/self, which may belong to the host's root from here on. */
	{"private", step_private},
};

/*
 * The point of no return. Each step needs what the next ones take away. After these the process may do
 * no more than the program, but can still start children.
 */
static const struct step identity_steps[] = {
	/* While the process is as it was when the files were opened; it takes effect at execve. */
	{"exec label", step_label},
	/* Limits under which the runtime's own work before this might have failed. */
	{"rlimits", step_tight_rlimits},
	/* Needs CAP_SETPCAP, which the change of the uid or capset takes. */
	{"bounding set", step_bounding},
	/* Groups, gid, uid: each needs a capability that the last of them may take. */
	{"identity", step_identity},
	{"umask", step_umask},
	/* After the uid: changing it empties the effective and ambient sets. */
	{"capabilities", step_capabilities},
	/* Before the filter, which an unprivileged process may load only with it. */
	{"no_new_privs", step_no_new_privileges},
};

static const struct step filter_steps[] = {
	/*
	 * As late as its rules allow: with no_new_privs nothing follows but execve; without it loading
	 * takes CAP_SYS_ADMIN, borrowed until then, and the one capset that returns it is all that the
	 * profile must let pass.
	 */
	{"seccomp", step_seccomp},
	{"capabilities", step_borrowed},
};

static int run_steps(const struct step *steps, size_t count, const struct walk *walk,
                     struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (steps[i].run(walk, err) < 0)
			return error_wrap(err, "%s", steps[i].name);
	return 0;
}

int lockdown_enter_created(const struct lockdown_plan *plan, struct error *err)
{
	const struct walk walk = {.plan = plan};

	return run_steps(created_steps, ARRAY_SIZE(created_steps), &walk, err);
}

size_t lockdown_needed_fds(const struct lockdown_plan *plan, int ret[static LOCKDOWN_FD_MAX])
{
	const int fds[] = {plan->lsm->profile_fd, plan->lsm->label_fd, plan->seccomp.agent_fd};
	size_t count = 0;

	_Static_assert(ARRAY_SIZE(fds) <= LOCKDOWN_FD_MAX, "room for all");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			ret[count++] = fds[i];
	return count;
}

int lockdown_enter_identity(const struct lockdown_plan *plan, struct error *err)
{
	const struct walk walk = {.plan = plan};

	return run_steps(identity_steps, ARRAY_SIZE(identity_steps), &walk, err);
}

int lockdown_enter_filter(const struct lockdown_plan *plan, const char *agent_state,
                          size_t agent_state_size, struct error *err)
{
	const struct walk walk = {
		.plan = plan,
		.agent_state = agent_state,
		.agent_state_size = agent_state_size,
	};

	return run_steps(filter_steps, ARRAY_SIZE(filter_steps), &walk, err);
}

int lockdown_enter_exec(const struct lockdown_plan *plan, const char *agent_state,
                        size_t agent_state_size, struct error *err)
{
	int r = lockdown_enter_identity(plan, err);

	return r < 0 ? r : lockdown_enter_filter(plan, agent_state, agent_state_size, err);
}
