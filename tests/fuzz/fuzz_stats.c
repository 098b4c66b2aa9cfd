/* The files of a group that statistics come from, and sizes and durations of the command line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cgroups/stats_text.h"
#include "cmd/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lists(const char *text)
{
	scoped_arena arena = {0};
	struct stats_entry *entries = NULL;
	struct stats_device *devices = NULL;
	size_t count = 0;

	if (stats_text_entries(text, &arena, &entries, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!*entries[i].key || strpbrk(entries[i].key, " \n"))
			abort();
	}
	if (stats_text_devices(text, &arena, &devices, &count) < 0 ||
	    stats_text_legacy_devices(text, true, &arena, &devices, &count) < 0)
		return;
}

static void units(const char *text)
{
	int64_t bytes = 0;
	uint64_t ns = 0;

	if (units_parse_bytes(text, &bytes) == 0 && bytes < -1)
		abort();
	if (units_parse_duration(text, &ns) == 0 && ns > INT64_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_str text = strndup((const char *)data, size);
	struct stats_pressure pressure;
	char page[16];

	if (!text)
		return 0;
	lists(text);
	units(text);
	(void)stats_text_number(text);
	(void)stats_text_key(text, "usage_usec");
	stats_text_pressure(text, &pressure);
	if (pressure.some.avg10 > 100100)
		abort();
	if (stats_text_page_size(text, "current", page, sizeof(page)) &&
	    strlen(page) >= sizeof(page))
		abort();
	return 0;
}
