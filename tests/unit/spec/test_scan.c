#include "tests/unit/spec/support.h"

#include "spec/scan.h"

static struct scan_result scan(const char *text)
{
	struct scan_result result = {0};
	struct error err = {0};

	assert_int_equal(scan_text("t", text, strlen(text), &result, &err), 0);
	return result;
}

static void widen(const char *text, const char *expected)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	scan_widen(copy, strlen(copy));
	assert_string_equal(copy, expected);
	free(copy);
}

static void only_integers_from_2_63_to_2_64_are_wide(void **state unused_parameter)
{
	static const char *const narrow[] = {
		"9223372036854775807",     "18446744073709551616",        "99999999999999999999",
		"184467440737095516150",   "-9223372036854775809",        "9223372036854775808.0",
		"9223372036854775808e1",   "09223372036854775808",        "+9223372036854775808",
		"\"9223372036854775808\"", "\"\\\"9223372036854775808\"", "1"};

	assert_int_equal(scan("9223372036854775808").wide_count, 1);
	assert_int_equal(scan("[18446744073709551615, 9223372036854775808]").wide_count, 2);
	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++) {
		assert_int_equal(scan(narrow[i]).wide_count, 0);
		widen(narrow[i], narrow[i]);
	}
}

static void wide_literals_keep_their_length(void **state unused_parameter)
{
	widen("[9223372036854775808]", "[\"\x7f"
	                               "8000000000000000\"]");
	widen("[18446744073709551615,7]", "[\"\x7f"
	                                  "ffffffffffffffff\" ,7]");
}

static void a_wide_number_in_place_of_a_key_stays_a_number(void **state unused_parameter)
{
	static const char text[] = "{18446744073709551615 : 1}";

	assert_int_equal(scan(text).wide_count, 0);
	widen(text, text);
}

static void replaced_literals_are_read_back(void **state unused_parameter)
{
	uint64_t value = 0;

	assert_true(scan_wide_value("\x7f"
	                            "fedcba9876543210",
	                            17, &value));
	assert_true(value == 0xfedcba9876543210);
	assert_false(scan_wide_value("\x7f"
	                             "fedcba987654321",
	                             16, &value));
	assert_false(scan_wide_value("xfedcba9876543210", 17, &value));
}

static void strings_that_look_like_replaced_literals_are_reported(void **state unused_parameter)
{
	assert_true(scan("[\"\x7f\"]").marker_taken);
	assert_true(scan("[\"\\u007f\"]").marker_taken);
	assert_true(scan("[\"\\U007F\"]").marker_taken);
	assert_false(scan("[\"a\x7f\", \"\\u00e9\", \"\"]").marker_taken);
}

static void assert_seccomp(const char *text, const char *expected)
{
	struct scan_result result = scan(text);

	assert_int_equal(result.seccomp_size, strlen(expected));
	assert_memory_equal(text + result.seccomp_offset, expected, result.seccomp_size);
}

static void the_seccomp_section_is_found(void **state unused_parameter)
{
	assert_seccomp("{\"linux\":{\"seccomp\":{\"a\":[{}]}}}", "{\"a\":[{}]}");
	assert_seccomp("{\"a\":{},\"linux\" : {\"x\":[1,{}],\"seccomp\" :\n {} , \"y\":{}}}", "{}");
	assert_seccomp("{\"linux\":{\"seccomp\":{\"a\":\"}\\\"}\"}}}", "{\"a\":\"}\\\"}\"}");
}

static void other_places_are_not_taken_for_the_seccomp_section(void **state unused_parameter)
{
	assert_seccomp("{\"seccomp\":{}}", "");
	assert_seccomp("{\"process\":{\"seccomp\":{}}}", "");
	assert_seccomp("{\"linux\":{\"x\":{\"seccomp\":{}}}}", "");
	assert_seccomp("{\"linux\":{\"secc\\u006fmp\":{}}}", "");
	assert_seccomp("{\"linux\":{\"a\":\"seccomp\",\"b\":{}}}", "");
	assert_seccomp("{\"linux\":{},\"root\":{\"seccomp\":{}}}", "");
	assert_seccomp("{\"linux\":{\"seccomp\":null},\"root\":{\"a\":{}}}", "");
	assert_seccomp("{\"linux\":{\"seccomp\":1,\"b\":{}}}", "");
}

static void deep_nesting_is_refused_with_its_place(void **state unused_parameter)
{
	struct scan_result result;
	struct error err = {0};
	char text[SCAN_DEPTH_LIMIT + 3] = "\n";

	memset(text + 1, '[', SCAN_DEPTH_LIMIT);
	assert_int_equal(scan_text("t", text, SCAN_DEPTH_LIMIT + 1, &result, &err), 0);
	memset(text + 1, '{', SCAN_DEPTH_LIMIT + 1);
	assert_int_equal(scan_text("t", text, SCAN_DEPTH_LIMIT + 2, &result, &err), -E2BIG);
	assert_string_equal(err.text, "t: line 2, column 65: nested too deep");
}

static void too_many_values_are_refused(void **state unused_parameter)
{
	struct scan_result result;
	struct error err = {0};
	size_t size = SCAN_VALUE_LIMIT + 1;
	char *text = malloc(size);

	assert_non_null(text);
	memset(text, ',', size);
	assert_int_equal(scan_text("t", text, size - 1, &result, &err), 0);
	assert_int_equal(scan_text("t", text, size, &result, &err), -E2BIG);
	assert_string_equal(err.text, "t: line 1, column 131073: too many values");
	free(text);
}

static void unfinished_texts_end_the_scan(void **state unused_parameter)
{
	static const char *const texts[] = {
		"", "\"", "\"\\", "{\"linux\":", "}}}]]]", "{\"linux\":{", "{\"a\":{\"seccomp\":{"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(scan(texts[i]).seccomp_size, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_integers_from_2_63_to_2_64_are_wide),
		cmocka_unit_test(wide_literals_keep_their_length),
		cmocka_unit_test(a_wide_number_in_place_of_a_key_stays_a_number),
		cmocka_unit_test(replaced_literals_are_read_back),
		cmocka_unit_test(strings_that_look_like_replaced_literals_are_reported),
		cmocka_unit_test(the_seccomp_section_is_found),
		cmocka_unit_test(other_places_are_not_taken_for_the_seccomp_section),
		cmocka_unit_test(deep_nesting_is_refused_with_its_place),
		cmocka_unit_test(too_many_values_are_refused),
		cmocka_unit_test(unfinished_texts_end_the_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
