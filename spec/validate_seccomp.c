#include <stdio.h>

#include "spec/validate.h"

enum {
	ERRNO_LIMIT = 4095, /* MAX_ERRNO: what a system call can return as one */
	TRACE_LIMIT = 65535 /* SECCOMP_RET_DATA */
};

/* config-linux.md, "errnoRet": an action that cannot carry a number must not be given one. */
static int check_errno(const char *path, enum spec_seccomp_action action,
                       const struct optional_u64 *number, const struct spec_sink *out)
{
	uint64_t limit;

	if (!number->set)
		return 0;
	if (action != SECCOMP_ACTION_ERRNO && action != SECCOMP_ACTION_TRACE)
		return spec_invalid(out, path, "goes only with SCMP_ACT_ERRNO and SCMP_ACT_TRACE");
	limit = action == SECCOMP_ACTION_ERRNO ? ERRNO_LIMIT : TRACE_LIMIT;
	if (number->value > limit)
		return spec_invalid(out, path, "is above %u", (unsigned int)limit);
	return 0;
}

static int check_rule(const struct spec_seccomp *seccomp, size_t index, const struct spec_sink *out)
{
	const struct spec_seccomp_rule *rule = &seccomp->rules[index];
	char path[60];

	snprintf(path, sizeof(path), "linux.seccomp.syscalls[%zu].names", index);
	if (rule->names.count == 0)
		return spec_invalid(out, path, "is empty");
	snprintf(path, sizeof(path), "linux.seccomp.syscalls[%zu].action", index);
	if (rule->action == SECCOMP_ACTION_NOTIFY && !seccomp->listener_path)
		return spec_invalid(out, path, "SCMP_ACT_NOTIFY needs linux.seccomp.listenerPath");
	snprintf(path, sizeof(path), "linux.seccomp.syscalls[%zu].errnoRet", index);
	return check_errno(path, rule->action, &rule->errno_ret, out);
}

static int check_default(const struct spec_seccomp *seccomp, const struct spec_sink *out)
{
	if (seccomp->default_action == SECCOMP_ACTION_NOTIFY)
		return spec_invalid(
			out, "linux.seccomp.defaultAction",
			"SCMP_ACT_NOTIFY cannot be the default: the calls that hand the "
			"listener over would wait for it");
	return check_errno("linux.seccomp.defaultErrnoRet", seccomp->default_action,
	                   &seccomp->default_errno_ret, out);
}

static int check_listener(const struct spec_seccomp *seccomp, const struct spec_sink *out)
{
	if (seccomp->listener_metadata && !seccomp->listener_path)
		return spec_invalid(out, "linux.seccomp.listenerMetadata", "needs listenerPath");
	if (seccomp->listener_path && seccomp->listener_path[0] != '/')
		return spec_invalid(out, "linux.seccomp.listenerPath", "\"%.200s\" is not absolute",
		                    seccomp->listener_path);
	return 0;
}

int spec_check_seccomp(const struct spec_seccomp *seccomp, const struct spec_sink *out)
{
	int r;

	if (!seccomp->set)
		return 0;
	r = check_default(seccomp, out);
	if (r == 0)
		r = check_listener(seccomp, out);
	for (size_t i = 0; r == 0 && i < seccomp->rule_count; i++)
		r = check_rule(seccomp, i, out);
	return r;
}
