/* The record of a root in the store: what is accepted comes out of another encoding unchanged, and leads nowhere. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "runtime/disk_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_names(const struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!disk_name_valid(list->items[i]) || strchr(list->items[i], '/'))
			abort();
}

static void check(const struct disk_record *record)
{
	if (!disk_name_valid(record->id) || !record->state_root)
		abort();
	check_names(&record->layers);
	check_names(&record->operation.layers);
	for (size_t i = 0; i < record->node_count; i++) {
		const struct disk_node *node = &record->nodes[i];

		check_names(&node->layers);
		if (node->parent && disk_record_find(record, node->parent) >= node)
			abort();
	}
	if (record->current && !disk_record_find(record, record->current))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_arena arena = {0};
	struct disk_record record = {0}, back = {0};
	struct error err = {0};
	char *once, *twice;
	int r = disk_record_decode(&arena, (const char *)data, size, &record, &err);

	if (r != -err.code || (r < 0 && record.id))
		abort();
	if (r < 0)
		return 0;
	check(&record);
	once = disk_record_encode(&record);
	if (!once || disk_record_decode(&arena, once, strlen(once), &back, &err) < 0)
		abort();
	twice = disk_record_encode(&back);
	if (!twice || strcmp(once, twice) != 0)
		abort();
	free(once);
	free(twice);
	return 0;
}
