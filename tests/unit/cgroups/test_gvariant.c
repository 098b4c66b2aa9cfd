#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/str.h"
#include "cgroups/gvariant.h"

/* "type item|item|" */
static char *parsed(const char *text)
{
	scoped_arena arena = {0};
	scoped_strbuf got = {0};
	struct gvariant value;

	if (gvariant_parse(text, &arena, &value) < 0)
		return NULL;
	strbuf_addf(&got, "%s%c ", value.array ? "a" : "", value.type);
	for (size_t i = 0; i < value.count; i++)
		strbuf_addf(&got, "%s|", value.items[i]);
	return strbuf_take(&got);
}

static void values_are_read_with_their_types(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"true", "b true|"},
		{" false ", "b false|"},
		{"5", "i 5|"},
		{"-5", "i -5|"},
		{"0x10", "i 16|"},
		{"uint64 20000000", "t 20000000|"},
		{"uint64 18446744073709551615", "t 18446744073709551615|"},
		{"@t 7", "t 7|"},
		{"int64 -9223372036854775808", "x -9223372036854775808|"},
		{"byte 0xff", "y 255|"},
		{"2.5", "d 2.5|"},
		{"double 3", "d 3|"},
		{"double 1e-3", "d 1e-3|"},
		{"'text'", "s text|"},
		{"\"it's\"", "s it's|"},
		{"'a\\'b\\n'", "s a'b\n|"},
		{"string 'x'", "s x|"},
		{"''", "s |"},
		{"['a', 'b']", "as a|b|"},
		{"[1,2,3]", "ai 1|2|3|"},
		{"[uint64 1, 2]", "at 1|2|"},
		{"@as []", "as "},
		{"@au [1]", "au 1|"},
		{"[true]", "ab true|"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		scoped_str got = parsed(cases[i].text);

		if (!str_equal(got, cases[i].want))
			fail_msg("%s: %s", cases[i].text, got ? got : "refused");
	}
}

static void broken_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"'open",
		"'a' b",
		"[",
		"[]",
		"['a',]",
		"['a' 'b']",
		"['a', 1]",
		"tru",
		"uint64",
		"uint64 -1",
		"byte 256",
		"2147483648",
		"-2147483649",
		"@",
		"@as",
		"@as 'a'",
		"@s 5",
		"@z 5",
		"uint64 'x'",
		"'\\",
		"'\\q'",
		"5 6",
		"0x",
		"1.2.3",
		"[['a']]",
		"(1, 2)",
		"uint64 0x10000000000000000",
		"--5",
		"true false",
		"boolean 'x'",
		"@t ['a']",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		scoped_str got = parsed(bad[i]);

		if (got)
			fail_msg("%s: read as %s", bad[i], got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_with_their_types),
		cmocka_unit_test(broken_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
