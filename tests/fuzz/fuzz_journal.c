/* A journal may have been cut or overwritten: reading it must never do harm. */
#include <stddef.h>
#include <stdint.h>

#include "runtime/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_arena arena = {0};
	struct journal journal;
	struct cgroup_location location;

	if (journal_parse(&arena, (const char *)data, size, &journal) == 0)
		(void)journal_cgroup(&journal, &location);
	return 0;
}
