#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define DEVICES(members)                                                                           \
	CONFIG_LINUX("'namespaces': [{'type': 'network'}], 'netDevices': {" members "}")

static void expect(const char *text, const char *expected)
{
	struct error err = {0};
	scoped_spec spec = parse(text);
	int r = spec_validate(spec, &err);

	assert_string_equal(err.text, expected);
	assert_int_equal(r, -err.code);
}

static void names_and_templates_are_taken(void **state unused_parameter)
{
	expect(DEVICES("'eth0': {}"), "");
	expect(DEVICES("'eth0': {'name': 'eth1'}, 'eth1': {'name': 'eth0'}"), "");
	expect(DEVICES("'a': {'name': 'eth%d'}, 'b': {'name': 'eth%d'}"), "");
	expect(DEVICES("'fifteen-letters': {}"), "");
	expect(CONFIG_LINUX("'netDevices': {}"), "");
}

static void a_network_namespace_is_needed(void **state unused_parameter)
{
	expect(CONFIG_LINUX("'netDevices': {'eth0': {}}"),
	       "linux.netDevices: needs a network namespace in linux.namespaces");
}

#define NO_NAME                                                                                    \
	" is no name of a network interface (at most 15 bytes, no blank, slash or colon; %d only " \
	"at the end)"

static void what_no_interface_can_be_called_is_refused(void **state unused_parameter)
{
	expect(DEVICES("'sixteen--letters': {}"),
	       "linux.netDevices[\"sixteen--letters\"]: is no name of a network interface");
	expect(DEVICES("'': {}"), "linux.netDevices[\"\"]: is no name of a network interface");
	expect(DEVICES("'eth%d': {}"),
	       "linux.netDevices[\"eth%d\"]: is no name of a network interface");
	expect(DEVICES("'a': {'name': 'b c'}"), "linux.netDevices[\"a\"].name: \"b c\"" NO_NAME);
	expect(DEVICES("'a': {'name': '..'}"), "linux.netDevices[\"a\"].name: \"..\"" NO_NAME);
	expect(DEVICES("'a': {'name': 'x:1'}"), "linux.netDevices[\"a\"].name: \"x:1\"" NO_NAME);
	expect(DEVICES("'a': {'name': 'eth%s'}"),
	       "linux.netDevices[\"a\"].name: \"eth%s\"" NO_NAME);
	expect(DEVICES("'a': {'name': '%d%d'}"), "linux.netDevices[\"a\"].name: \"%d%d\"" NO_NAME);
	expect(DEVICES("'lo': {'name': 'x'}"),
	       "linux.netDevices[\"lo\"]: the loopback interface cannot be moved");
}

static void two_devices_cannot_have_one_name(void **state unused_parameter)
{
	expect(DEVICES("'a': {'name': 'eth0'}, 'eth0': {}"),
	       "linux.netDevices: \"a\" and \"eth0\" would both be called \"eth0\" in the "
	       "container");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_templates_are_taken),
		cmocka_unit_test(a_network_namespace_is_needed),
		cmocka_unit_test(what_no_interface_can_be_called_is_refused),
		cmocka_unit_test(two_devices_cannot_have_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
