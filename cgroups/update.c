#include "cgroups/update.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroups/group.h"

enum { VALUE_SIZE = 4096 };

/* --- What was there before --- */

/* Files with one line a device: a line of ours changes that device alone. */
static const struct {
	const char *file;
	const char *unset; /* what is written for a device that had no line */
} keyed[] = {
	{"io.max", "rbps=max wbps=max riops=max wiops=max"},
	{"io.weight", "default"},
	{"io.bfq.weight", "default"},
	{"rdma.max", "hca_handle=max hca_object=max"},
	{"misc.max", "max"},
	/* cgroup v1 */
	{"blkio.throttle.read_bps_device", "0"},
	{"blkio.throttle.write_bps_device", "0"},
	{"blkio.throttle.read_iops_device", "0"},
	{"blkio.throttle.write_iops_device", "0"},
	{"blkio.bfq.weight_device", "default"},
	{"blkio.weight_device", "default"},
	{"net_prio.ifpriomap", "0"},
};

/* The line of `text` whose first word is the first `size` bytes of `key`; null when there is none. */
static const char *find_line(const char *text, const char *key, size_t size)
{
	while (*text) {
		if (strncmp(text, key, size) == 0 && text[size] == ' ')
			return text;
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return NULL;
}

/* The value that undoes one line written to `file`, whose content is `before`; null: memory. */
static const char *undo_line(const char *file, const char *line, const char *before,
                             struct arena *arena)
{
	size_t key = strcspn(line, " \n");

	/* "oom_kill_disable 0", and what is written is the number. */
	if (str_equal(file, "memory.oom_control"))
		return arena_strndup(arena, before + strcspn(before, "01"), 1);
	if (line[key] != ' ')
		return arena_strndup(arena, before, strcspn(before, "\n"));
	for (size_t i = 0; i < ARRAY_SIZE(keyed); i++) {
		if (!str_equal(file, keyed[i].file))
			continue;

		const char *old = find_line(before, line, key);

		return old ? arena_strndup(arena, old, strcspn(old, "\n"))
		           : arena_format(arena, "%.*s %s", (int)key, line, keyed[i].unset);
	}
	return arena_strdup(arena, before);
}

/* A limit that writes what each line of `limit` will change. */
static int save_lines(const struct limit *limit, const char *file, const char *value,
                      const char *before, struct arena *arena, struct limit *ret)
{
	const char *saved = "";

	while (saved && *value) {
		const char *undo = undo_line(file, value, before, arena);

		saved = undo ? arena_format(arena, "%s%s%s", saved, *saved ? "\n" : "", undo)
		             : NULL;
		value = strchrnul(value, '\n');
		value += *value == '\n';
	}
	*ret = (struct limit){
		.property = limit->property,
		.file = file,
		.value = saved,
		.controller = limit->controller,
		.flags = limit->flags,
	};
	return saved ? 0 : -ENOMEM;
}

/* 1 saved, 0 nothing to save: no such file, or none that can be read. */
static int save_one(const struct limit *limit, int dirfd, struct arena *arena, struct limit *ret)
{
	char before[VALUE_SIZE];
	struct error ignored;
	const char *file = limit->file;
	const char *value = limit->value;

	if (limit->fallback_file && faccessat(dirfd, file, F_OK, 0) < 0) {
		file = limit->fallback_file;
		value = limit->fallback_value;
	}
	if (file_read_kernel(dirfd, file, before, sizeof(before), &ignored) < 0)
		return 0;
	if (save_lines(limit, file, value, before, arena, ret) < 0)
		return -ENOMEM;
	return *ret->value != '\0';
}

int update_save(const struct limit_list *list, int dirfd, struct arena *arena,
                struct limit_list *ret, struct error *err)
{
	struct limit *items = arena_alloc(arena, list->count + 1, sizeof(*items));
	size_t count = 0;

	for (size_t i = list->count; items && i > 0; i--) {
		int r = save_one(&list->items[i - 1], dirfd, arena, &items[count]);

		if (r < 0)
			return error_code(err, ENOMEM, "%s", list->items[i - 1].property);
		count += r == 1;
	}
	*ret = (struct limit_list){.items = items, .count = count};
	return items ? 0 : error_code(err, ENOMEM, "cgroup");
}

/* One by one, so that what cannot be set back keeps nothing else from it. */
static void set_back(const struct limit_list *saved, int dirfd)
{
	for (size_t i = 0; i < saved->count; i++) {
		const struct limit_list one = {.items = &saved->items[i], .count = 1};
		struct error why;

		if (limits_apply(&one, dirfd, &why) < 0)
			log_write(LOG_LEVEL_WARNING, "cannot be set back: %s", why.text);
	}
}

/*
 * The kernel is asked first: it refuses, where systemd would only complain to its log. What systemd makes of
 * the values it rounds, so they are written once more.
 */
static int apply_and_tell(struct cgroup *group, const struct limit_list *list, int dirfd,
                          struct error *err)
{
	if (limits_apply(list, dirfd, err) < 0)
		return -err->code;
	if (!group || !group->driver->tell)
		return 0;
	if (group->driver->tell(group, err) < 0)
		return -err->code;
	return limits_apply(list, dirfd, err);
}

int update_values(struct cgroup *group, const struct limit_list *list, int dirfd, struct error *err)
{
	scoped_arena arena = {0};
	struct limit_list saved = {0};

	if (update_save(list, dirfd, &arena, &saved, err) < 0)
		return -err->code;
	if (apply_and_tell(group, list, dirfd, err) == 0)
		return 0;
	set_back(&saved, dirfd);
	return -err->code;
}

/* --- Half a setting --- */

static bool is_given(struct optional_i64 number)
{
	return number.set && number.value != 0;
}

static void complete_quota(struct spec_cpu *cpu, int dirfd)
{
	bool period = cpu->period.set && cpu->period.value != 0;
	char text[64];
	struct error ignored;
	uint64_t number;

	if (is_given(cpu->quota) == period ||
	    file_read_kernel(dirfd, "cpu.max", text, sizeof(text), &ignored) < 0)
		return;

	char *blank = strchr(text, ' ');

	if (!blank)
		return;
	*blank = '\0';
	if (period && parse_u64(text, &number) == 0 && number <= INT64_MAX)
		cpu->quota = (struct optional_i64){.set = true, .value = (int64_t)number};
	else if (!period && parse_u64(blank + 1, &number) == 0)
		cpu->period = (struct optional_u64){.set = true, .value = number};
}

/* The number in a file; −1 for "max", −2 when it is not there. */
static int64_t read_number(int dirfd, const char *file)
{
	char text[64];
	struct error ignored;
	int64_t number = 0;

	if (file_read_kernel(dirfd, file, text, sizeof(text), &ignored) < 0)
		return -2;
	if (str_equal(text, "max"))
		return -1;
	return parse_i64(text, &number) < 0 ? -2 : number;
}

static void complete_memory(struct spec_memory *memory, int dirfd)
{
	if (!memory->swap.set || memory->swap.value <= 0 || is_given(memory->limit))
		return;

	int64_t limit = read_number(dirfd, "memory.max");

	if (limit > 0)
		memory->limit = (struct optional_i64){.set = true, .value = limit};
}

int update_check_use(const char *property, struct optional_i64 limit, int64_t used,
                     struct error *err)
{
	if (!limit.set || limit.value <= 0 || used < 0 || limit.value > used)
		return 0;
	return error_set(err, EBUSY,
	                 "linux.resources.memory.%s: %" PRId64
	                 " is not above what the container uses now (%" PRId64
	                 "), and checkBeforeUpdate asks to refuse that",
	                 property, limit.value, used);
}

static int check_memory(const struct spec_memory *memory, int dirfd, struct error *err)
{
	if (!memory->check_before_update.set || !memory->check_before_update.value)
		return 0;

	int64_t used = read_number(dirfd, "memory.current");
	int64_t swap = read_number(dirfd, "memory.swap.current");

	if (used < 0)
		return 0;
	if (update_check_use("limit", memory->limit, used, err) < 0)
		return -err->code;
	return update_check_use("swap", memory->swap, used + (swap > 0 ? swap : 0), err);
}

int update_complete(struct spec_resources *resources, int dirfd, struct error *err)
{
	complete_quota(&resources->cpu, dirfd);
	complete_memory(&resources->memory, dirfd);
	return check_memory(&resources->memory, dirfd, err);
}

/* --- The group --- */

static int refuse_disabled(const struct limit_list *limits, struct error *err)
{
	if (limits->count == 0)
		return 0;
	return error_set(err, ENOTSUP, "%s: there are no limits without a cgroup",
	                 limits->items[0].property);
}

int cgroup_update(struct cgroup *group, const struct spec_resources *resources, struct error *err)
{
	scoped_arena arena = {0};
	struct spec_resources whole = *resources;
	struct limit_list before = {0};

	int grows = legacy_grow_plan(group, resources, err);

	if (grows < 0)
		return grows;
	if (group->legacy.count > 0 && legacy_update_plan(group, resources, &whole, err) < 0)
		return -err->code;
	if (group->dirfd >= 0 && update_complete(&whole, group->dirfd, err) < 0)
		return -err->code;
	if (limits_plan(&whole, &group->arena, &group->limits, err) < 0)
		return -err->code;
	if (group->dirfd < 0)
		return refuse_disabled(&group->limits, err);
	if (unified_check_controllers(group, err) < 0 || unified_enable_controllers(group, err) < 0)
		return -err->code;
	if ((grows ? legacy_grow(group, err) : legacy_update(group, &arena, &before, err)) < 0)
		return -err->code;
	if (update_values(group, &group->limits, group->dirfd, err) == 0)
		return 0;
	if (grows)
		legacy_shrink(group);
	else
		legacy_set_back(group, &before);
	return -err->code;
}
