#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define MOUNTS(members) CONFIG("'mounts': [" members "]")

static void mounts_are_decoded_in_order(void **state unused_parameter)
{
	static const char *const options[] = {"ro", "mode=755"};
	scoped_spec spec =
		parse(MOUNTS("{'destination': '/proc', 'type': 'proc', 'source': 'proc'},"
	                     "{'destination': 'data', 'options': ['ro', 'mode=755'],"
	                     "'uidMappings': [{'containerID': 0, 'hostID': 5, 'size': 6}],"
	                     "'gidMappings': [{'containerID': 7, 'hostID': 8, 'size': 9}]},"
	                     "{'destination': '/x', 'type': '', 'source': '', 'options': null}"));
	const struct spec_mount *m = spec->mounts;

	assert_int_equal(spec->mount_count, 3);
	assert_string_equal(m[0].destination, "/proc");
	assert_string_equal(m[0].type, "proc");
	assert_string_equal(m[0].source, "proc");
	assert_strings(&m[0].options, NULL, 0);
	assert_string_equal(m[1].destination, "data");
	assert_null(m[1].type);
	assert_null(m[1].source);
	assert_strings(&m[1].options, options, ARRAY_SIZE(options));
	assert_int_equal(m[1].uid_mappings.count, 1);
	assert_int_equal(m[1].uid_mappings.items[0].host_id, 5);
	assert_int_equal(m[1].gid_mappings.items[0].size, 9);
	assert_null(m[2].type);
	assert_null(m[2].source);
	assert_strings(&m[2].options, NULL, 0);
}

static void wrong_values_are_refused_by_path(void **state unused_parameter)
{
	static const struct refusal refusals[] = {
		{MOUNTS("{'source': 'a'}"), "test.json: mounts[0].destination: is missing"},
		{MOUNTS("{'destination': '/a'}, 1"),
	         "test.json: mounts[1]: expected an object, got 1"},
		{MOUNTS("{'destination': '/a', 'options': 'ro'}"),
	         "test.json: mounts[0].options: expected an array, got \"ro\""},
		{MOUNTS("{'destination': '/a', 'options': ['ro', 7]}"),
	         "test.json: mounts[0].options[1]: expected a string, got 7"},
		{MOUNTS("{'destination': '/a', 'uidMappings': [{}]}"),
	         "test.json: mounts[0].uidMappings[0].containerID: is missing"},
	};

	refuse_all(refusals, ARRAY_SIZE(refusals));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_are_decoded_in_order),
		cmocka_unit_test(wrong_values_are_refused_by_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
