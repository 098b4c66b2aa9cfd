/* What the functions of verbs ask of their call. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"
#include "cmd/verbs.h"

const struct verb *verb_find(const char *name)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (str_equal(verb->name, name) || (verb->alias && str_equal(verb->alias, name)))
			return verb;
	}
	return NULL;
}

int call_open_store(const struct call *call, struct store **ret, struct error *err)
{
	return store_open(call->global->root, ret, err);
}

int call_cgroup_driver(const struct call *call, enum cgroup_driver *ret, struct error *err)
{
	const char *word = call->global->cgroup_manager;

	*ret = call->global->systemd_cgroup ? CGROUP_DRIVER_SYSTEMD : CGROUP_DRIVER_CGROUPFS;
	if (word && cgroup_driver_parse(word, ret) < 0)
		return error_set(err, EINVAL, "option --cgroup-manager: unknown word '%s'", word);
	return 0;
}

int call_usage_error(const struct call *call, struct error *err, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(err, EINVAL, "%s; see 'lvm-run %s --help'", text, call->verb->name);
}
