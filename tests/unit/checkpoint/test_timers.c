#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "checkpoint/protobuf.h"
#include "checkpoint/timers.h"

static void put_u32(struct strbuf *to, uint32_t number)
{
	strbuf_add(to, (const char *)&number, sizeof(number));
}

static void begin(struct strbuf *image)
{
	put_u32(image, 0x54564319);
	put_u32(image, 0x56303138);
}

/* A file of the list: a timer descriptor with what is left of its period of 5 ms, or with none. */
static void add_timer(struct strbuf *image, uint64_t left, uint64_t period)
{
	scoped_strbuf timer = {0}, file = {0};

	protobuf_add_number(&timer, 1, 77);
	protobuf_add_bytes(&timer, 3, "own", 3);
	protobuf_add_number(&timer, 5, 9);
	protobuf_add_number(&timer, 7, 0);
	protobuf_add_number(&timer, 8, left);
	protobuf_add_number(&timer, 9, 0);
	protobuf_add_number(&timer, 10, period);
	protobuf_add_number(&file, 1, 17);
	protobuf_add_number(&file, 2, 77);
	protobuf_add_bytes(&file, 12, timer.data, timer.length);
	put_u32(image, (uint32_t)file.length);
	strbuf_add(image, file.data, file.length);
}

static void add_other(struct strbuf *image)
{
	scoped_strbuf file = {0};

	protobuf_add_number(&file, 1, 1);
	protobuf_add_bytes(&file, 3, "\0regular", 8);
	put_u32(image, (uint32_t)file.length);
	strbuf_add(image, file.data, file.length);
}

/* The number `wanted` of the timer in the file at `at`. */
static uint64_t number_of(const struct strbuf *image, size_t at, unsigned int wanted)
{
	uint32_t size;
	struct protobuf_field field, inner;
	uint64_t value = UINT64_MAX;

	memcpy(&size, image->data + at, sizeof(size));

	struct protobuf_reader reader = {(const unsigned char *)image->data + at + 4, size};

	while (protobuf_next(&reader, &field) > 0) {
		struct protobuf_reader timer = {field.data, field.size};

		while (field.number == 12 && protobuf_next(&timer, &inner) > 0)
			if (inner.number == wanted)
				value = inner.value;
	}
	return value;
}

static void a_periodic_timer_that_ran_out_gets_its_period(void **state unused_parameter)
{
	scoped_strbuf image = {0}, mended = {0};

	begin(&image);
	add_timer(&image, 0, 5000000);
	add_other(&image);
	assert_int_equal(timers_mend_image(image.data, image.length, &mended), 1);
	assert_int_equal(number_of(&mended, 8, 8), 5000000);
	assert_int_equal(number_of(&mended, 8, 10), 5000000);
	assert_int_equal(number_of(&mended, 8, 7), 0);
	assert_int_equal(number_of(&mended, 8, 5), 9);
	assert_int_equal(number_of(&mended, 8, 1), 77);

	/* Nothing is left to be mended, and what follows is as it was. */
	scoped_strbuf again = {0};

	assert_int_equal(timers_mend_image(mended.data, mended.length, &again), 0);
	assert_int_equal(again.length, mended.length);
	assert_memory_equal(again.data, mended.data, mended.length);
	assert_memory_equal(mended.data + mended.length - 8, "\0regular", 8);
}

static void other_timers_are_left_alone(void **state unused_parameter)
{
	scoped_strbuf image = {0}, same = {0};

	begin(&image);
	add_timer(&image, 1, 5000000);
	add_timer(&image, 0, 0);
	add_other(&image);
	assert_int_equal(timers_mend_image(image.data, image.length, &same), 0);
	assert_int_equal(same.length, image.length);
	assert_memory_equal(same.data, image.data, image.length);
}

static void what_is_cut_off_is_no_image(void **state unused_parameter)
{
	scoped_strbuf image = {0};

	begin(&image);
	add_timer(&image, 0, 5000000);
	for (size_t size = 0; size < image.length; size++) {
		scoped_strbuf part = {0};

		if (size != 8)
			assert_int_equal(timers_mend_image(image.data, size, &part), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_periodic_timer_that_ran_out_gets_its_period),
		cmocka_unit_test(other_timers_are_left_alone),
		cmocka_unit_test(what_is_cut_off_is_no_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
