#include <stdio.h>
#include <string.h>

#include "spec/validate.h"

/*
 * Which kernel parameters belong to a namespace, and to which: all others would change the host. A
 * pattern that ends with a dot is a prefix. (namespaces(7), ipc_namespaces(7), network_namespaces(7);
 * Documentation/admin-guide/sysctl)
 */
static const struct namespaced {
	const char *pattern;
	enum spec_namespace_type type;
} namespaced[] = {
	{"net.", NAMESPACE_NETWORK},
	{"fs.mqueue.", NAMESPACE_IPC},
	{"kernel.msgmax", NAMESPACE_IPC},
	{"kernel.msgmnb", NAMESPACE_IPC},
	{"kernel.msgmni", NAMESPACE_IPC},
	{"kernel.msg_next_id", NAMESPACE_IPC},
	{"kernel.sem", NAMESPACE_IPC},
	{"kernel.sem_next_id", NAMESPACE_IPC},
	{"kernel.shmall", NAMESPACE_IPC},
	{"kernel.shmmax", NAMESPACE_IPC},
	{"kernel.shmmni", NAMESPACE_IPC},
	{"kernel.shm_next_id", NAMESPACE_IPC},
	{"kernel.shm_rmid_forced", NAMESPACE_IPC},
	{"kernel.hostname", NAMESPACE_UTS},
	{"kernel.domainname", NAMESPACE_UTS},
	{"user.", NAMESPACE_USER},
};

/* sysctl(8) takes dots and slashes between the parts. */
static bool same_letter(char key, char pattern)
{
	return key == pattern || (pattern == '.' && key == '/');
}

static bool matches(const char *key, const char *pattern)
{
	size_t i = 0;

	for (; pattern[i] && same_letter(key[i], pattern[i]); i++)
		;
	return pattern[i] == '\0' && (key[i] == '\0') == (pattern[i - 1] != '.');
}

/*
 * Whatever way the name becomes a path: no part of it is empty, so none can be "." or ".." and the
 * path stays below /proc/sys.
 */
static bool well_formed(const char *key)
{
	static const char separators[] = "./";

	for (;;) {
		size_t part = strcspn(key, separators);

		if (part == 0)
			return false;
		key += part;
		if (*key == '\0')
			return true;
		key++;
	}
}

static const struct namespaced *find(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaced); i++) {
		if (matches(key, namespaced[i].pattern))
			return &namespaced[i];
	}
	return NULL;
}

static int check_conflict(const struct spec *spec, const char *path, const char *key,
                          const struct spec_sink *out)
{
	if (matches(key, "kernel.hostname") && spec->hostname)
		return spec_invalid(out, path, "conflicts with the property hostname");
	if (matches(key, "kernel.domainname") && spec->domainname)
		return spec_invalid(out, path, "conflicts with the property domainname");
	return 0;
}

static int check_key(const struct spec *spec, const char *key, const struct spec_sink *out)
{
	const struct namespaced *entry;
	char path[160];

	snprintf(path, sizeof(path), "linux.sysctl[\"%.120s\"]", key);
	if (!well_formed(key))
		return spec_invalid(out, path, "is no name of a kernel parameter");
	entry = find(key);
	if (!entry)
		return spec_invalid(
			out, path,
			"is refused: it belongs to no namespace and would change the host");
	if (!spec->linux.namespaces[entry->type].set)
		return spec_invalid(
			out, path,
			"needs a %s namespace in linux.namespaces, or it would change the "
			"host",
			spec_namespace_names[entry->type]);
	return check_conflict(spec, path, key, out);
}

int spec_check_sysctl(const struct spec *spec, const struct spec_sink *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->linux.sysctl_count; i++)
		r = check_key(spec, spec->linux.sysctl[i].key, out);
	return r;
}
