/* Resources over resources: what an update leaves of what was there. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "spec/encode.h"
#include "spec/sections.h"

/* --- Lists, by the key of their entries --- */

typedef bool same_function(const void *a, const void *b);

static bool same_device(const void *a, const void *b)
{
	const struct spec_block_device_value *x = a, *y = b;

	return x->major == y->major && x->minor == y->minor;
}

static bool same_key(const void *a, const void *b)
{
	const struct spec_annotation *x = a, *y = b;

	return str_equal(x->key, y->key);
}

static bool same_size(const void *a, const void *b)
{
	const struct spec_hugepage_limit *x = a, *y = b;

	return str_equal(x->page_size, y->page_size);
}

static bool same_hca(const void *a, const void *b)
{
	const struct spec_rdma *x = a, *y = b;

	return str_equal(x->device, y->device);
}

static bool same_interface(const void *a, const void *b)
{
	const struct spec_network_priority *x = a, *y = b;

	return str_equal(x->name, y->name);
}

static const struct keyed_list {
	size_t items;
	size_t count;
	size_t size;
	same_function *same;
} keyed_lists[] = {
#define LIST(items, count, same)                                                                   \
	{                                                                                          \
		offsetof(struct spec_resources, items), offsetof(struct spec_resources, count),    \
			sizeof(*((struct spec_resources *)NULL)->items), same                      \
	}
	LIST(block_io.weight_device.items, block_io.weight_device.count, same_device),
	LIST(block_io.throttle_read_bps.items, block_io.throttle_read_bps.count, same_device),
	LIST(block_io.throttle_write_bps.items, block_io.throttle_write_bps.count, same_device),
	LIST(block_io.throttle_read_iops.items, block_io.throttle_read_iops.count, same_device),
	LIST(block_io.throttle_write_iops.items, block_io.throttle_write_iops.count, same_device),
	LIST(hugepage_limits, hugepage_limit_count, same_size),
	LIST(rdma, rdma_count, same_hca),
	LIST(network_priorities, network_priority_count, same_interface),
	LIST(unified, unified_count, same_key),
#undef LIST
};

static char *find_entry(const struct keyed_list *list, char *items, size_t count, const char *entry)
{
	for (size_t i = 0; i < count; i++) {
		if (list->same(items + i * list->size, entry))
			return items + i * list->size;
	}
	return NULL;
}

static int merge_list(struct arena *arena, const struct keyed_list *list, char *base,
                      const char *changes)
{
	const char *added = *(char *const *)(changes + list->items);
	size_t added_count = *(const size_t *)(changes + list->count);
	char **items = (char **)(base + list->items);
	size_t *count = (size_t *)(base + list->count);
	char *all;

	if (added_count == 0)
		return 0;
	all = arena_alloc(arena, *count + added_count + 1, list->size);
	if (!all)
		return -ENOMEM;
	if (*count > 0)
		memcpy(all, *items, *count * list->size);
	*items = all;
	for (size_t i = 0; i < added_count; i++, added += list->size) {
		char *old = find_entry(list, all, *count, added);

		memcpy(old ? old : all + *count * list->size, added, list->size);
		*count += old ? 0 : 1;
	}
	return 0;
}

/* --- Single values, by the tables that decode them --- */

static void merge_values(const struct json_table *table, char *base, const char *changes)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct json_field *field = &table->fields[i];
		char *to = base + field->offset;
		const char *from = changes + field->offset;

		switch (field->kind) {
		case FIELD_OPTIONAL_BOOL:
			if (((const struct optional_bool *)from)->set)
				memcpy(to, from, sizeof(struct optional_bool));
			break;
		case FIELD_OPTIONAL_U64:
			if (((const struct optional_u64 *)from)->set)
				memcpy(to, from, sizeof(struct optional_u64));
			break;
		case FIELD_OPTIONAL_I64:
			if (((const struct optional_i64 *)from)->set)
				memcpy(to, from, sizeof(struct optional_i64));
			break;
		case FIELD_STRING_OR_NULL:
			if (*(char *const *)from)
				*(char **)to = *(char *const *)from;
			break;
		case FIELD_OBJECT:
			merge_values(field->table, to, from);
			break;
		default: /* lists, and what they consist of */
			break;
		}
	}
}

static void drop_unset(struct optional_i64 *number)
{
	number->set = number->set && number->value != 0;
}

static void drop_unset_unsigned(struct optional_u64 *number)
{
	number->set = number->set && number->value != 0;
}

int spec_merge_resources(struct arena *arena, struct spec_resources *base,
                         const struct spec_resources *changes, struct error *err)
{
	struct spec_resources given = *changes;
	struct spec_resources merged = *base;

	/* Go programs write 0 for these where they mean nothing. */
	drop_unset(&given.memory.limit);
	drop_unset(&given.memory.reservation);
	drop_unset(&given.memory.swap);
	drop_unset(&given.cpu.quota);
	drop_unset_unsigned(&given.cpu.shares);
	drop_unset_unsigned(&given.cpu.period);
	drop_unset_unsigned(&given.block_io.weight);
	merge_values(&spec_resources_table, (char *)&merged, (const char *)&given);
	for (size_t i = 0; i < ARRAY_SIZE(keyed_lists); i++) {
		if (merge_list(arena, &keyed_lists[i], (char *)&merged, (const char *)&given) < 0)
			return error_code(err, ENOMEM, "resources");
	}
	*base = merged;
	return 0;
}
