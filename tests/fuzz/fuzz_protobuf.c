/* CRIU's answers, and its images. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "checkpoint/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every field lies within the message; messages within messages are walked as well. */
static void walk(const uint8_t *data, size_t size, unsigned int depth)
{
	struct protobuf_reader reader = {data, size};
	struct protobuf_field field;

	while (protobuf_next(&reader, &field) > 0) {
		if (field.data && (field.data < data || field.size > size ||
		                   field.data + field.size > data + size))
			abort();
		if (field.data && depth < 8)
			walk(field.data, field.size, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk(data, size, 0);
	return 0;
}
