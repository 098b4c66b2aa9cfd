#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/output.h"

static void columns_are_as_wide_as_their_widest_cell(void **state unused_parameter)
{
	static const char *const cells[] = {"ID",      "STATUS", "X", "longer-than-that",
	                                    "running", "y"};
	scoped_strbuf text = {0};

	output_columns(&text, cells, 2, 3, 5);
	assert_string_equal(text.data, "ID                 STATUS    X\n"
	                               "longer-than-that   running   y\n");
}

static void columns_have_a_least_width(void **state unused_parameter)
{
	static const char *const cells[] = {"A", "B", "", "c"};
	scoped_strbuf text = {0};

	output_columns(&text, cells, 2, 2, 6);
	assert_string_equal(text.data, "A     B\n      c\n");
}

static void json_strings_are_escaped(void **state unused_parameter)
{
	scoped_strbuf text = {0};

	output_json_string(&text, "a\"b\\c\n\x1f d\xc3\xa9");
	output_json_string(&text, NULL);
	assert_string_equal(text.data, "\"a\\\"b\\\\c\\u000a\\u001f d\xc3\xa9\"null");
}

static void text_is_broken_between_words(void **state unused_parameter)
{
	scoped_strbuf text = {0};

	output_wrapped(&text, "one two three four\nfive", 2, 9);
	assert_string_equal(text.data, "  one two\n  three\n  four\n  five\n");
}

static void a_word_too_long_stays_whole(void **state unused_parameter)
{
	scoped_strbuf text = {0};

	output_wrapped(&text, "a abcdefghijkl b", 0, 5);
	assert_string_equal(text.data, "a\nabcdefghijkl\nb\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(columns_have_a_least_width),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(text_is_broken_between_words),
		cmocka_unit_test(a_word_too_long_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
