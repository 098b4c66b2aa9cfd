#include "security/lockdown.h"

#include <errno.h>
#include <stdlib.h>

#include "security/limits.h"
#include "security/lockdown_plan.h"

void lockdown_plan_free(struct lockdown_plan **plan)
{
	if (!*plan)
		return;
	seccomp_plan_done(&(*plan)->seccomp);
	free((*plan)->lsm);
	free(*plan);
	*plan = NULL;
}

static int prepare_capabilities(const struct lockdown_request *request, struct lockdown_plan *plan,
                                struct error *err)
{
	const struct capability_request capabilities = {
		.capabilities = &request->process->capabilities,
		.user_namespace = request->user_namespace,
		.load_needs_rights = request->seccomp->set && !request->process->no_new_privileges,
	};
	int r = capabilities_prepare(&capabilities, &plan->capabilities, err);

	if (r < 0)
		return r;
	identity_prepare(&request->process->user,
	                 (plan->capabilities.permitted | plan->capabilities.borrowed) != 0,
	                 &plan->identity);
	return 0;
}

int lockdown_prepare(const struct lockdown_request *request, struct lockdown_plan **ret,
                     struct error *err)
{
	scoped_lockdown_plan plan = calloc(1, sizeof(*plan));
	int r;

	if (plan) {
		plan->seccomp.agent_fd = -1;
		plan->lsm = calloc(1, sizeof(*plan->lsm));
	}
	if (!plan || !plan->lsm)
		return error_code(err, ENOMEM, "lockdown");
	plan->process = request->process;
	plan->personality = request->personality;
	plan->new_keyring = request->keyring != NULL;
	plan->oom_score_by_host = request->oom_score_by_host;
	plan->proc_fd = request->proc_fd;
	r = limits_prepare(request->process, err);
	if (r == 0)
		r = memory_policy_prepare(request->memory_policy, &plan->memory_policy, err);
	if (r == 0)
		r = prepare_capabilities(request, plan, err);
	if (r == 0)
		r = lsm_prepare(request->process, request->proc_fd, plan->lsm, err);
	if (r == 0)
		r = seccomp_prepare(request->seccomp, request->cache_fd, &plan->seccomp, err);
	if (r < 0)
		return r;
	*ret = plan;
	plan = NULL;
	return 0;
}

bool lockdown_wants_agent_state(const struct lockdown_plan *plan)
{
	return plan->seccomp.agent_fd >= 0;
}

int lockdown_apply_oom_score(const struct lockdown_plan *plan, pid_t pid, struct error *err)
{
	return limits_enter_oom_score(&plan->process->oom_score_adj, plan->proc_fd, pid, err);
}

bool lockdown_needs_proc(const struct lockdown_plan *plan)
{
	bool oom_score = plan->process->oom_score_adj.set && !plan->oom_score_by_host;

	return oom_score || plan->lsm->profile || plan->lsm->label;
}

int lockdown_apply_limits(const struct lockdown_plan *plan, pid_t pid, struct error *err)
{
	const struct spec_process *process = plan->process;
	int r = limits_enter_rlimits(process, pid, err);

	if (r == 0)
		r = limits_enter_scheduler(&process->scheduler, pid, err);
	if (r == 0)
		r = limits_enter_io_priority(&process->io_priority, pid, err);
	return r < 0 ? r : lockdown_apply_oom_score(plan, pid, err);
}

const char *lockdown_libseccomp_version(void)
{
	return seccomp_library_version();
}

bool lockdown_libseccomp_architecture(const char *name)
{
	return seccomp_knows_architecture(name);
}
