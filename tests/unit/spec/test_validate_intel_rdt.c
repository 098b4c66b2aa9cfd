#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define RDT(members) CONFIG_LINUX("'intelRdt': {" members "}")

static void expect(const char *text, const char *expected)
{
	struct error err = {0};
	scoped_spec spec = parse(text);
	int r = spec_validate(spec, &err);

	assert_string_equal(err.text, expected);
	assert_int_equal(r, -err.code);
}

static void classes_and_schemata_are_taken(void **state unused_parameter)
{
	expect(RDT(""), "");
	expect(RDT("'closID': '/'"), "");
	expect(RDT("'closID': 'gold-1', 'l3CacheSchema': 'L3:0=f;1=f0\\nL3CODE:0=f'"), "");
	expect(RDT("'memBwSchema': 'MB:0=20;1=70', 'schemata': ['L2:0=f', 'MB:0=10']"), "");
}

static void a_class_is_one_directory_of_ours(void **state unused_parameter)
{
	static const char *const bad[] = {"..", ".", "a/b", "/a", "info", "mon_groups", "mon_data"};
	char text[200], expected[200];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), RDT("'closID': '%s'"), bad[i]);
		snprintf(expected, sizeof(expected),
		         "linux.intelRdt.closID: \"%s\" is no name of a class of service", bad[i]);
		expect(text, expected);
	}
}

static void schemata_are_lines(void **state unused_parameter)
{
	expect(RDT("'memBwSchema': 'L3:0=f'"),
	       "linux.intelRdt.memBwSchema: \"L3:0=f\" is not one line that begins with MB:");
	expect(RDT("'memBwSchema': 'MB:0=1\\nL3:0=f'"),
	       "linux.intelRdt.memBwSchema: \"MB:0=1\nL3:0=f\" is not one line that begins with "
	       "MB:");
	expect(RDT("'schemata': ['L3:0=f', 'x']"),
	       "linux.intelRdt.schemata[1]: \"x\" is not one line like L3:0=ff");
	expect(RDT("'schemata': ['L3:0=f\\nMB:0=1']"),
	       "linux.intelRdt.schemata[0]: \"L3:0=f\nMB:0=1\" is not one line like L3:0=ff");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_and_schemata_are_taken),
		cmocka_unit_test(a_class_is_one_directory_of_ours),
		cmocka_unit_test(schemata_are_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
