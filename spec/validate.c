#include "spec/validate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* uname(2): what a name in the UTS namespace may be long. */
enum { UTS_NAME_LIMIT = 64 };

int spec_invalid(struct error *err, const char *path, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return error_set(err, EINVAL, "%s: %s", path, text);
}

/* --- ociVersion --- */

/* Skips a number without leading zeroes; null when there is none. */
static const char *skip_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits == 0 || (digits > 1 && text[0] == '0') ? NULL : text + digits;
}

/* MAJOR.MINOR.PATCH, then -PRERELEASE and +BUILD (semver.org 2.0.0), as far as it matters here. */
static bool is_semver(const char *text)
{
	static const char tail[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-+";

	for (int part = 0; part < 3; part++) {
		text = skip_number(text);
		if (!text || (part < 2 && *text++ != '.'))
			return false;
	}
	if (*text == '\0')
		return true;
	return (*text == '-' || *text == '+') && text[1] != '\0' &&
	       text[strspn(text, tail)] == '\0';
}

static int check_version(const struct spec *spec, struct error *err)
{
	const char *version = spec->oci_version;

	if (!is_semver(version))
		return spec_invalid(err, "ociVersion",
		                    "\"%.40s\" is no version (MAJOR.MINOR.PATCH)", version);
	if (version[0] != '1' || version[1] != '.')
		return spec_invalid(err, "ociVersion", "%.40s is not supported, only 1.x is",
		                    version);
	return 0;
}

/* --- root, names --- */

static int check_root(const struct spec *spec, struct error *err)
{
	return spec->root.path[0] == '\0' ? spec_invalid(err, "root.path", "is empty") : 0;
}

static int check_process(const struct spec *spec, struct error *err)
{
	return spec->has_process ? spec_validate_process(&spec->process, err) : 0;
}

static int check_uts_name(const struct spec *spec, const char *property, const char *name,
                          struct error *err)
{
	if (!name)
		return 0;
	if (!spec->linux.namespaces[NAMESPACE_UTS].set)
		return spec_invalid(err, property, "needs a uts namespace in linux.namespaces");
	if (strlen(name) > UTS_NAME_LIMIT)
		return spec_invalid(err, property, "is longer than %d bytes", UTS_NAME_LIMIT);
	return 0;
}

static int check_hostname(const struct spec *spec, struct error *err)
{
	return check_uts_name(spec, "hostname", spec->hostname, err);
}

static int check_domainname(const struct spec *spec, struct error *err)
{
	return check_uts_name(spec, "domainname", spec->domainname, err);
}

/* --- mounts --- */

int spec_validate_id_mappings(const char *path, const struct spec_id_mappings *mappings,
                              struct error *err)
{
	/* user_namespaces(7): lines of uid_map since Linux 4.15 */
	enum { LINE_LIMIT = 340 };

	if (mappings->count > LINE_LIMIT)
		return spec_invalid(err, path, "more than the %d entries that the kernel takes",
		                    LINE_LIMIT);
	for (size_t i = 0; i < mappings->count; i++) {
		const struct spec_id_mapping *m = &mappings->items[i];

		if (m->size == 0)
			return error_set(err, EINVAL, "%s[%zu].size: must not be 0", path, i);
		if (m->size > UINT32_MAX - m->container_id || m->size > UINT32_MAX - m->host_id)
			return error_set(err, EINVAL, "%s[%zu].size: leads beyond the last id",
			                 path, i);
	}
	return 0;
}

static int check_mount(const struct spec_mount *mount, size_t index, struct error *err)
{
	char path[60];
	int r;

	snprintf(path, sizeof(path), "mounts[%zu].destination", index);
	if (mount->destination[0] == '\0')
		return spec_invalid(err, path, "is empty");
	snprintf(path, sizeof(path), "mounts[%zu].%s", index,
	         mount->uid_mappings.count > 0 ? "gidMappings" : "uidMappings");
	if ((mount->uid_mappings.count > 0) != (mount->gid_mappings.count > 0))
		return spec_invalid(err, path, "is missing, though the other mappings are there");
	snprintf(path, sizeof(path), "mounts[%zu].uidMappings", index);
	r = spec_validate_id_mappings(path, &mount->uid_mappings, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "mounts[%zu].gidMappings", index);
	return spec_validate_id_mappings(path, &mount->gid_mappings, err);
}

static int check_mounts(const struct spec *spec, struct error *err)
{
	int r = 0;

	if (spec->mount_count > 0 && !spec->linux.namespaces[NAMESPACE_MOUNT].set)
		return spec_invalid(err, "mounts", "need a mount namespace in linux.namespaces");
	for (size_t i = 0; r == 0 && i < spec->mount_count; i++)
		r = check_mount(&spec->mounts[i], i, err);
	return r;
}

/* --- hooks, annotations --- */

static int check_hooks(const struct spec *spec, struct error *err)
{
	char path[60];

	for (size_t kind = 0; kind < HOOK_KIND_COUNT; kind++) {
		for (size_t i = 0; i < spec->hooks[kind].count; i++) {
			const struct spec_hook *hook = &spec->hooks[kind].items[i];

			snprintf(path, sizeof(path), "hooks.%s[%zu].path", spec_hook_names[kind],
			         i);
			if (hook->path[0] != '/')
				return spec_invalid(err, path, "\"%.200s\" is not absolute",
				                    hook->path);
		}
	}
	return 0;
}

static int check_annotations(const struct spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->annotation_count; i++) {
		if (spec->annotations[i].key[0] == '\0')
			return spec_invalid(err, "annotations", "a key is empty");
	}
	return 0;
}

/* --- all --- */

static int (*const checks[])(const struct spec *, struct error *) = {
	check_version, check_root,  check_process,     check_hostname,      check_domainname,
	check_mounts,  check_hooks, check_annotations, spec_validate_linux,
};

int spec_validate(const struct spec *spec, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(checks); i++)
		r = checks[i](spec, err);
	return r;
}
