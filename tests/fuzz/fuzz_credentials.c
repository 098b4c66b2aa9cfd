/* Images may come from anywhere: what a process of theirs may do is read before anything else is done with them. */
#include <stddef.h>
#include <stdint.h>

#include "checkpoint/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct credentials found;

	if (credentials_parse_image(data, size, &found) == 1 && found.capabilities == UINT64_MAX)
		(void)found;
	return 0;
}
