#include <errno.h>
#include <sched.h>

#include "namespaces/namespaces.h"

static int join(const struct namespace_join *join, struct error *err)
{
	if (setns(join->fd, join->flag) == 0)
		return 0;
	if (errno == EPERM)
		return error_set(
			err, EPERM,
			"join the %s namespace: Operation not permitted (it needs CAP_SYS_ADMIN in "
			"the user namespace that owns it)",
			spec_namespace_names[join->type]);
	return error_errno(err, "join the %s namespace", spec_namespace_names[join->type]);
}

/*
 * A namespace may belong to the user namespace that we leave or to the one that we join. With the user
 * namespace first in the list: what can be entered before it is, the rest is entered after it.
 */
int namespaces_enter(const struct namespace_plan *plan, struct error *err)
{
	const bool joins_user = plan->join_count > 0 && plan->joins[0].type == NAMESPACE_USER;
	bool entered[NAMESPACE_TYPE_COUNT] = {false};
	int r;

	for (unsigned int i = 1; joins_user && i < plan->join_count; i++)
		entered[i] = setns(plan->joins[i].fd, plan->joins[i].flag) == 0;
	for (unsigned int i = 0; i < plan->join_count; i++) {
		r = entered[i] ? 0 : join(&plan->joins[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
