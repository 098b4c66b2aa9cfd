#include "cgroups/limit_builder.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"

/* The controller that serves a file; null for a file that every group has. */
static const char *controller_of(struct limit_builder *b, const char *file)
{
	size_t size = strcspn(file, ".");

	if (size == strlen("cgroup") && str_starts(file, "cgroup"))
		return NULL;
	return arena_strndup(b->arena, file, size);
}

int limit_add(struct limit_builder *b, struct limit limit)
{
	struct limit_list *list = b->list;

	if (!limit.value)
		return error_code(b->err, ENOMEM, "%s", limit.property);
	if (list->count == b->capacity) {
		size_t capacity = b->capacity ? b->capacity * 2 : 16;
		struct limit *items = arena_alloc(b->arena, capacity, sizeof(*items));

		if (!items)
			return error_code(b->err, ENOMEM, "%s", limit.property);
		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		b->capacity = capacity;
	}
	limit.controller = controller_of(b, limit.file);
	list->items[list->count++] = limit;
	return 0;
}

const char *limit_number(struct limit_builder *b, int64_t value, const char *unlimited)
{
	return value == -1 ? unlimited : arena_format(b->arena, "%" PRId64, value);
}

int limit_check_sign(struct limit_builder *b, const char *property, int64_t value)
{
	if (value >= -1)
		return 0;
	return error_set(b->err, EINVAL, "%s: %" PRId64 " is no limit (-1 stands for no limit)",
	                 property, value);
}

int limit_add_number(struct limit_builder *b, struct limit limit, struct optional_i64 number,
                     const char *unlimited)
{
	if (!number.set || number.value == 0)
		return 0;
	if (limit_check_sign(b, limit.property, number.value) < 0)
		return -b->err->code;
	limit.value = limit_number(b, number.value, unlimited);
	return limit_add(b, limit);
}

int limit_refuse(struct limit_builder *b, const char *property, const char *why)
{
	return error_set(b->err, ENOTSUP, "%s: %s; take it out of the configuration", property,
	                 why);
}

int limit_add_idle(struct limit_builder *b, const struct spec_cpu *cpu)
{
	static const char property[] = "linux.resources.cpu.idle";
	bool idle = cpu->idle.value != 0;

	if (!cpu->idle.set)
		return 0;
	if (idle && cpu->idle.value != 1)
		return error_set(b->err, EINVAL, "%s: %" PRId64 " is neither 0 nor 1", property,
		                 cpu->idle.value);
	if (limit_add(b, (struct limit){
				 .property = property,
				 .file = "cpu.idle",
				 .value = idle ? "1" : "0",
			 }) < 0)
		return -b->err->code;
	return idle;
}
