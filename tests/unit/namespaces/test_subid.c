#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "namespaces/rootless.h"
#include "namespaces/subid.h"

static void name_is_found_by_the_number(void **state unused_parameter)
{
	char text[] = "root:x:0:0::/root:/bin/sh\n\nbroken\nalso:broken\nnone:x::\n"
		      "eve:x:1000:1000:Eve:/home/eve:/bin/sh\nmallory:x:1000:1:::\nlast:x:7:7";
	char again[sizeof(text)];

	memcpy(again, text, sizeof(text));
	assert_string_equal(subid_find_name(again, 1000), "eve");
	memcpy(again, text, sizeof(text));
	assert_string_equal(subid_find_name(again, 7), "last");
	memcpy(again, text, sizeof(text));
	assert_null(subid_find_name(again, 1001));
}

static void parse(const char *text, const char *name, struct subid_list *ret)
{
	char copy[512];

	assert_true(strlen(text) < sizeof(copy));
	strncpy(copy, text, sizeof(copy) - 1);
	copy[sizeof(copy) - 1] = '\0';
	subid_parse(copy, 1000, name, ret);
}

static void ranges_of_the_name_and_of_the_number_count(void **state unused_parameter)
{
	struct subid_list list;

	parse("eve:100000:65536\nevelyn:1:2\n1000:7:8\n10000:1:1\nroot:0:1\neve:200000:1", "eve",
	      &list);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[0].start, 100000);
	assert_int_equal(list.items[0].count, 65536);
	assert_int_equal(list.items[1].start, 7);
	assert_int_equal(list.items[1].count, 8);
	assert_int_equal(list.items[2].start, 200000);
	parse("eve:100000:65536\n1000:7:8\n", NULL, &list);
	assert_int_equal(list.count, 1);
}

static void broken_ranges_are_passed_over(void **state unused_parameter)
{
	static const char *const broken[] = {
		"eve",
		"eve:",
		"eve:1",
		"eve:1:",
		"eve:1:0",
		"eve:x:5",
		"eve:-1:5",
		"eve:1:5:6",
		"eve: 1:5",
		":1:5",
		"eve:4294967294:2",
		"eve:1:4294967295",
		"eve:1:99999999999999999999",
	};
	struct subid_list list;

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		parse(broken[i], "eve", &list);
		if (list.count != 0)
			fail_msg("taken: %s", broken[i]);
	}
	parse("eve:1:4294967294\n", "eve", &list);
	assert_int_equal(list.count, 1);
}

static void more_lines_than_there_is_room_for_are_left_out(void **state unused_parameter)
{
	char text[(SUBID_RANGES_MAX + 10) * 8 + 1] = "";
	struct subid_list list;

	for (int i = 0; i < SUBID_RANGES_MAX + 10; i++)
		memcpy(text + (size_t)i * 8, "eve:5:1\n", 9);
	subid_parse(text, 1000, "eve", &list);
	assert_int_equal(list.count, SUBID_RANGES_MAX);
}

static void expect(const struct spec_id_mapping *got, uint32_t inside, uint32_t outside,
                   uint32_t size)
{
	assert_int_equal(got->container_id, inside);
	assert_int_equal(got->host_id, outside);
	assert_int_equal(got->size, size);
}

static void ranges_follow_the_own_id(void **state unused_parameter)
{
	const struct subid_list ranges = {.items = {{100000, 10}, {300000, 5}}, .count = 2};
	struct spec_id_mappings maps = {0};
	scoped_arena arena = {0};

	assert_int_equal(rootless_map(&arena, 1000, 33, &ranges, &maps), 0);
	assert_int_equal(maps.count, 3);
	expect(&maps.items[0], 0, 1000, 1);
	expect(&maps.items[1], 1, 100000, 10);
	expect(&maps.items[2], 11, 300000, 5);
}

static void without_ranges_the_own_id_is_that_of_the_program(void **state unused_parameter)
{
	const struct subid_list none = {.count = 0};
	struct spec_id_mappings maps = {0};
	scoped_arena arena = {0};

	assert_int_equal(rootless_map(&arena, 1000, 33, &none, &maps), 0);
	assert_int_equal(maps.count, 1);
	expect(&maps.items[0], 33, 1000, 1);
}

static void ids_beyond_the_last_one_are_not_mapped(void **state unused_parameter)
{
	const struct subid_list ranges = {.items = {{1, UINT32_MAX - 2}, {5, 10}}, .count = 2};
	struct spec_id_mappings maps = {0};
	scoped_arena arena = {0};

	assert_int_equal(rootless_map(&arena, 1000, 0, &ranges, &maps), 0);
	assert_int_equal(maps.count, 2);
	expect(&maps.items[1], 1, 1, UINT32_MAX - 2);
}

static void an_answer_of_getsubids_is_read(void **state)
{
	char text[] =
		"0: tester 100000 65536\nError fetching ranges\n1: tester 300000 5\n2: tester x 5\n"
		"3: tester 5 0\n4: tester 4294967295 1\n5:\n6: \n7: a 4294967290 10\n";
	char none[] = "";
	struct subid_list list;

	(void)state;
	subid_parse_answer(text, &list);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.items[0].start, 100000);
	assert_int_equal(list.items[0].count, 65536);
	assert_int_equal(list.items[1].start, 300000);
	assert_int_equal(list.items[1].count, 5);
	subid_parse_answer(none, &list);
	assert_int_equal(list.count, 0);
}

static void a_source_of_ranges_is_found(void **state)
{
	(void)state;
	assert_true(subid_has_source("subid: sss\n"));
	assert_true(subid_has_source("passwd: files\n  subid: sss"));
	assert_false(subid_has_source("passwd: files\n# subid: sss\n"));
	assert_false(subid_has_source(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_of_getsubids_is_read),
		cmocka_unit_test(a_source_of_ranges_is_found),
		cmocka_unit_test(name_is_found_by_the_number),
		cmocka_unit_test(ranges_of_the_name_and_of_the_number_count),
		cmocka_unit_test(broken_ranges_are_passed_over),
		cmocka_unit_test(more_lines_than_there_is_room_for_are_left_out),
		cmocka_unit_test(ranges_follow_the_own_id),
		cmocka_unit_test(without_ranges_the_own_id_is_that_of_the_program),
		cmocka_unit_test(ids_beyond_the_last_one_are_not_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
