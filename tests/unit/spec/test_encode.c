#include "spec/encode.h"
#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define RESOURCES(text) "'linux': {'resources': " text "}"

/* `base` with `changes` over it becomes `expected`, character for character. */
static void merge(const char *base, const char *changes, const char *expected)
{
	scoped_spec spec = parse(base);
	scoped_spec patch = parse_with(spec_parse_resources, changes);
	struct spec_resources merged = spec->linux.resources;
	struct error err = {0};
	char *want = json_quotes(expected);
	char *text = NULL;
	size_t size = 0;

	assert_int_equal(spec_merge_resources(&spec->arena, &merged, &patch->linux.resources, &err),
	                 0);
	if (spec_with_resources(spec, &merged, &text, &size, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(text, want);
	assert_int_equal(size, strlen(want));
	free(text);
	free(want);
}

static void what_is_not_named_stays(void **state unused_parameter)
{
	merge(CONFIG("'linux': { 'resources' : {'memory': {'limit': 100, 'swap': -1}, 'pids': "
	             "{'limit': 5}} , "
	             "'seccomp': {'defaultAction':   'SCMP_ACT_ALLOW'}}"),
	      "{'memory': {'limit': 200}, 'cpu': {'quota': 5000, 'cpus': '0-1'}}",
	      CONFIG("'linux': { 'resources' : "
	             "{'memory':{'limit':200,'swap':-1},'cpu':{'quota':5000,'cpus':'0-1'},"
	             "'pids':{'limit':5},'blockIO':{},'network':{},'rdma':{},'unified':{}} , "
	             "'seccomp': {'defaultAction':   'SCMP_ACT_ALLOW'}}"));
}

static void zeroes_that_mean_nothing_change_nothing(void **state unused_parameter)
{
	merge(CONFIG(RESOURCES("{'memory': {'limit': 100}, 'cpu': {'shares': 3, 'idle': 1}}")),
	      "{'memory': {'limit': 0}, 'cpu': {'shares': 0, 'idle': 0}, 'pids': {'limit': 0}}",
	      CONFIG(RESOURCES(
		      "{'memory':{'limit':100},'cpu':{'shares':3,'idle':0},'pids':{'limit':0},"
		      "'blockIO':{},'network':{},'rdma':{},'unified':{}}")));
}

static void entries_of_lists_replace_those_of_the_same_key(void **state unused_parameter)
{
	merge(CONFIG(RESOURCES(
		      "{'devices': [{'allow': true, 'type': 'c', 'access': 'r'}], "
		      "'blockIO': {'throttleReadBpsDevice': [{'major': 8, 'minor': 0, 'rate': 1}]},"
		      "'unified': {'a.b': '1', 'c.d': '2'}}")),
	      "{'blockIO': {'throttleReadBpsDevice': [{'major': 8, 'minor': 16, 'rate': "
	      "18446744073709551615}, "
	      "{'major': 8, 'minor': 0, 'rate': 2}]}, 'unified': {'c.d': '3'}, "
	      "'rdma': {'mlx': {'hcaHandles': 3}}, 'hugepageLimits': [{'pageSize': '2MB', 'limit': "
	      "0}]}",
	      CONFIG(RESOURCES(
		      "{'devices':[{'allow':true,'type':'c','access':'r'}],'memory':{},'cpu':{},'"
		      "pids':{},"
		      "'blockIO':{'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':2},"
		      "{'major':8,'minor':16,'rate':18446744073709551615}]},"
		      "'hugepageLimits':[{'pageSize':'2MB','limit':0}],'network':{},"
		      "'rdma':{'mlx':{'hcaHandles':3}},'unified':{'a.b':'1','c.d':'3'}}")));
}

static void a_section_that_is_missing_is_made(void **state unused_parameter)
{
	static const char pids[] = "{'pids': {'limit': 3}}";
	static const char made[] =
		"{'memory':{},'cpu':{},'pids':{'limit':3},'blockIO':{},'network':{},"
		"'rdma':{},'unified':{}}";
	char expected[300];

	snprintf(expected, sizeof(expected),
	         "{'linux':{'resources':%s},'ociVersion': '1.3.0', 'root': {'path': 'r'}}", made);
	merge("{'ociVersion': '1.3.0', 'root': {'path': 'r'}}", pids, expected);
	snprintf(expected, sizeof(expected),
	         "{'ociVersion': '1.3.0', 'root': {'path': 'r'}, 'linux': {'resources':%s}}", made);
	merge("{'ociVersion': '1.3.0', 'root': {'path': 'r'}, 'linux': {}}", pids, expected);
	snprintf(expected, sizeof(expected),
	         "{'ociVersion': '1.3.0', 'root': {'path': 'r'}, 'linux': "
	         "{'resources':%s,'sysctl': {}}}",
	         made);
	merge("{'ociVersion': '1.3.0', 'root': {'path': 'r'}, 'linux': {'sysctl': {}}}", pids,
	      expected);
}

static void mounts_are_written_whole(void **state unused_parameter)
{
	scoped_spec spec =
		parse(CONFIG("'annotations': {'mounts': '['}, 'mounts': [ {'destination': '/a', "
	                     "'options': ['ro', 'x=\\u00e4']}, "
	                     "{'destination': '/b', 'source': '/s', 'type': 'bind', "
	                     "'uidMappings': [{'containerID': 0, 'hostID': 1, 'size': 2}]}]"));
	scoped_spec again = NULL;
	struct error err = {0};
	char *text = NULL;
	size_t size = 0;

	assert_int_equal(
		spec_with_mounts(spec, spec->mounts, spec->mount_count, 1, &text, &size, &err), 0);
	assert_int_equal(spec_parse("again", text, size, &again, &err), 0);
	free(text);
	assert_int_equal(again->mount_count, 2);
	assert_string_equal(again->mounts[0].options.items[1], "x=ä");
	assert_string_equal(again->mounts[1].source, "/s");
	assert_int_equal(again->mounts[1].uid_mappings.items[0].size, 2);
	assert_int_equal(again->added_mounts, 1);
	assert_null(again->mounts[0].source);
	assert_string_equal(again->annotations[0].value, "[");
}

static void a_key_written_with_escapes_is_refused(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG("'mo\\u0075nts': []"));
	struct error err = {0};
	char *text = NULL;
	size_t size = 0;

	assert_true(spec_with_mounts(spec, NULL, 0, 0, &text, &size, &err) < 0);
	assert_null(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_named_stays),
		cmocka_unit_test(zeroes_that_mean_nothing_change_nothing),
		cmocka_unit_test(entries_of_lists_replace_those_of_the_same_key),
		cmocka_unit_test(a_section_that_is_missing_is_made),
		cmocka_unit_test(mounts_are_written_whole),
		cmocka_unit_test(a_key_written_with_escapes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
