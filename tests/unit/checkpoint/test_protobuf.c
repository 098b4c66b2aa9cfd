#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint/protobuf.h"

/* Bytes of the "Encoding" document. */
static void numbers_and_texts_are_encoded_as_the_format_says(void **state)
{
	static const unsigned char wanted[] = {0x08, 0x96, 0x01, 0x12, 0x07, 't',  'e', 's',
	                                       't',  'i',  'n',  'g',  0xaa, 0x02, 0x00};
	scoped_strbuf message = {0};

	(void)state;
	protobuf_add_number(&message, 1, 150);
	protobuf_add_text(&message, 2, "testing");
	protobuf_add_text(&message, 3, NULL);
	protobuf_add_bytes(&message, 37, NULL, 0);
	assert_int_equal(message.length, sizeof(wanted));
	assert_memory_equal(message.data, wanted, sizeof(wanted));
}

static void what_was_written_is_read_back(void **state)
{
	static const uint64_t values[] = {0, 1, 127, 128, UINT32_MAX, UINT64_MAX};
	scoped_strbuf message = {0};
	struct protobuf_field field;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		protobuf_add_number(&message, (unsigned int)i + 15, values[i]);
	protobuf_add_text(&message, 63, "end");

	struct protobuf_reader reader = {(const unsigned char *)message.data, message.length};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		assert_int_equal(protobuf_next(&reader, &field), 1);
		assert_int_equal(field.number, i + 15);
		assert_true(field.value == values[i]);
		assert_null(field.data);
	}
	assert_int_equal(protobuf_next(&reader, &field), 1);
	assert_int_equal(field.number, 63);
	assert_int_equal(field.size, 3);
	assert_memory_equal(field.data, "end", 3);
	assert_int_equal(protobuf_next(&reader, &field), 0);
}

static void fixed_fields_are_passed_over(void **state)
{
	static const unsigned char bytes[] = {0x0d, 1, 2, 3, 4, 0x11, 8,    7,
	                                      6,    5, 4, 3, 2, 1,    0x18, 5};
	struct protobuf_reader reader = {bytes, sizeof(bytes)};
	struct protobuf_field field;

	(void)state;
	assert_int_equal(protobuf_next(&reader, &field), 1);
	assert_true(field.value == 0x04030201);
	assert_int_equal(protobuf_next(&reader, &field), 1);
	assert_true(field.value == 0x0102030405060708);
	assert_int_equal(protobuf_next(&reader, &field), 1);
	assert_int_equal(field.number, 3);
	assert_int_equal(field.value, 5);
	assert_int_equal(protobuf_next(&reader, &field), 0);
}

static void broken_messages_are_refused(void **state)
{
	static const struct {
		unsigned char bytes[12];
		size_t size;
	} broken[] = {
		{{0x08}, 1},         /* a key without its value */
		{{0x08, 0x80}, 2},   /* a varint that does not end */
		{{0x12, 5, 'a'}, 3}, /* fewer bytes than announced */
		{{0x0d, 1, 2}, 3},   /* half a fixed field */
		{{0x0b}, 1},         /* groups are not taken */
		{{0x00, 1}, 2},      /* field number 0 */
		{{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 11},
		{{0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, 12},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		struct protobuf_reader reader = {broken[i].bytes, broken[i].size};
		struct protobuf_field field;

		assert_int_equal(protobuf_next(&reader, &field), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_texts_are_encoded_as_the_format_says),
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(fixed_fields_are_passed_over),
		cmocka_unit_test(broken_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
