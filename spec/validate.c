#include "spec/validate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "spec/annotations.h"

/* uname(2): what a name in the UTS namespace may be long. */
enum { UTS_NAME_LIMIT = 64 };

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

static int check_version(const struct spec *spec, const struct spec_sink *out)
{
	const char *version = spec->oci_version;

	if (!is_semver(version))
		return spec_invalid(out, "ociVersion",
		                    "\"%.40s\" is no version (MAJOR.MINOR.PATCH)", version);
	if (version[0] != '1' || version[1] != '.')
		return spec_invalid(out, "ociVersion", "%.40s is not supported, only 1.x is",
		                    version);
	return 0;
}

/* --- root, names --- */

static int check_root(const struct spec *spec, const struct spec_sink *out)
{
	return spec->root.path[0] == '\0' ? spec_invalid(out, "root.path", "is empty") : 0;
}

static int check_process(const struct spec *spec, const struct spec_sink *out)
{
	return spec->has_process ? spec_check_process(&spec->process, out) : 0;
}

static int check_uts_name(const struct spec *spec, const char *property, const char *name,
                          const struct spec_sink *out)
{
	if (!name)
		return 0;
	if (!spec->linux.namespaces[NAMESPACE_UTS].set)
		return spec_invalid(out, property, "needs a uts namespace in linux.namespaces");
	if (strlen(name) > UTS_NAME_LIMIT)
		return spec_invalid(out, property, "is longer than %d bytes", UTS_NAME_LIMIT);
	return 0;
}

static int check_hostname(const struct spec *spec, const struct spec_sink *out)
{
	return check_uts_name(spec, "hostname", spec->hostname, out);
}

static int check_domainname(const struct spec *spec, const struct spec_sink *out)
{
	return check_uts_name(spec, "domainname", spec->domainname, out);
}

/* --- mounts --- */

int spec_check_id_mappings(const char *path, const struct spec_id_mappings *mappings,
                           const struct spec_sink *out)
{
	/* user_namespaces(7): lines of uid_map since Linux 4.15 */
	enum { LINE_LIMIT = 340 };
	char size[100];
	int r = 0;

	if (mappings->count > LINE_LIMIT)
		return spec_invalid(out, path, "more than the %d entries that the kernel takes",
		                    LINE_LIMIT);
	for (size_t i = 0; r == 0 && i < mappings->count; i++) {
		const struct spec_id_mapping *m = &mappings->items[i];

		snprintf(size, sizeof(size), "%s[%zu].size", path, i);
		if (m->size == 0)
			r = spec_invalid(out, size, "must not be 0");
		else if (m->size > UINT32_MAX - m->container_id ||
		         m->size > UINT32_MAX - m->host_id)
			r = spec_invalid(out, size, "leads beyond the last id");
	}
	return r;
}

static int check_mount(const struct spec_mount *mount, size_t index, const struct spec_sink *out)
{
	char path[60];
	int r;

	snprintf(path, sizeof(path), "mounts[%zu].destination", index);
	if (mount->destination[0] == '\0')
		return spec_invalid(out, path, "is empty");
	snprintf(path, sizeof(path), "mounts[%zu].%s", index,
	         mount->uid_mappings.count > 0 ? "gidMappings" : "uidMappings");
	if ((mount->uid_mappings.count > 0) != (mount->gid_mappings.count > 0))
		return spec_invalid(out, path, "is missing, though the other mappings are there");
	snprintf(path, sizeof(path), "mounts[%zu].uidMappings", index);
	r = spec_check_id_mappings(path, &mount->uid_mappings, out);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "mounts[%zu].gidMappings", index);
	return spec_check_id_mappings(path, &mount->gid_mappings, out);
}

int spec_check_mounts(const struct spec *spec, const struct spec_sink *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->mount_count; i++)
		r = check_mount(&spec->mounts[i], i, out);
	return r;
}

static int check_mounts(const struct spec *spec, const struct spec_sink *out)
{
	if (spec->mount_count > 0 && !spec->linux.namespaces[NAMESPACE_MOUNT].set)
		return spec_invalid(out, "mounts", "need a mount namespace in linux.namespaces");
	return spec_check_mounts(spec, out);
}

/* --- hooks, annotations --- */

static int check_hook_list(const char *name, const struct spec_hook_list *list,
                           const struct spec_sink *out)
{
	char path[60];
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++) {
		snprintf(path, sizeof(path), "hooks.%s[%zu].path", name, i);
		if (list->items[i].path[0] != '/')
			r = spec_invalid(out, path, "\"%.200s\" is not absolute",
			                 list->items[i].path);
	}
	return r;
}

static int check_hooks(const struct spec *spec, const struct spec_sink *out)
{
	int r = 0;

	for (size_t kind = 0; r == 0 && kind < HOOK_KIND_COUNT; kind++)
		r = check_hook_list(spec_hook_names[kind], &spec->hooks[kind], out);
	return r;
}

/* Those that nobody may think to be in force, though they are not. */
static int check_annotation(const char *key, const struct spec_sink *out)
{
	const struct known_annotation *known;
	char path[160];

	if (key[0] == '\0')
		return spec_invalid(out, "annotations", "a key is empty");
	known = annotation_find(key);
	snprintf(path, sizeof(path), "annotations[\"%.120s\"]", key);
	if (known && known->use == ANNOTATION_REFUSED)
		return spec_refuse(out, ENOTSUP, path, "%s", known->about);
	if (out->all && known && known->use == ANNOTATION_IGNORED)
		finding_add(out->all, FINDING_NOTE, path, "ignored: %s", known->about);
	if (out->all && !known && str_starts(key, "run.oci."))
		finding_add(out->all, FINDING_NOTE, path, "unknown annotation, ignored");
	return 0;
}

static int check_annotations(const struct spec *spec, const struct spec_sink *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->annotation_count; i++)
		r = check_annotation(spec->annotations[i].key, out);
	return r;
}

/* --- all --- */

static int (*const checks[])(const struct spec *, const struct spec_sink *) = {
	check_version, check_root,  check_process,     check_hostname,   check_domainname,
	check_mounts,  check_hooks, check_annotations, spec_check_linux,
};

int spec_check_all(const struct spec *spec, const struct spec_sink *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(checks); i++)
		r = checks[i](spec, out);
	return r;
}

int spec_validate(const struct spec *spec, struct error *err)
{
	return spec_check_all(spec, &(struct spec_sink){.err = err});
}
