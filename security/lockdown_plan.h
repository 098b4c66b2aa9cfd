/* What lockdown.c works out on the host and lockdown_enter.c walks through in the child. */
#ifndef LVM_RUN_SECURITY_LOCKDOWN_PLAN_H
#define LVM_RUN_SECURITY_LOCKDOWN_PLAN_H

#include "security/capabilities.h"
#include "security/identity.h"
#include "security/lockdown.h"
#include "security/lsm.h"
#include "security/memory_policy.h"
#include "security/seccomp.h"

struct lockdown_plan {
	const struct spec_process *process; /* borrowed, as all that hangs from the request */
	const struct spec_personality *personality;
	bool new_keyring;
	bool oom_score_by_host;
	int proc_fd;
	struct capability_plan capabilities;
	struct identity_plan identity;
	struct lsm_plan *lsm; /* owned; the child notes its open files there */
	struct seccomp_plan seccomp;
	struct memory_policy_plan memory_policy;
};

#endif
