#include "cgroups/path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

static bool name_is_bad(const char *name, size_t size)
{
	return size == 0 || size > NAME_MAX || (size == 1 && name[0] == '.') ||
	       (size == 2 && name[0] == '.' && name[1] == '.');
}

int path_check(const char *path, struct error *err)
{
	if (*path != '/')
		return error_set(err, EINVAL, "cgroup path \"%s\": not absolute", path);
	if (strlen(path) >= PATH_MAX / 2)
		return error_code(err, ENAMETOOLONG, "cgroup path \"%.60s…\"", path);
	for (const char *name = path; *name;) {
		size_t size = strcspn(++name, "/");

		if (name_is_bad(name, size))
			return error_set(err, EINVAL,
			                 "cgroup path \"%s\": the name \"%.*s\" in it is %s", path,
			                 size > NAME_MAX ? 60 : (int)size, name,
			                 size > NAME_MAX ? "too long" : "not allowed");
		if (memchr(name, '\n', size))
			return error_set(err, EINVAL,
			                 "cgroup path: a newline in it is not allowed");
		name += size;
	}
	return 0;
}

/* "a:b:c" without a slash is meant for the systemd driver. */
static bool looks_like_unit(const char *path)
{
	const char *first = strchr(path, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;

	return second && !strchr(second + 1, ':') && !strchr(path, '/');
}

int path_of_group(const char *cgroups_path, const char *base, const char *id, struct arena *arena,
                  const char **ret, struct error *err)
{
	const char *parent = str_equal(base, "/") ? "" : base;
	const char *path;

	if (!cgroups_path || !*cgroups_path) {
		path = arena_format(arena, "%s/lvm-run-%s", parent, id);
	} else if (*cgroups_path == '/') {
		path = arena_strdup(arena, cgroups_path);
	} else if (looks_like_unit(cgroups_path)) {
		return error_set(err, EINVAL,
		                 "linux.cgroupsPath: \"%s\" is the form of the systemd driver "
		                 "(slice:prefix:name); add --systemd-cgroup, or give a path",
		                 cgroups_path);
	} else {
		path = arena_format(arena, "%s/%s", parent, cgroups_path);
	}
	if (!path)
		return error_code(err, ENOMEM, "cgroup path");
	if (path_check(path, err) < 0)
		return error_wrap(err, "linux.cgroupsPath");
	*ret = path;
	return 0;
}

/* --- systemd --- */

/* What systemd.unit(5) allows in a unit's name. */
static bool unit_name_is_good(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";

	return *name && strlen(name) <= NAME_MAX && name[strspn(name, allowed)] == '\0' &&
	       *name != '.';
}

static bool slice_name_is_good(const char *slice)
{
	size_t stem = strlen(slice) - strlen(".slice");

	return stem > 0 && slice[0] != '-' && slice[stem - 1] != '-' && !strstr(slice, "--");
}

int path_of_slice(const char *slice, struct arena *arena, const char **ret, struct error *err)
{
	const char *path = "";

	if (str_equal(slice, "-.slice")) {
		*ret = path;
		return 0;
	}
	if (!str_ends(slice, ".slice") || !unit_name_is_good(slice) || !slice_name_is_good(slice))
		return error_set(err, EINVAL, "\"%s\" is not the name of a slice (a-b.slice)",
		                 slice);

	size_t stem = strlen(slice) - strlen(".slice");

	for (size_t i = 1; i <= stem; i++) {
		if (i < stem && slice[i] != '-')
			continue;
		path = arena_format(arena, "%s/%.*s.slice", path, (int)i, slice);
		if (!path)
			return error_code(err, ENOMEM, "slice");
	}
	*ret = path;
	return 0;
}

/* Cuts "slice:prefix:name" into its three parts. */
static int split_unit_path(char *text, char *ret[static 3], struct error *err)
{
	char *rest = text;

	for (int i = 0; i < 3; i++) {
		ret[i] = strsep(&rest, ":");
		if (!ret[i])
			return error_set(
				err, EINVAL,
				"linux.cgroupsPath: the systemd driver needs slice:prefix:name");
	}
	if (rest)
		return error_set(
			err, EINVAL,
			"linux.cgroupsPath: more than slice:prefix:name for the systemd driver");
	return 0;
}

int path_of_unit(const char *cgroups_path, const char *default_slice, const char *id,
                 struct arena *arena, struct unit_path *ret, struct error *err)
{
	char *text = cgroups_path && *cgroups_path ? arena_strdup(arena, cgroups_path)
	                                           : arena_format(arena, ":lvm-run:%s", id);
	char *part[3] = {NULL, NULL, NULL};
	struct unit_path found = {0};
	const char *slice_path = NULL;

	if (!text)
		return error_code(err, ENOMEM, "linux.cgroupsPath");
	if (split_unit_path(text, part, err) < 0)
		return -err->code;
	found.slice = part[0];
	if (!*part[0])
		found.slice = default_slice;
	else if (str_equal(part[0], "-"))
		found.slice = "-.slice";
	if (path_of_slice(found.slice, arena, &slice_path, err) < 0)
		return error_wrap(err, "linux.cgroupsPath");
	found.unit = str_ends(part[2], ".slice") ? part[2]
	             : *part[1] ? arena_format(arena, "%s-%s.scope", part[1], part[2])
	                        : arena_format(arena, "%s.scope", part[2]);
	if (!found.unit)
		return error_code(err, ENOMEM, "linux.cgroupsPath");
	if (!*part[2] || !unit_name_is_good(found.unit))
		return error_set(err, EINVAL,
		                 "linux.cgroupsPath: \"%s\" cannot be the name of a unit",
		                 found.unit);
	/* A slice stands where its own name says, whatever slice was named for it. */
	if (str_ends(found.unit, ".slice")) {
		if (path_of_slice(found.unit, arena, &found.path, err) < 0)
			return error_wrap(err, "linux.cgroupsPath");
	} else {
		found.path = arena_format(arena, "%s/%s", slice_path, found.unit);
	}
	if (!found.path || !*found.path)
		return error_set(err, EINVAL, "linux.cgroupsPath: not a place for a container");
	if (path_check(found.path, err) < 0) /* many dashes make a long way */
		return error_wrap(err, "linux.cgroupsPath");
	*ret = found;
	return 0;
}
