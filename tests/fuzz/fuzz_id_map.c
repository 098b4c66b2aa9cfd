/*
 * Id maps: ranges from bytes, twelve each. What user_format_map writes is read back and must be the
 * same ranges; user_map_id must agree with a look at every range. As text the bytes are a file of ranges, and
 * what getsubids prints.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "namespaces/subid.h"
#include "namespaces/user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ITEMS = 400 };

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_text(const struct spec_id_mappings *mappings, const char *text, size_t length)
{
	const char *at = text;

	require(length < USER_MAP_SIZE && strlen(text) == length);
	for (size_t i = 0; i < mappings->count; i++) {
		struct spec_id_mapping m;
		int used = 0;

		require(sscanf(at, "%" SCNu32 " %" SCNu32 " %" SCNu32 "%n", &m.container_id,
		               &m.host_id, &m.size, &used) == 3);
		require(memcmp(&m, &mappings->items[i], sizeof(m)) == 0 && at[used] == '\n');
		at += used + 1;
	}
	require(*at == '\0');
}

static int64_t expected_id(const struct spec_id_mappings *mappings, uint32_t id)
{
	for (size_t i = 0; i < mappings->count; i++) {
		const struct spec_id_mapping *m = &mappings->items[i];
		const uint64_t first = m->container_id, host = (uint64_t)m->host_id + id - first;

		if (id >= first && id < first + m->size)
			return host <= UINT32_MAX - 1 ? (int64_t)host : -1;
	}
	return mappings->count == 0 ? (int64_t)id : -1;
}

static void check_ranges(const struct subid_list *list)
{
	require(list->count <= SUBID_RANGES_MAX);
	for (size_t i = 0; i < list->count; i++)
		require(list->items[i].count > 0 &&
		        list->items[i].count <= UINT32_MAX - list->items[i].start);
}

static void read_ranges(const uint8_t *data, size_t size)
{
	struct subid_list list;

	for (int way = 0; way < 2; way++) {
		char *text = strndup((const char *)data, size);

		require(text != NULL);
		(void)subid_has_source(text);
		if (way == 0)
			subid_parse(text, 1000, "tester", &list);
		else
			subid_parse_answer(text, &list);
		check_ranges(&list);
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spec_id_mapping items[ITEMS];
	struct spec_id_mappings mappings = {.items = items};
	char text[USER_MAP_SIZE];
	struct error err = {0};
	int r;

	read_ranges(data, size);
	mappings.count = size / sizeof(items[0]) < ITEMS ? size / sizeof(items[0]) : ITEMS;
	memcpy(items, data, mappings.count * sizeof(items[0]));
	text[0] = '\0';
	r = user_format_map(&mappings, text, sizeof(text), &err);
	if (r >= 0)
		check_text(&mappings, text, (size_t)r);
	else
		require(err.code == -r && err.text[0] != '\0');
	for (size_t i = 0; i < mappings.count; i++) {
		const uint32_t edges[] = {items[i].container_id, items[i].container_id - 1,
		                          items[i].container_id + items[i].size,
		                          items[i].container_id + items[i].size - 1};

		for (size_t e = 0; e < 4; e++)
			require(user_map_id(&mappings, edges[e]) ==
			        expected_id(&mappings, edges[e]));
	}
	return 0;
}
