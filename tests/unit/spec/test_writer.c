#include "tests/unit/spec/support.h"

#include "base/macro.h"
#include "spec/json.h"
#include "spec/writer.h"

static void written(struct json_writer *writer, const char *expected)
{
	char *text = json_writer_take(writer);

	assert_string_equal(text, expected);
	free(text);
}

static void compact_text_has_no_spaces(void **state unused_parameter)
{
	static const char *const items[] = {"x", "y"};
	struct spec_annotation map[] = {{(char[]){"k"}, (char[]){"v"}}};
	struct json_writer w = {0};

	json_writer_object(&w, NULL);
	json_writer_string(&w, "a", "b");
	json_writer_optional(&w, "none", NULL);
	json_writer_optional(&w, "some", "");
	json_writer_unsigned(&w, "zero", 0);
	json_writer_unsigned(&w, "max", UINT64_MAX);
	json_writer_bool(&w, "t", true);
	json_writer_strings(&w, "list", items, ARRAY_SIZE(items));
	json_writer_map(&w, "map", map, ARRAY_SIZE(map));
	json_writer_array(&w, "empty");
	json_writer_end(&w);
	json_writer_end(&w);
	written(&w, "{\"a\":\"b\",\"some\":\"\",\"zero\":0,\"max\":18446744073709551615,\"t\":true,"
	            "\"list\":[\"x\",\"y\"],\"map\":{\"k\":\"v\"},\"empty\":[]}");
}

static void indented_text_has_a_line_a_value(void **state unused_parameter)
{
	struct json_writer w = {.indented = true};

	json_writer_array(&w, NULL);
	json_writer_object(&w, NULL);
	json_writer_bool(&w, "a", false);
	json_writer_object(&w, "b");
	json_writer_end(&w);
	json_writer_end(&w);
	json_writer_string(&w, NULL, "c");
	json_writer_end(&w);
	written(&w, "[\n  {\n    \"a\": false,\n    \"b\": {}\n  },\n  \"c\"\n]\n");
}

static void written_string(const char *text, bool lossless, const char *expected)
{
	struct json_writer w = {.lossless = lossless};

	json_writer_string(&w, NULL, text);
	written(&w, expected);
}

static void strings_are_escaped(void **state unused_parameter)
{
	written_string("\"\\/", false, "\"\\\"\\\\/\"");
	written_string("\b\f\n\r\t\x01\x1f\x7f", false, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	written_string("é€𝄞", false, "\"é€𝄞\"");
}

static void bytes_that_are_no_utf8_are_replaced(void **state unused_parameter)
{
	static const char *const bad[] = {
		"\x80", "\xc1\xbf",         "\xc3",        "\xe0\x80\x80",
		"\xff", "\xed\xa0\x80",     "\xe2\x82",    "\xf0\x8f\xbf\xbf",
		"\xfe", "\xf4\x90\x80\x80", "\xf5\x80\x80"};

	written_string("a\xff"
	               "b",
	               false,
	               "\"a\xef\xbf\xbd"
	               "b\"");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		scoped_json document = {0};
		struct json_writer w = {0};
		struct error err = {0};
		char *text;

		json_writer_strings(&w, NULL, &bad[i], 1);
		text = json_writer_take(&w);
		assert_non_null(strstr(text, "\xef\xbf\xbd"));
		assert_int_equal(json_parse("t", text, strlen(text), &document, &err), 0);
		free(text);
	}
}

static void lossless_strings_come_back_byte_for_byte(void **state unused_parameter)
{
	static const char *const texts[] = {"plain", "é€𝄞", "\x80\xbf\xc0\xff", "a\xff/\xc3",
	                                    /* what stands in for bytes, itself */
	                                    "\xf4\x8f\xbe\x80", "\xf4\x8f\xbf\xbf\xf4\x8f\xbe",
	                                    "\xf4\x8f\xbd\xbf"};
	char all[256];

	for (size_t i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	for (size_t i = 0; i <= ARRAY_SIZE(texts); i++) {
		const char *text = i < ARRAY_SIZE(texts) ? texts[i] : all;
		scoped_json document = {0};
		struct json_writer w = {.lossless = true};
		struct json_value value;
		struct error err = {0};
		char *json, *back;

		json_writer_strings(&w, NULL, &text, 1);
		json = json_writer_take(&w);
		if (json_parse("t", json, strlen(json), &document, &err) < 0)
			fail_msg("%s", err.text);
		json_look(&document, json_item(document.root, 0), &value);
		back = strdup(value.text);
		assert_non_null(back);
		json_restore_bytes(back);
		assert_string_equal(back, text);
		free(back);
		free(json);
	}
}

static void too_deep_a_text_is_none(void **state unused_parameter)
{
	struct json_writer w = {.indented = true};

	for (int i = 0; i < JSON_WRITER_DEPTH + 1; i++)
		json_writer_array(&w, NULL);
	for (int i = 0; i < JSON_WRITER_DEPTH + 5; i++)
		json_writer_end(&w);
	assert_null(json_writer_take(&w));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(compact_text_has_no_spaces),
		cmocka_unit_test(indented_text_has_a_line_a_value),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
		cmocka_unit_test(lossless_strings_come_back_byte_for_byte),
		cmocka_unit_test(too_deep_a_text_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
