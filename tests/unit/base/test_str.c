#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

static void numbers_are_digits_and_nothing_else(void **state)
{
	static const char *const broken[] = {"",    " 1",  "1 ", "+1", "-1", "0x1",
	                                     "1.0", "1e3", "a",  "1a", "\n1"};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_equal(parse_u64(broken[i], &value), -EINVAL);
	assert_int_equal(value, 7);
	assert_int_equal(parse_u64("00", &value), 0);
	assert_int_equal(value, 0);
}

static void the_ends_of_the_ranges_are_right(void **state)
{
	uint64_t u = 0;
	int64_t i = 0;

	(void)state;
	assert_int_equal(parse_u64("18446744073709551615", &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616", &u), -ERANGE);
	assert_int_equal(parse_u64("99999999999999999999", &u), -ERANGE);
	assert_int_equal(parse_i64("9223372036854775807", &i), 0);
	assert_true(i == INT64_MAX);
	assert_int_equal(parse_i64("9223372036854775808", &i), -ERANGE);
	assert_int_equal(parse_i64("-9223372036854775808", &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(parse_i64("-9223372036854775809", &i), -ERANGE);
	assert_int_equal(parse_i64("--1", &i), -EINVAL);
	assert_int_equal(parse_i64("-", &i), -EINVAL);
}

/* CVE-2026-30892 and CVE-2026-46680 were a user id taken for another one. */
static void ids_are_exact_or_refused(void **state)
{
	static const char *const broken[] = {"1:", "0x0", "+0", " 0", "-1", "", "root"};
	uint32_t id = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		assert_int_equal(parse_id(broken[i], &id), -EINVAL);
	assert_int_equal(parse_id("4294967295", &id), -ERANGE); /* "no change" to the kernel */
	assert_int_equal(parse_id("4294967296", &id), -ERANGE);
	assert_int_equal(id, 7);
	assert_int_equal(parse_id("4294967294", &id), 0);
	assert_true(id == 4294967294U);
}

static void an_int_stays_within_its_bounds(void **state)
{
	int value = 0;

	(void)state;
	assert_int_equal(parse_int("64", 1, 64, &value), 0);
	assert_int_equal(parse_int("65", 1, 64, &value), -ERANGE);
	assert_int_equal(parse_int("-1000", -1000, 1000, &value), 0);
	assert_int_equal(value, -1000);
}

static void a_buffer_grows_and_is_always_terminated(void **state)
{
	scoped_strbuf buffer = {0};

	(void)state;
	for (int i = 0; i < 2000; i++)
		strbuf_addf(&buffer, "%d,", i % 10);
	strbuf_add(&buffer, "end", 2);
	assert_int_equal(buffer.length, 4002);
	assert_int_equal(strlen(buffer.data), 4002);
	assert_string_equal(buffer.data + 3998, "9,en");
}

static void an_empty_buffer_is_taken_as_an_empty_string(void **state)
{
	scoped_strbuf buffer = {0};
	scoped_str text = strbuf_take(&buffer);

	(void)state;
	assert_string_equal(text, "");
	assert_null(buffer.data);
}

static void prefixes_and_suffixes(void **state)
{
	(void)state;
	assert_true(str_starts("PATH=/bin", "PATH="));
	assert_false(str_starts("PA", "PATH="));
	assert_true(str_ends("x.slice", ".slice"));
	assert_false(str_ends("slice", ".slice"));
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal(NULL, ""));
}

static void an_arena_gives_zeroed_aligned_memory_of_any_size(void **state)
{
	scoped_arena arena = {0};

	(void)state;
	for (size_t size = 1; size < 100000; size = size * 2 + 1) {
		unsigned char *memory = arena_alloc(&arena, size, 1);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(memory[i], 0);
		memset(memory, 0xff, size);
	}
}

static void an_arena_refuses_sizes_that_overflow(void **state)
{
	scoped_arena arena = {0};

	(void)state;
	assert_null(arena_alloc(&arena, SIZE_MAX / 2, 3));
	assert_null(arena_alloc(&arena, SIZE_MAX, 1));
	assert_null(arena_strdup(&arena, NULL));
	assert_string_equal(arena_format(&arena, "%s-%d", "a", 1), "a-1");
	assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
}

static void escaped_text_is_one_line(void **state unused_parameter)
{
	struct strbuf buffer = {0};

	strbuf_add_escaped(&buffer, "a\nb\x1b[2J\\ \xc3\xa4\x7f");

	scoped_str text = strbuf_take(&buffer);

	assert_string_equal(text, "a\\012b\\033[2J\\134 \xc3\xa4\\177");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaped_text_is_one_line),
		cmocka_unit_test(numbers_are_digits_and_nothing_else),
		cmocka_unit_test(the_ends_of_the_ranges_are_right),
		cmocka_unit_test(ids_are_exact_or_refused),
		cmocka_unit_test(an_int_stays_within_its_bounds),
		cmocka_unit_test(a_buffer_grows_and_is_always_terminated),
		cmocka_unit_test(an_empty_buffer_is_taken_as_an_empty_string),
		cmocka_unit_test(prefixes_and_suffixes),
		cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_of_any_size),
		cmocka_unit_test(an_arena_refuses_sizes_that_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
