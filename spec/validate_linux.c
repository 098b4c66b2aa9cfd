#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "spec/validate.h"

/* --- namespaces --- */

static int check_namespace_paths(const struct spec *spec, const struct spec_sink *out)
{
	int r = 0;

	for (size_t type = 0; r == 0 && type < NAMESPACE_TYPE_COUNT; type++) {
		const char *path = spec->linux.namespaces[type].path;

		if (path && path[0] != '/')
			r = spec_invalid(out, "linux.namespaces",
			                 "the path \"%.200s\" of %s is not absolute", path,
			                 spec_namespace_names[type]);
	}
	return r;
}

static int check_mappings(const struct spec *spec, const struct spec_sink *out)
{
	const struct spec_linux *l = &spec->linux;
	const struct spec_namespace *user = &l->namespaces[NAMESPACE_USER];
	bool uids = l->uid_mappings.count > 0, gids = l->gid_mappings.count > 0;
	int r;

	if (!user->set && (uids || gids))
		return spec_invalid(out, uids ? "linux.uidMappings" : "linux.gidMappings",
		                    "needs a user namespace in linux.namespaces");
	if (user->set && !user->path && !(uids && gids))
		return spec_invalid(out, uids ? "linux.gidMappings" : "linux.uidMappings",
		                    "is missing, a new user namespace needs it");
	r = spec_check_id_mappings("linux.uidMappings", &l->uid_mappings, out);
	return r < 0 ? r : spec_check_id_mappings("linux.gidMappings", &l->gid_mappings, out);
}

static int check_time_offsets(const struct spec *spec, const struct spec_sink *out)
{
	const struct spec_namespace *time = &spec->linux.namespaces[NAMESPACE_TIME];

	if (!spec->linux.monotonic_offset.set && !spec->linux.boottime_offset.set)
		return 0;
	if (!time->set)
		return spec_invalid(out, "linux.timeOffsets",
		                    "needs a time namespace in linux.namespaces");
	if (time->path)
		return spec_invalid(out, "linux.timeOffsets",
		                    "cannot be set in a time namespace that is joined by path");
	return 0;
}

/* --- files --- */

static int check_devices(const struct spec *spec, const struct spec_sink *out)
{
	char path[50];
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->linux.device_count; i++) {
		snprintf(path, sizeof(path), "linux.devices[%zu].path", i);
		if (spec->linux.devices[i].path[0] != '/')
			r = spec_invalid(out, path, "\"%.200s\" is not absolute",
			                 spec->linux.devices[i].path);
	}
	return r;
}

static int check_path_list(const struct spec *spec, const char *property,
                           const struct string_list *list, const struct spec_sink *out)
{
	char path[60];
	int r = 0;

	if (list->count > 0 && !spec->linux.namespaces[NAMESPACE_MOUNT].set)
		return spec_invalid(out, property, "need a mount namespace in linux.namespaces");
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		snprintf(path, sizeof(path), "%s[%zu]", property, i);
		if (list->items[i][0] != '/')
			r = spec_invalid(out, path, "\"%.200s\" is not absolute", list->items[i]);
	}
	return r;
}

static int check_masked_paths(const struct spec *spec, const struct spec_sink *out)
{
	return check_path_list(spec, "linux.maskedPaths", &spec->linux.masked_paths, out);
}

static int check_readonly_paths(const struct spec *spec, const struct spec_sink *out)
{
	return check_path_list(spec, "linux.readonlyPaths", &spec->linux.readonly_paths, out);
}

static int check_propagation(const struct spec *spec, const struct spec_sink *out)
{
	static const char *const words[] = {"private", "rprivate", "shared",     "rshared",
	                                    "slave",   "rslave",   "unbindable", "runbindable"};
	const char *word = spec->linux.rootfs_propagation;

	if (!word)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], word) == 0)
			return 0;
	}
	return spec_invalid(out, "linux.rootfsPropagation",
	                    "\"%.40s\" is none of private, shared, slave, unbindable", word);
}

/* --- cgroup --- */

/* "a/../b" and the like: the path would leave what the caller meant. */
static bool leads_up(const char *path)
{
	while (*path) {
		size_t part = strcspn(path, "/");

		if (part == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += part + strspn(path + part, "/");
	}
	return false;
}

static int check_cgroups_path(const struct spec *spec, const struct spec_sink *out)
{
	if (spec->linux.cgroups_path && leads_up(spec->linux.cgroups_path))
		return spec_invalid(out, "linux.cgroupsPath", "must not contain \"..\"");
	return 0;
}

static int check_device_rules(const struct spec *spec, const struct spec_sink *out)
{
	const struct spec_resources *resources = &spec->linux.resources;
	char path[60];
	int r = 0;

	for (size_t i = 0; r == 0 && i < resources->device_count; i++) {
		const char *access = resources->devices[i].access;

		snprintf(path, sizeof(path), "linux.resources.devices[%zu].access", i);
		if (access && access[strspn(access, "rwm")] != '\0')
			r = spec_invalid(out, path, "\"%.20s\" is not made of r, w and m", access);
	}
	return r;
}

/* What the kernel's hugetlb files are called by: "2MB", "1GB". */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	text += digits;
	return digits > 0 && strchr("KMG", text[0]) && text[0] != '\0' && str_equal(text + 1, "B");
}

static int check_hugepages(const struct spec *spec, const struct spec_sink *out)
{
	const struct spec_resources *resources = &spec->linux.resources;
	char path[80];
	int r = 0;

	for (size_t i = 0; r == 0 && i < resources->hugepage_limit_count; i++) {
		const char *size = resources->hugepage_limits[i].page_size;

		snprintf(path, sizeof(path), "linux.resources.hugepageLimits[%zu].pageSize", i);
		if (!is_page_size(size))
			r = spec_invalid(out, path, "\"%.20s\" is no page size (2MB, 1GB)", size);
	}
	return r;
}

static int check_unified(const struct spec *spec, const struct spec_sink *out)
{
	char path[140];
	int r = 0;

	for (size_t i = 0; r == 0 && i < spec->linux.resources.unified_count; i++) {
		const char *key = spec->linux.resources.unified[i].key;

		snprintf(path, sizeof(path), "linux.resources.unified[\"%.100s\"]", key);
		if (key[0] == '\0' || strchr(key, '/') || str_equal(key, ".") ||
		    str_equal(key, ".."))
			r = spec_invalid(out, path, "is no name of a file");
	}
	return r;
}

/* --- all --- */

static int check_seccomp(const struct spec *spec, const struct spec_sink *out)
{
	return spec_check_seccomp(&spec->linux.seccomp, out);
}

typedef int check_function(const struct spec *spec, const struct spec_sink *out);

static int run(check_function *const *checks, size_t count, const struct spec *spec,
               const struct spec_sink *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = checks[i](spec, out);
	return r;
}

static int check_resources(const struct spec *spec, const struct spec_sink *out)
{
	static check_function *const checks[] = {
		check_device_rules,
		check_hugepages,
		check_unified,
	};

	return run(checks, ARRAY_SIZE(checks), spec, out);
}

int spec_validate_resources(const struct spec *spec, struct error *err)
{
	return check_resources(spec, &(struct spec_sink){.err = err});
}

int spec_check_linux(const struct spec *spec, const struct spec_sink *out)
{
	static check_function *const checks[] = {
		check_namespace_paths,  check_mappings,       check_time_offsets,
		check_devices,          check_masked_paths,   check_readonly_paths,
		check_propagation,      check_cgroups_path,   spec_check_sysctl,
		check_seccomp,          check_resources,      spec_check_memory_policy,
		spec_check_net_devices, spec_check_intel_rdt,
	};

	return run(checks, ARRAY_SIZE(checks), spec, out);
}
