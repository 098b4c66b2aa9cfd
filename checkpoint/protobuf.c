#include "checkpoint/protobuf.h"

#include <errno.h>
#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
enum { VARINT_BYTES = 10, VARINT_BITS = 7 };

static void add_varint(struct strbuf *message, uint64_t value)
{
	char bytes[VARINT_BYTES];
	size_t count = 0;

	do {
		unsigned int low = (unsigned int)value & 0x7f;

		value >>= VARINT_BITS;
		bytes[count++] = (char)(unsigned char)(low | (value ? 0x80 : 0));
	} while (value);
	strbuf_add(message, bytes, count);
}

static void add_key(struct strbuf *message, unsigned int number, enum wire_type type)
{
	add_varint(message, ((uint64_t)number << 3) | (uint64_t)type);
}

void protobuf_add_number(struct strbuf *message, unsigned int number, uint64_t value)
{
	add_key(message, number, WIRE_VARINT);
	add_varint(message, value);
}

void protobuf_add_bytes(struct strbuf *message, unsigned int number, const void *data, size_t size)
{
	add_key(message, number, WIRE_BYTES);
	add_varint(message, size);
	if (size)
		strbuf_add(message, data, size);
}

void protobuf_add_text(struct strbuf *message, unsigned int number, const char *text)
{
	if (text)
		protobuf_add_bytes(message, number, text, strlen(text));
}

static int take_varint(struct protobuf_reader *reader, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < VARINT_BYTES && i < reader->size; i++) {
		value |= (uint64_t)(reader->data[i] & 0x7f) << (VARINT_BITS * i);
		if (reader->data[i] & 0x80)
			continue;
		reader->data += i + 1;
		reader->size -= i + 1;
		*ret = value;
		return 0;
	}
	return -EBADMSG;
}

static int take_bytes(struct protobuf_reader *reader, uint64_t size, const unsigned char **ret)
{
	if (size > reader->size)
		return -EBADMSG;
	*ret = reader->data;
	reader->data += size;
	reader->size -= (size_t)size;
	return 0;
}

static int take_fixed(struct protobuf_reader *reader, size_t size, uint64_t *ret)
{
	const unsigned char *bytes = NULL;
	int r = take_bytes(reader, size, &bytes);

	for (size_t i = 0; r == 0 && i < size; i++)
		*ret |= (uint64_t)bytes[i] << (8 * i);
	return r;
}

int protobuf_next(struct protobuf_reader *reader, struct protobuf_field *ret)
{
	uint64_t key = 0;
	uint64_t size = 0;
	struct protobuf_field field = {0};
	int r = 0;

	if (reader->size == 0)
		return 0;
	if (take_varint(reader, &key) < 0 || key >> 3 == 0 || key >> 3 > UINT32_MAX >> 3)
		return -EBADMSG;
	field.number = (unsigned int)(key >> 3);
	switch (key & 7) {
	case WIRE_VARINT:
		r = take_varint(reader, &field.value);
		break;
	case WIRE_FIXED64:
		r = take_fixed(reader, 8, &field.value);
		break;
	case WIRE_FIXED32:
		r = take_fixed(reader, 4, &field.value);
		break;
	case WIRE_BYTES:
		r = take_varint(reader, &size);
		if (r == 0)
			r = take_bytes(reader, size, &field.data);
		field.size = (size_t)size;
		break;
	default:
		r = -EBADMSG;
	}
	if (r < 0)
		return r;
	*ret = field;
	return 1;
}
