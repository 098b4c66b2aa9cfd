#include "cgroups/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/legacy_limits.h"
#include "cgroups/text.h"

enum { DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, WORDS_SIZE = 512 };

/* --- Hierarchies --- */

/* `controller` may be all controllers of a hierarchy. */
static const struct legacy_hierarchy *find_hierarchy(const struct legacy *legacy,
                                                     const char *controller)
{
	for (size_t i = 0; i < legacy->count; i++) {
		const char *controllers = legacy->hierarchies[i].controllers;

		if (str_equal(controllers, controller) || text_list_has(controllers, controller))
			return &legacy->hierarchies[i];
	}
	return NULL;
}

/* Adds the hierarchy that has the controller, if it is mounted and not there yet. */
static void add_hierarchy(struct legacy *legacy, const struct layout_legacy *layout,
                          const char *controller)
{
	if (find_hierarchy(legacy, controller))
		return;
	for (size_t i = 0; i < layout->count; i++) {
		if (!text_list_has(layout->items[i].controllers, controller))
			continue;
		legacy->hierarchies[legacy->count++] = (struct legacy_hierarchy){
			.controllers = layout->items[i].controllers,
			.mount = layout->items[i].mount,
		};
		return;
	}
}

/*
 * With limits in v1 the container gets groups wherever statistics come from and where a later update may
 * set a limit: a process cannot be moved there with all that it has used.
 */
static void add_for_statistics(struct legacy *legacy, const struct layout_legacy *layout)
{
	static const char *const wanted[] = {"cpu", "cpuacct", "cpuset", "memory", "pids", "blkio"};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		size_t before = legacy->count;

		add_hierarchy(legacy, layout, wanted[i]);
		if (legacy->count > before &&
		    faccessat(AT_FDCWD, legacy->hierarchies[before].mount, W_OK, AT_EACCESS) < 0)
			legacy->count = before;
	}
}

/* How many of the groups above `path` are there. */
static int count_above(const char *mount, const char *path)
{
	scoped_str full = str_format("%s%s", mount, path);
	char *cut = full ? strchr(full + strlen(mount) + 1, '/') : NULL;
	int count = 0;

	for (; cut; cut = strchr(cut + 1, '/'), count++) {
		*cut = '\0';
		if (faccessat(AT_FDCWD, full, F_OK, 0) < 0)
			break;
		*cut = '/';
	}
	return count;
}

static const char *format_hierarchies(struct cgroup *group)
{
	struct legacy *legacy = &group->legacy;
	const char *text = "";

	for (size_t i = 0; text && i < legacy->count; i++) {
		struct legacy_hierarchy *one = &legacy->hierarchies[i];

		one->above = count_above(one->mount, group->location.path);
		text = arena_format(&group->arena, "%s%s%s@%d:%s", text, *text ? " " : "",
		                    one->controllers, one->above, one->mount);
	}
	return text;
}

/* "cpu,cpuacct@1:/mount", cut in place. */
static bool parse_hierarchy(char *word, struct legacy_hierarchy *ret)
{
	char *colon = strchr(word, ':');
	char *at = strchr(word, '@');

	if (!colon || colon[1] != '/' || !at || at > colon || at == word)
		return false;
	*colon = '\0';
	*at = '\0';
	*ret = (struct legacy_hierarchy){.controllers = word, .mount = colon + 1};
	return parse_int(at + 1, 0, INT_MAX, &ret->above) == 0;
}

int legacy_parse(struct cgroup *group, const char *text, struct error *err)
{
	struct legacy *legacy = &group->legacy;
	char *copy = text ? arena_strdup(&group->arena, text) : NULL;
	char *word;

	if (!text)
		return 0;
	group->location.legacy = arena_strdup(&group->arena, text);
	if (!copy || !group->location.legacy)
		return error_code(err, ENOMEM, "cgroup");
	while ((word = strsep(&copy, " "))) {
		if (legacy->count == LAYOUT_LEGACY_MAX ||
		    !parse_hierarchy(word, &legacy->hierarchies[legacy->count]))
			return error_set(err, EINVAL,
			                 "the record of the cgroup v1 groups is broken");
		legacy->count++;
	}
	return 0;
}

/* --- The plan --- */

/* All v1 controllers that are mounted, as words. */
static const char *list_words(const struct layout_legacy *layout, struct arena *arena)
{
	char *words = arena_strdup(arena, "");

	for (size_t i = 0; words && i < layout->count; i++)
		words = arena_format(arena, "%s %s", words, layout->items[i].controllers);
	for (char *c = words; c && *c; c++) {
		if (*c == ',')
			*c = ' ';
	}
	return words;
}

static int read_controllers(const struct cgroup *group, char *ret, size_t size, struct error *err)
{
	scoped_str file = str_format("%s/cgroup.controllers", group->location.mount);

	if (!file)
		return error_code(err, ENOMEM, "cgroup");
	return file_read_kernel(AT_FDCWD, file, ret, size, err) < 0 ? -err->code : 0;
}

static int plan_with(struct cgroup *group, const struct layout_legacy *layout,
                     const struct spec_resources *resources, struct error *err)
{
	struct legacy *legacy = &group->legacy;
	struct spec_resources unified;
	struct spec_resources older;
	char controllers[WORDS_SIZE];

	/* Elsewhere than root's a delegated hierarchy is one of version 2. */
	const char *words = process_is_rootless() ? "" : list_words(layout, &group->arena);

	if (!words)
		return error_code(err, ENOMEM, "cgroup");
	if (read_controllers(group, controllers, sizeof(controllers), err) < 0)
		return -err->code;
	legacy_limits_divide(resources, controllers, words, &unified, &older);
	if (limits_plan(&unified, &group->arena, &group->limits, err) < 0)
		return -err->code;
	return legacy_limits_plan(&older, &group->arena, &legacy->limits, err);
}

int legacy_plan(struct cgroup *group, const struct spec_resources *resources, struct error *err)
{
	struct legacy *legacy = &group->legacy;
	struct layout_legacy layout;

	if (layout_read_legacy(&group->arena, &layout, err) < 0 ||
	    plan_with(group, &layout, resources, err) < 0)
		return -err->code;
	if (legacy->limits.count == 0)
		return 0;
	for (size_t i = 0; i < legacy->limits.count; i++)
		add_hierarchy(legacy, &layout, legacy->limits.items[i].controller);
	add_for_statistics(legacy, &layout);
	group->location.legacy = format_hierarchies(group);
	return group->location.legacy ? 0 : error_code(err, ENOMEM, "cgroup");
}

int legacy_divide(struct cgroup *group, const struct spec_resources *resources,
                  struct spec_resources *ret_unified, struct spec_resources *ret_legacy,
                  struct error *err)
{
	struct layout_legacy layout = {.count = group->legacy.count};
	char controllers[WORDS_SIZE];

	for (size_t i = 0; i < layout.count; i++)
		layout.items[i].controllers = group->legacy.hierarchies[i].controllers;

	const char *words = list_words(&layout, &group->arena);

	if (!words)
		return error_code(err, ENOMEM, "cgroup");
	if (read_controllers(group, controllers, sizeof(controllers), err) < 0)
		return -err->code;
	legacy_limits_divide(resources, controllers, words, ret_unified, ret_legacy);
	return 0;
}

/* --- Asking the helper --- */

static void write_limit(struct strbuf *request, const struct limit *limit)
{
	static const struct {
		unsigned int flag;
		const char *key;
	} flags[] = {
		{LIMIT_IF_PRESENT, "if-present"},
		{LIMIT_RETRY_LATER, "retry"},
		{LIMIT_VERIFY, "verify"},
	};

	helper_add(request, "limit", limit->file);
	helper_add(request, "property", limit->property);
	helper_add(request, "value", limit->value);
	if (limit->fallback_file) {
		helper_add(request, "fallback", limit->fallback_file);
		helper_add(request, "fallback-value", limit->fallback_value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (limit->flags & flags[i].flag)
			helper_add(request, flags[i].key, "1");
	}
}

static void write_hierarchy(struct strbuf *request, const struct legacy_hierarchy *hierarchy)
{
	strbuf_addf(request, "hierarchy=%s@%d:%s\n", hierarchy->controllers, hierarchy->above,
	            hierarchy->mount);
}

static int ask(const struct strbuf *request, struct error *err)
{
	if (request->failed)
		return error_code(err, ENOMEM, "cgroup");
	return helper_ask(request->data, HELPER_TIMEOUT_MS, NULL, err);
}

static void begin_request(struct strbuf *request, const struct cgroup *group, const char *service)
{
	strbuf_addf(request, "%s\n", service);
	helper_add(request, "path", group->location.path);
}

/* --- Making and removing --- */

static bool is_there(const struct cgroup *group, const struct legacy_hierarchy *hierarchy)
{
	scoped_str full = str_format("%s%s", hierarchy->mount, group->location.path);

	return full && faccessat(AT_FDCWD, full, F_OK, 0) == 0;
}

int legacy_make(struct cgroup *group, struct error *err)
{
	scoped_strbuf request = {0};
	scoped_str procs = str_format("%s/cgroup.procs", group->full);

	if (!procs)
		return error_code(err, ENOMEM, "cgroup");
	for (size_t i = 0; i < group->legacy.count; i++)
		group->legacy.hierarchies[i].was_there =
			is_there(group, &group->legacy.hierarchies[i]);
	begin_request(&request, group, "legacy-create");
	helper_add(&request, "join", procs);
	if (group->noted)
		helper_add(&request, "occupied", "1");
	for (size_t i = 0; i < group->legacy.count; i++)
		write_hierarchy(&request, &group->legacy.hierarchies[i]);
	for (size_t i = 0; i < group->legacy.limits.count; i++)
		write_limit(&request, &group->legacy.limits.items[i]);
	group->legacy.tried = true;
	return ask(&request, err);
}

/* Who was to make them may have been killed when only groups on the way were made. */
static bool has_left(const struct cgroup *group, const struct legacy_hierarchy *hierarchy)
{
	return is_there(group, hierarchy) ||
	       count_above(hierarchy->mount, group->location.path) > hierarchy->above;
}

void legacy_undo(struct cgroup *group)
{
	scoped_strbuf request = {0};
	struct error why;
	bool any = false;

	begin_request(&request, group, "legacy-remove");
	for (size_t i = 0; group->legacy.tried && i < group->legacy.count; i++) {
		const struct legacy_hierarchy *one = &group->legacy.hierarchies[i];

		if (one->was_there || !has_left(group, one))
			continue;
		write_hierarchy(&request, one);
		any = true;
	}
	if (any && ask(&request, &why) < 0)
		log_write(LOG_LEVEL_WARNING, "%s", why.text);
	group->legacy.tried = false;
}

int legacy_remove(const struct cgroup *group, struct error *err)
{
	scoped_strbuf request = {0};
	if (group->legacy.count == 0)
		return 0;
	begin_request(&request, group, "legacy-remove");
	for (size_t i = 0; i < group->legacy.count; i++)
		write_hierarchy(&request, &group->legacy.hierarchies[i]);
	return ask(&request, err);
}

int legacy_set(const struct cgroup *group, const struct limit_list *limits, bool each,
               struct error *err)
{
	scoped_strbuf request = {0};

	begin_request(&request, group, "legacy-set");
	for (size_t i = 0; i < group->legacy.count; i++)
		write_hierarchy(&request, &group->legacy.hierarchies[i]);
	if (each)
		helper_add(&request, "each", "1");
	for (size_t i = 0; i < limits->count; i++)
		write_limit(&request, &limits->items[i]);
	return ask(&request, err);
}

/* --- Reading and entering --- */

static int open_hierarchy(const struct cgroup *group, const struct legacy_hierarchy *hierarchy)
{
	scoped_str full = str_format("%s%s", hierarchy->mount, group->location.path);
	scoped_fd fd = full ? open(full, DIRECTORY_FLAGS) : -1;
	struct statfs fs;

	/* A damaged record must not make us read or enter what is no group. */
	if (fd >= 0 && (fstatfs(fd, &fs) < 0 || fs.f_type != CGROUP_SUPER_MAGIC)) {
		errno = ENODEV;
		return -1;
	}
	return fd_take(&fd);
}

int legacy_open(const struct cgroup *group, const char *controller)
{
	const struct legacy_hierarchy *hierarchy = find_hierarchy(&group->legacy, controller);

	return hierarchy ? open_hierarchy(group, hierarchy) : -1;
}

int cgroup_open_legacy(const struct cgroup *group, struct cgroup_legacy *ret, struct error *err)
{
	ret->count = 0;
	for (size_t i = 0; i < group->legacy.count; i++) {
		scoped_fd dirfd = open_hierarchy(group, &group->legacy.hierarchies[i]);
		int fd = dirfd < 0 ? -1 : openat(dirfd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

		if (fd < 0) {
			(void)error_errno(err, "open the cgroup %s%s",
			                  group->legacy.hierarchies[i].mount, group->location.path);
			cgroup_legacy_done(ret);
			return -err->code;
		}
		ret->fds[ret->count++] = fd;
	}
	return 0;
}

void cgroup_legacy_done(struct cgroup_legacy *legacy)
{
	while (legacy->count > 0)
		fd_close(&legacy->fds[--legacy->count]);
}
