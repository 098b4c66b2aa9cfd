/* Changing the limits of a live container in cgroup v1: all of them or none, as in update.c. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/legacy_limits.h"
#include "cgroups/text.h"
#include "cgroups/update.h"

/* --- Half a setting --- */

/* −1 where the file is not there. */
static int64_t read_number(int dirfd, const char *file)
{
	char text[32];
	struct error ignored;
	int64_t number = -1;

	if (dirfd < 0 || file_read_kernel(dirfd, file, text, sizeof(text), &ignored) < 0)
		return -1;
	return parse_i64(text, &number) < 0 ? -1 : number;
}

/* A limit of memory and swap together stands for itself when the limit of memory stays. */
static void complete_memory(struct spec_memory *memory, int dirfd)
{
	bool limit = memory->limit.set && memory->limit.value != 0;
	int64_t now = limit || !memory->swap.set || memory->swap.value <= 0
	                      ? -1
	                      : read_number(dirfd, "memory.limit_in_bytes");

	if (now > 0 && now <= memory->swap.value)
		memory->limit = (struct optional_i64){.set = true, .value = now};
}

static int check_memory(const struct spec_memory *memory, int dirfd, struct error *err)
{
	if (!memory->check_before_update.set || !memory->check_before_update.value)
		return 0;
	if (update_check_use("limit", memory->limit, read_number(dirfd, "memory.usage_in_bytes"),
	                     err) < 0)
		return -err->code;
	return update_check_use("swap", memory->swap,
	                        read_number(dirfd, "memory.memsw.usage_in_bytes"), err);
}

int legacy_update_plan(struct cgroup *group, const struct spec_resources *resources,
                       struct spec_resources *ret_unified, struct error *err)
{
	scoped_fd memory = legacy_open(group, "memory");
	struct spec_resources older;

	if (legacy_divide(group, resources, ret_unified, &older, err) < 0)
		return -err->code;
	complete_memory(&older.memory, memory);
	if (check_memory(&older.memory, memory, err) < 0)
		return -err->code;
	return legacy_limits_plan(&older, &group->arena, &group->legacy.limits, err);
}

/* --- All or none --- */

/* The limits of one hierarchy, out of all. */
static int choose(const struct cgroup *group, const char *controllers, struct arena *arena,
                  struct limit_list *ret)
{
	const struct limit_list *all = &group->legacy.limits;

	*ret = (struct limit_list){.items =
	                                   arena_alloc(arena, all->count + 1, sizeof(*ret->items))};
	for (size_t i = 0; ret->items && i < all->count; i++) {
		if (text_list_has(controllers, all->items[i].controller))
			ret->items[ret->count++] = all->items[i];
	}
	return ret->items ? 0 : -ENOMEM;
}

static int save_hierarchy(const struct cgroup *group, const struct legacy_hierarchy *hierarchy,
                          struct arena *arena, struct limit_list *saved, struct error *err)
{
	scoped_fd dirfd = legacy_open(group, hierarchy->controllers);
	struct limit_list chosen;
	struct limit_list before;

	if (choose(group, hierarchy->controllers, arena, &chosen) < 0)
		return error_code(err, ENOMEM, "cgroup");
	if (chosen.count == 0)
		return 0;
	if (dirfd < 0)
		return error_errno(err, "open the cgroup %s%s", hierarchy->mount,
		                   group->location.path);
	if (update_save(&chosen, dirfd, arena, &before, err) < 0)
		return -err->code;
	for (size_t i = 0; i < before.count; i++) {
		before.items[i].flags &= ~(unsigned int)LIMIT_VERIFY;
		saved->items[saved->count++] = before.items[i];
	}
	return 0;
}

int legacy_update(struct cgroup *group, struct arena *arena, struct limit_list *ret_before,
                  struct error *err)
{
	const struct legacy *legacy = &group->legacy;
	struct limit_list saved = {0};

	*ret_before = saved;
	if (legacy->limits.count == 0)
		return 0;
	saved.items = arena_alloc(arena, legacy->limits.count, sizeof(*saved.items));
	if (!saved.items)
		return error_code(err, ENOMEM, "cgroup");
	for (size_t i = 0; i < legacy->count; i++) {
		if (save_hierarchy(group, &legacy->hierarchies[i], arena, &saved, err) < 0)
			return -err->code;
	}
	if (legacy_set(group, &legacy->limits, false, err) < 0) {
		legacy_set_back(group, &saved);
		return -err->code;
	}
	*ret_before = saved;
	return 0;
}

void legacy_set_back(const struct cgroup *group, const struct limit_list *before)
{
	struct error why;

	if (before->count > 0 && legacy_set(group, before, true, &why) < 0)
		log_write(LOG_LEVEL_WARNING, "cannot be set back: %s", why.text);
}
