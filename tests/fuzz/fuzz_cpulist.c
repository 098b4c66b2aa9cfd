/* Lists of CPUs: any text; what is accepted sets exactly the bits that it names and reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpulist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int has(const struct cpulist *list, unsigned int n)
{
	return list->bytes[n / 8] >> n % 8 & 1;
}

/* Writes the bits as "a,b-c,…" once more. */
static size_t print(const struct cpulist *list, char *to, size_t room)
{
	size_t length = 0;

	to[0] = '\0';
	for (unsigned int n = 0; n < CPULIST_BITS; n++) {
		unsigned int last = n;

		if (!has(list, n))
			continue;
		while (last + 1 < CPULIST_BITS && has(list, last + 1))
			last++;
		length += (size_t)snprintf(to + length, room - length, "%s%u-%u", length ? "," : "",
		                           n, last);
		n = last;
	}
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char printed[CPULIST_BITS * 12];
	char *text = malloc(size + 1);
	struct cpulist list;
	struct cpulist again;

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (cpulist_parse(text, &list) == 0) {
		(void)print(&list, printed, sizeof(printed));
		if (cpulist_parse(printed, &again) < 0 || again.used != list.used ||
		    memcmp(again.bytes, list.bytes, sizeof(list.bytes)) != 0)
			abort();
		if (list.used > 0 && list.bytes[list.used - 1] == 0)
			abort();
	}
	free(text);
	return 0;
}
