/* For the tests of the child's half of seccomp: a filter is prepared and loaded. */
#ifndef LVM_RUN_TESTS_UNIT_SECURITY_ENTER_H
#define LVM_RUN_TESTS_UNIT_SECURITY_ENTER_H

#include "tests/unit/security/support.h"

maybe_unused static const char *enter(const struct seccomp_plan *plan, const char *state)
{
	static struct error err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return "no_new_privs";
	if (seccomp_enter(plan, state, state ? strlen(state) : 0, &err) < 0)
		return err.text;
	return NULL;
}

maybe_unused static void prepare(const struct spec *spec, struct seccomp_plan *plan)
{
	struct error err = {0};

	if (seccomp_prepare(&spec->linux.seccomp, -1, plan, &err) < 0)
		fail_msg("%s", err.text);
}

#endif
