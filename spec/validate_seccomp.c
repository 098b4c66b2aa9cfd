#include <stdio.h>

#include "spec/validate.h"

enum {
	ERRNO_LIMIT = 4095, /* MAX_ERRNO: what a system call can return as one */
	TRACE_LIMIT = 65535 /* SECCOMP_RET_DATA */
};

/* config-linux.md, "errnoRet": an action that cannot carry a number must not be given one. */
static int check_errno(const char *path, enum spec_seccomp_action action,
                       const struct optional_u64 *number, struct error *err)
{
	uint64_t limit;

	if (!number->set)
		return 0;
	if (action != SECCOMP_ACTION_ERRNO && action != SECCOMP_ACTION_TRACE)
		return spec_invalid(err, path, "goes only with SCMP_ACT_ERRNO and SCMP_ACT_TRACE");
	limit = action == SECCOMP_ACTION_ERRNO ? ERRNO_LIMIT : TRACE_LIMIT;
	if (number->value > limit)
		return spec_invalid(err, path, "is above %u", (unsigned int)limit);
	return 0;
}

static int check_rule(const struct spec_seccomp *seccomp, size_t index, struct error *err)
{
	const struct spec_seccomp_rule *rule = &seccomp->rules[index];
	char path[60];

	snprintf(path, sizeof(path), "linux.seccomp.syscalls[%zu].names", index);
	if (rule->names.count == 0)
		return spec_invalid(err, path, "is empty");
	snprintf(path, sizeof(path), "linux.seccomp.syscalls[%zu].action", index);
	if (rule->action == SECCOMP_ACTION_NOTIFY && !seccomp->listener_path)
		return spec_invalid(err, path, "SCMP_ACT_NOTIFY needs linux.seccomp.listenerPath");
	snprintf(path, sizeof(path), "linux.seccomp.syscalls[%zu].errnoRet", index);
	return check_errno(path, rule->action, &rule->errno_ret, err);
}

int spec_validate_seccomp(const struct spec_seccomp *seccomp, struct error *err)
{
	int r;

	if (!seccomp->set)
		return 0;
	if (seccomp->default_action == SECCOMP_ACTION_NOTIFY)
		return spec_invalid(
			err, "linux.seccomp.defaultAction",
			"SCMP_ACT_NOTIFY cannot be the default: the calls that hand the "
			"listener over would wait for it");
	r = check_errno("linux.seccomp.defaultErrnoRet", seccomp->default_action,
	                &seccomp->default_errno_ret, err);
	if (r < 0)
		return r;
	if (seccomp->listener_metadata && !seccomp->listener_path)
		return spec_invalid(err, "linux.seccomp.listenerMetadata", "needs listenerPath");
	if (seccomp->listener_path && seccomp->listener_path[0] != '/')
		return spec_invalid(err, "linux.seccomp.listenerPath", "\"%.200s\" is not absolute",
		                    seccomp->listener_path);
	for (size_t i = 0; r == 0 && i < seccomp->rule_count; i++)
		r = check_rule(seccomp, i, err);
	return r;
}
