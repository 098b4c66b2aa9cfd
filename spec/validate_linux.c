#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "spec/validate.h"

/* --- namespaces --- */

static int check_namespace_paths(const struct spec *spec, struct error *err)
{
	for (size_t type = 0; type < NAMESPACE_TYPE_COUNT; type++) {
		const char *path = spec->linux.namespaces[type].path;

		if (path && path[0] != '/')
			return spec_invalid(err, "linux.namespaces",
			                    "the path \"%.200s\" of %s is not absolute", path,
			                    spec_namespace_names[type]);
	}
	return 0;
}

static int check_mappings(const struct spec *spec, struct error *err)
{
	const struct spec_linux *l = &spec->linux;
	const struct spec_namespace *user = &l->namespaces[NAMESPACE_USER];
	bool uids = l->uid_mappings.count > 0, gids = l->gid_mappings.count > 0;
	int r;

	if (!user->set && (uids || gids))
		return spec_invalid(err, uids ? "linux.uidMappings" : "linux.gidMappings",
		                    "needs a user namespace in linux.namespaces");
	if (user->set && !user->path && !(uids && gids))
		return spec_invalid(err, uids ? "linux.gidMappings" : "linux.uidMappings",
		                    "is missing, a new user namespace needs it");
	r = spec_validate_id_mappings("linux.uidMappings", &l->uid_mappings, err);
	return r < 0 ? r : spec_validate_id_mappings("linux.gidMappings", &l->gid_mappings, err);
}

static int check_time_offsets(const struct spec *spec, struct error *err)
{
	const struct spec_namespace *time = &spec->linux.namespaces[NAMESPACE_TIME];

	if (!spec->linux.monotonic_offset.set && !spec->linux.boottime_offset.set)
		return 0;
	if (!time->set)
		return spec_invalid(err, "linux.timeOffsets",
		                    "needs a time namespace in linux.namespaces");
	if (time->path)
		return spec_invalid(err, "linux.timeOffsets",
		                    "cannot be set in a time namespace that is joined by path");
	return 0;
}

/* --- files --- */

static int check_devices(const struct spec *spec, struct error *err)
{
	char path[50];

	for (size_t i = 0; i < spec->linux.device_count; i++) {
		snprintf(path, sizeof(path), "linux.devices[%zu].path", i);
		if (spec->linux.devices[i].path[0] != '/')
			return spec_invalid(err, path, "\"%.200s\" is not absolute",
			                    spec->linux.devices[i].path);
	}
	return 0;
}

static int check_path_list(const struct spec *spec, const char *property,
                           const struct string_list *list, struct error *err)
{
	if (list->count > 0 && !spec->linux.namespaces[NAMESPACE_MOUNT].set)
		return spec_invalid(err, property, "need a mount namespace in linux.namespaces");
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i][0] != '/')
			return error_set(err, EINVAL, "%s[%zu]: \"%.200s\" is not absolute",
			                 property, i, list->items[i]);
	}
	return 0;
}

static int check_masked_paths(const struct spec *spec, struct error *err)
{
	return check_path_list(spec, "linux.maskedPaths", &spec->linux.masked_paths, err);
}

static int check_readonly_paths(const struct spec *spec, struct error *err)
{
	return check_path_list(spec, "linux.readonlyPaths", &spec->linux.readonly_paths, err);
}

static int check_propagation(const struct spec *spec, struct error *err)
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
	return spec_invalid(err, "linux.rootfsPropagation",
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

static int check_cgroups_path(const struct spec *spec, struct error *err)
{
	if (spec->linux.cgroups_path && leads_up(spec->linux.cgroups_path))
		return spec_invalid(err, "linux.cgroupsPath", "must not contain \"..\"");
	return 0;
}

static int check_device_rules(const struct spec *spec, struct error *err)
{
	const struct spec_resources *resources = &spec->linux.resources;

	for (size_t i = 0; i < resources->device_count; i++) {
		const char *access = resources->devices[i].access;

		if (access && access[strspn(access, "rwm")] != '\0')
			return error_set(
				err, EINVAL,
				"linux.resources.devices[%zu].access: \"%.20s\" is not made of "
				"r, w and m",
				i, access);
	}
	return 0;
}

/* What the kernel's hugetlb files are called by: "2MB", "1GB". */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	text += digits;
	return digits > 0 && strchr("KMG", text[0]) && text[0] != '\0' && str_equal(text + 1, "B");
}

static int check_hugepages(const struct spec *spec, struct error *err)
{
	const struct spec_resources *resources = &spec->linux.resources;

	for (size_t i = 0; i < resources->hugepage_limit_count; i++) {
		const char *size = resources->hugepage_limits[i].page_size;

		if (!is_page_size(size))
			return error_set(
				err, EINVAL,
				"linux.resources.hugepageLimits[%zu].pageSize: \"%.20s\" is no "
				"page size (2MB, 1GB)",
				i, size);
	}
	return 0;
}

static int check_unified(const struct spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->linux.resources.unified_count; i++) {
		const char *key = spec->linux.resources.unified[i].key;

		if (key[0] == '\0' || strchr(key, '/') || str_equal(key, ".") ||
		    str_equal(key, ".."))
			return error_set(
				err, EINVAL,
				"linux.resources.unified[\"%.100s\"]: is no name of a file", key);
	}
	return 0;
}

/* --- all --- */

static int check_seccomp(const struct spec *spec, struct error *err)
{
	return spec_validate_seccomp(&spec->linux.seccomp, err);
}

static int check_unsupported(const struct spec *spec, struct error *err)
{
	if (spec->linux.unsupported.count == 0)
		return 0;
	return error_set(err, EOPNOTSUPP, "%s: not supported yet",
	                 spec->linux.unsupported.items[0]);
}

typedef int check_function(const struct spec *spec, struct error *err);

static int run(check_function *const *checks, size_t count, const struct spec *spec,
               struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = checks[i](spec, err);
	return r;
}

int spec_validate_resources(const struct spec *spec, struct error *err)
{
	static check_function *const checks[] = {
		check_device_rules,
		check_hugepages,
		check_unified,
		check_unsupported,
	};

	return run(checks, ARRAY_SIZE(checks), spec, err);
}

int spec_validate_linux(const struct spec *spec, struct error *err)
{
	static check_function *const checks[] = {
		check_namespace_paths, check_mappings,          check_time_offsets,
		check_devices,         check_masked_paths,      check_readonly_paths,
		check_propagation,     check_cgroups_path,      spec_validate_sysctl,
		check_seccomp,         spec_validate_resources,
	};

	return run(checks, ARRAY_SIZE(checks), spec, err);
}
