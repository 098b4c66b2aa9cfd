#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define POLICY(members) CONFIG_LINUX("'memoryPolicy': {" members "}")
#define PATH "linux.memoryPolicy."

static void expect(const char *text, const char *expected)
{
	struct error err = {0};
	scoped_spec spec = parse(text);
	int r = spec_validate(spec, &err);

	assert_string_equal(err.text, expected);
	assert_int_equal(r, -err.code);
}

static void every_mode_is_taken_with_what_belongs_to_it(void **state unused_parameter)
{
	expect(POLICY("'mode': 'MPOL_DEFAULT'"), "");
	expect(POLICY("'mode': 'MPOL_LOCAL', 'nodes': ''"), "");
	expect(POLICY("'mode': 'MPOL_PREFERRED'"), "");
	expect(POLICY("'mode': 'MPOL_PREFERRED', 'nodes': '1'"), "");
	expect(POLICY("'mode': 'MPOL_BIND', 'nodes': '0-3,7'"), "");
	expect(POLICY("'mode': 'MPOL_INTERLEAVE', 'nodes': '0'"), "");
	expect(POLICY("'mode': 'MPOL_WEIGHTED_INTERLEAVE', 'nodes': '0'"), "");
	expect(POLICY("'mode': 'MPOL_PREFERRED_MANY', 'nodes': '0,1',"
	              "'flags': ['MPOL_F_NUMA_BALANCING', 'MPOL_F_STATIC_NODES']"),
	       "");
	expect(POLICY("'mode': 'MPOL_BIND', 'nodes': '0', 'flags': ['MPOL_F_RELATIVE_NODES']"), "");
}

static void nodes_must_fit_the_mode(void **state unused_parameter)
{
	expect(POLICY("'mode': 'MPOL_DEFAULT', 'nodes': '0'"),
	       PATH "nodes: must be empty with MPOL_DEFAULT and MPOL_LOCAL");
	expect(POLICY("'mode': 'MPOL_LOCAL', 'nodes': '0'"),
	       PATH "nodes: must be empty with MPOL_DEFAULT and MPOL_LOCAL");
	expect(POLICY("'mode': 'MPOL_BIND'"),
	       PATH "nodes: is missing, this mode needs a list of nodes");
	expect(POLICY("'mode': 'MPOL_INTERLEAVE', 'nodes': ' '"),
	       PATH "nodes: is missing, this mode needs a list of nodes");
	expect(POLICY("'mode': 'MPOL_BIND', 'nodes': '0-'"),
	       PATH "nodes: \"0-\" is no list of nodes (0-3,7)");
	expect(POLICY("'mode': 'MPOL_BIND', 'nodes': '3-1'"),
	       PATH "nodes: \"3-1\" is no list of nodes (0-3,7)");
	expect(POLICY("'mode': 'MPOL_BIND', 'nodes': '99999'"),
	       PATH "nodes: \"99999\": a number is above 8191");
}

static void flags_must_fit_the_mode(void **state unused_parameter)
{
	expect(POLICY("'mode': 'MPOL_BIND', 'nodes': '0',"
	              "'flags': ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES']"),
	       PATH "flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
	expect(POLICY("'mode': 'MPOL_PREFERRED', 'flags': ['MPOL_F_STATIC_NODES']"),
	       PATH "flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need nodes");
	expect(POLICY("'mode': 'MPOL_INTERLEAVE', 'nodes': '0', 'flags': "
	              "['MPOL_F_NUMA_BALANCING']"),
	       PATH
	       "flags: MPOL_F_NUMA_BALANCING goes only with MPOL_BIND and MPOL_PREFERRED_MANY");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mode_is_taken_with_what_belongs_to_it),
		cmocka_unit_test(nodes_must_fit_the_mode),
		cmocka_unit_test(flags_must_fit_the_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
