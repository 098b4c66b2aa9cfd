#include "cgroups/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "base/str.h"
#include "cgroups/cgroup.h"
#include "cgroups/legacy_limits.h"
#include "cgroups/text.h"

enum { PROC_LIMIT = 32 * 1024 * 1024 };

static bool path_is_unified(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

bool layout_is_unified(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Whether the mount is what `type` and `option` (null: any) ask for, and not hidden by a later one. */
static bool mount_fits(const struct mountinfo_line *mount, const char *type, const char *option)
{
	return str_equal(mount->type, type) &&
	       (!option || text_list_has(mount->super_options, option)) &&
	       (!str_equal(type, "cgroup2") || path_is_unified(mount->mount_point));
}

int layout_find_mount(const char *type, const char *option, char *ret, size_t size,
                      struct error *err)
{
	scoped_str text = NULL;
	int r = file_read(AT_FDCWD, "/proc/self/mountinfo", PROC_LIMIT, &text, NULL, err);
	char *cursor = text;
	char *line;
	int found = 0;

	if (r < 0)
		return r;
	while ((line = text_next_line(&cursor))) {
		struct mountinfo_line mount;

		if (!text_parse_mountinfo(line, &mount) || strlen(mount.mount_point) >= size ||
		    !mount_fits(&mount, type, option))
			continue;

		bool whole = str_equal(mount.root, "/");

		if (!found || whole) {
			(void)snprintf(ret, size, "%s", mount.mount_point);
			found = 1;
		}
		if (whole)
			break;
	}
	return found;
}

int layout_find_unified(char ret[static LAYOUT_PATH_SIZE], struct error *err)
{
	static const char *const usual[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		if (path_is_unified(usual[i])) {
			(void)snprintf(ret, LAYOUT_PATH_SIZE, "%s", usual[i]);
			return 0;
		}
	}

	int r = layout_find_mount("cgroup2", NULL, ret, LAYOUT_PATH_SIZE, err);

	if (r < 0)
		return r;
	return r > 0 ? 0
	             : error_set(
			       err, ENODEV,
			       "no cgroup v2 hierarchy is mounted; mount it with: mount -t cgroup2 "
			       "none /sys/fs/cgroup, or use --cgroup-manager disabled");
}

int layout_own_group(long pid, char *ret, size_t size, struct error *err)
{
	char path[48] = "/proc/self/cgroup";
	scoped_str text = NULL;

	if (pid > 0)
		(void)snprintf(path, sizeof(path), "/proc/%ld/cgroup", pid);

	int r = file_read(AT_FDCWD, path, PROC_LIMIT, &text, NULL, err);

	if (r < 0)
		return r;
	if (!text_own_group(text, ret, size))
		return error_set(err, ENODEV, "%s: names no group in the cgroup v2 hierarchy",
		                 path);
	return 0;
}

/* --- Why a controller is missing --- */

int layout_explain_missing(const char *mount, const char *controller, const char *why_not,
                           struct error *err)
{
	static const char advice[] =
		"take the limit out of the configuration, or give the controller to cgroup v2 "
		"(boot with cgroup_no_v1=all, or systemd.unified_cgroup_hierarchy=1)";
	const char *name = legacy_limits_controller(controller);
	struct controller_line line = {0};
	char where[LAYOUT_PATH_SIZE];
	scoped_str text = NULL;
	struct error ignored;

	if (file_read(AT_FDCWD, "/proc/cgroups", PROC_LIMIT, &text, NULL, &ignored) < 0 ||
	    !text_find_controller(text, name, &line))
		return error_set(
			err, ENOTSUP,
			"the %s controller is not there in the v2 hierarchy at %s: the kernel "
			"lacks it, or it was not delegated here; take the limit out of the "
			"configuration",
			controller, mount);
	if (!line.enabled)
		return error_set(
			err, ENOTSUP,
			"the %s controller was switched off at boot (cgroup_disable=%s); take the "
			"limit out of the configuration, or boot without that word",
			controller, name);
	if (line.hierarchy == 0)
		return error_set(
			err, ENOTSUP,
			"the %s controller is not there in the v2 hierarchy at %s, and not bound "
			"to cgroup v1 either: it was not delegated here; take the limit out of "
			"the configuration",
			controller, mount);
	if (layout_find_mount("cgroup", name, where, sizeof(where), &ignored) <= 0)
		return error_set(
			err, ENOTSUP,
			"the %s controller is bound to cgroup v1 (hierarchy %d), which is not "
			"mounted here: mount it, %s",
			controller, line.hierarchy, advice);
	return error_set(err, ENOTSUP, "the %s controller is bound to cgroup v1 at %s, and %s: %s",
	                 controller, where, why_not, advice);
}

/* --- The v1 hierarchies --- */

static const char *const legacy_controllers[] = {
	"cpu",     "cpuacct", "cpuset",     "memory",   "devices", "freezer", "net_cls", "blkio",
	"hugetlb", "pids",    "perf_event", "net_prio", "rdma",    "misc",    "debug"};

static bool path_is_legacy(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CGROUP_SUPER_MAGIC;
}

/* "cpu,cpuacct"; empty for a hierarchy without controllers. */
static void list_controllers(const struct mountinfo_line *mount, char *ret, size_t size)
{
	*ret = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(legacy_controllers); i++) {
		size_t length = strlen(ret);

		if (text_list_has(mount->super_options, legacy_controllers[i]))
			(void)snprintf(ret + length, size - length, "%s%s", length ? "," : "",
			               legacy_controllers[i]);
	}
}

static bool is_listed(const struct layout_legacy *list, const char *controllers)
{
	for (size_t i = 0; i < list->count; i++) {
		if (str_equal(list->items[i].controllers, controllers))
			return true;
	}
	return false;
}

static int add_hierarchy(const struct mountinfo_line *mount, struct arena *arena,
                         struct layout_legacy *list)
{
	char controllers[128];

	if (!str_equal(mount->type, "cgroup") || list->count == LAYOUT_LEGACY_MAX ||
	    strpbrk(mount->mount_point, " :%\t\n"))
		return 0;
	list_controllers(mount, controllers, sizeof(controllers));
	if (!*controllers || is_listed(list, controllers) || !path_is_legacy(mount->mount_point))
		return 0;

	const char *copy = arena_strdup(arena, controllers);
	const char *where = arena_strdup(arena, mount->mount_point);

	if (!copy || !where)
		return -ENOMEM;
	list->items[list->count].controllers = copy;
	list->items[list->count++].mount = where;
	return 0;
}

int layout_read_legacy(struct arena *arena, struct layout_legacy *ret, struct error *err)
{
	struct layout_legacy list = {.count = 0};
	scoped_str text = NULL;
	int r = file_read(AT_FDCWD, "/proc/self/mountinfo", PROC_LIMIT, &text, NULL, err);
	char *cursor = text;
	char *line;

	if (r < 0)
		return r;
	while ((line = text_next_line(&cursor))) {
		struct mountinfo_line mount;

		if (text_parse_mountinfo(line, &mount) && add_hierarchy(&mount, arena, &list) < 0)
			return error_code(err, ENOMEM, "cgroup layout");
	}
	*ret = list;
	return 0;
}

/* --- For doctor --- */

/* Adds "controller:mount point" for each controller of a v1 mount. */
static void add_legacy(const struct mountinfo_line *mount, char *list, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(legacy_controllers); i++) {
		size_t length = strlen(list);

		if (text_list_has(mount->super_options, legacy_controllers[i]))
			(void)snprintf(list + length, size - length, "%s%s:%s", length ? " " : "",
			               legacy_controllers[i], mount->mount_point);
	}
}

int cgroup_read_layout(struct cgroup_layout *ret, struct error *err)
{
	struct cgroup_layout found = {.kind = "none"};
	scoped_str text = NULL;
	int r = file_read(AT_FDCWD, "/proc/self/mountinfo", PROC_LIMIT, &text, NULL, err);
	char *cursor = text;
	char *line;
	bool legacy = false;
	struct error ignored;

	if (r < 0)
		return r;
	while ((line = text_next_line(&cursor))) {
		struct mountinfo_line mount;

		if (!text_parse_mountinfo(line, &mount) || !str_equal(mount.type, "cgroup"))
			continue;
		legacy = true;
		add_legacy(&mount, found.legacy, sizeof(found.legacy));
	}
	if (layout_find_unified(found.mount, &ignored) == 0) {
		scoped_str file = str_format("%s/cgroup.controllers", found.mount);

		if (!file)
			return error_code(err, ENOMEM, "cgroup layout");
		if (file_read_kernel(AT_FDCWD, file, found.controllers, sizeof(found.controllers),
		                     &ignored) < 0)
			found.controllers[0] = '\0';
		found.kind = legacy ? "hybrid" : "unified";
	} else {
		found.mount[0] = '\0';
		found.kind = legacy ? "legacy" : "none";
	}
	*ret = found;
	return 0;
}
