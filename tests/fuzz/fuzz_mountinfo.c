/* A container chooses the names in its /proc/PID/mountinfo. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_arena arena = {0};
	struct mountinfo_list list;
	struct error err;
	char *text = arena_strndup(&arena, (const char *)data, size);
	size_t length = 0;

	if (!text || mountinfo_parse(text, &arena, &list, &err) < 0)
		return 0;
	for (size_t i = 0; i < list.count; i++)
		length += strlen(list.items[i].path) + strlen(list.items[i].options);
	if (length > size)
		abort();
	return 0;
}
