#include "tests/unit/spec/support.h"

#include "spec/json.h"

static void parse_document(const char *text, struct json_document *document)
{
	struct error err = {0};

	if (json_parse("t", text, strlen(text), document, &err) < 0)
		fail_msg("%s", err.text);
}

static void refuse(const char *text, const char *expected)
{
	struct json_document document = {0};
	struct error err = {0};

	assert_int_equal(json_parse("t", text, strlen(text), &document, &err), -EINVAL);
	assert_string_equal(err.text, expected);
	assert_null(document.root);
}

static struct json_value look(const struct json_document *document, size_t index)
{
	struct json_value value;

	json_look(document, json_item(document->root, index), &value);
	return value;
}

static void values_have_their_kinds(void **state unused_parameter)
{
	scoped_json d = {0};

	parse_document("[null, true, false, 0, 9223372036854775807, -9223372036854775808, 1.5,"
	               " \"text\", [1, 2], {\"a\": 1}]",
	               &d);
	assert_int_equal(look(&d, 0).kind, VALUE_NULL);
	assert_int_equal(look(&d, 1).kind, VALUE_BOOL);
	assert_true(look(&d, 1).truth);
	assert_false(look(&d, 2).truth);
	assert_int_equal(look(&d, 3).kind, VALUE_UNSIGNED);
	assert_true(look(&d, 3).number == 0);
	assert_true(look(&d, 4).number == INT64_MAX);
	assert_int_equal(look(&d, 5).kind, VALUE_NEGATIVE);
	assert_true(look(&d, 5).negative == INT64_MIN);
	assert_int_equal(look(&d, 6).kind, VALUE_REAL);
	assert_int_equal(look(&d, 7).kind, VALUE_STRING);
	assert_string_equal(look(&d, 7).text, "text");
	assert_int_equal(look(&d, 8).kind, VALUE_ARRAY);
	assert_int_equal(look(&d, 8).length, 2);
	assert_int_equal(look(&d, 9).kind, VALUE_OBJECT);
	assert_int_equal(look(&d, 9).length, 1);
	assert_null(json_item(d.root, 10));
}

static void integers_above_2_63_are_exact(void **state unused_parameter)
{
	scoped_json d = {0};

	parse_document("[18446744073709551615, 9223372036854775808, 9223372036854775809,"
	               "\"7fffffffffffffff8\", 9223372036854771712]",
	               &d);
	assert_int_equal(look(&d, 0).kind, VALUE_UNSIGNED);
	assert_true(look(&d, 0).number == UINT64_MAX);
	assert_true(look(&d, 1).number == UINT64_C(9223372036854775808));
	assert_true(look(&d, 2).number == UINT64_C(9223372036854775809));
	assert_int_equal(look(&d, 3).kind, VALUE_STRING);
	assert_true(look(&d, 4).number == UINT64_C(9223372036854771712));
}

static void a_string_is_never_taken_for_a_large_integer(void **state unused_parameter)
{
	scoped_json d = {0};

	parse_document("[\"\\u007fffffffffffffffff\"]", &d);
	assert_int_equal(look(&d, 0).kind, VALUE_STRING);
	refuse("[\"\\u007fffffffffffffffff\",\n 18446744073709551615]",
	       "t: line 2, column 2: an integer this large cannot stand in one file with a string "
	       "that begins with a control character");
}

static void broken_text_is_refused_with_its_place(void **state unused_parameter)
{
	refuse("", "t: line 1, column 1: '[' or '{' expected near end of file");
	refuse("7", "t: line 1, column 1: '[' or '{' expected near '7'");
	refuse("{\n  \"a\": 1,\n}", "t: line 3, column 1: string or '}' expected near '}'");
	refuse("{\n  \"a\" 1\n}", "t: line 2, column 7: ':' expected near '1'");
	refuse("[1 2]", "t: line 1, column 4: ']' expected near '2'");
	refuse("[1] x", "t: line 1, column 5: end of file expected near 'x'");
	refuse("{\"a\": tru}", "t: line 1, column 9: invalid token near 'tru'");
	refuse("[\"abc", "t: line 1, column 5: premature end of input near '\"abc'");
	refuse("[\"a\x01\"]", "t: line 1, column 3: control character 0x1 near '\"a'");
	refuse("[\"\xff\"]", "t: line 1, column 2: unable to decode byte 0xff near '\"'");
	refuse("[18446744073709551616]",
	       "t: line 1, column 21: too big integer near '18446744073709551616'");
	refuse("[-9223372036854775809]",
	       "t: line 1, column 21: too big negative integer near '-9223372036854775809'");
	refuse("{18446744073709551615: 1}",
	       "t: line 1, column 21: too big integer near '18446744073709551615'");
	refuse("{\"a\" 18446744073709551615}", "t: line 1, column 24: ':' expected");
	refuse("[18446744073709551615 1]", "t: line 1, column 23: ']' expected near '1'");
}

static void nul_is_refused_in_strings_and_keys(void **state unused_parameter)
{
	refuse("[\"a\\u0000\"]", "t: line 1, column 10: \\u0000 is not allowed in a string");
	refuse("{\"a\\u0000\": 1}",
	       "t: line 1, column 10: \\u0000 is not allowed in the name of a member");
}

static void members_named_twice_are_refused(void **state unused_parameter)
{
	refuse("{\"a\": 1, \"a\": 2}", "t: line 1, column 12: duplicate object key near '\"a\"'");
	refuse("{\"b\": {\"a\": 1,\n\"\\u0061\": 2}}",
	       "t: line 2, column 8: duplicate object key near '\"\\u0061\"'");
}

static void members_that_are_null_count_as_absent(void **state unused_parameter)
{
	scoped_json d = {0};

	parse_document("{\"a\": null, \"b\": 1}", &d);
	assert_null(json_member(d.root, "a"));
	assert_non_null(json_member(d.root, "b"));
	assert_null(json_member(d.root, "c"));
	assert_null(json_member(json_member(d.root, "b"), "c"));
}

static void members_are_walked_in_the_order_of_the_text(void **state unused_parameter)
{
	scoped_json d = {0};
	struct json_iterator iterator = {0};
	const struct json_t *node;
	const char *key;
	char keys[8] = "";

	parse_document("{\"c\": 1, \"a\": null, \"b\": 3}", &d);
	for (size_t i = 0; json_next(d.root, &iterator, &key, &node); i++)
		keys[i] = key[0];
	assert_string_equal(keys, "cab");
}

static void canonical_text_is_sorted_and_compact(void **state unused_parameter)
{
	scoped_json d = {0};
	char *text;

	parse_document("{\"c\": [1, {}],\n \"a\": \"x\"}", &d);
	text = json_canonical(d.root);
	assert_string_equal(text, "{\"a\":\"x\",\"c\":[1,{}]}");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_their_kinds),
		cmocka_unit_test(integers_above_2_63_are_exact),
		cmocka_unit_test(a_string_is_never_taken_for_a_large_integer),
		cmocka_unit_test(broken_text_is_refused_with_its_place),
		cmocka_unit_test(nul_is_refused_in_strings_and_keys),
		cmocka_unit_test(members_named_twice_are_refused),
		cmocka_unit_test(members_that_are_null_count_as_absent),
		cmocka_unit_test(members_are_walked_in_the_order_of_the_text),
		cmocka_unit_test(canonical_text_is_sorted_and_compact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
