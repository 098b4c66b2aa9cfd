#include "spec/findings.h"
#include "tests/unit/spec/support.h"

#include "base/macro.h"

struct expected {
	enum finding_level level;
	const char *path;
	const char *text;
};

static void expect(const char *text, const struct expected *expected, size_t count)
{
	scoped_findings findings = {0};
	scoped_spec spec = NULL;
	struct error err = {0};
	char *json = json_quotes(text);
	int r = spec_check_text("test.json", json, strlen(json), &findings, &spec, &err);

	free(json);
	if (r < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < findings.count && i < count; i++) {
		assert_string_equal(findings.items[i].path, expected[i].path);
		assert_string_equal(findings.items[i].text, expected[i].text);
		assert_int_equal(findings.items[i].level, expected[i].level);
	}
	assert_int_equal(findings.count, count);
	assert_false(findings.failed);
}

#define EXPECT(text, ...)                                                                          \
	do {                                                                                       \
		static const struct expected list[] = {__VA_ARGS__};                               \
		expect(text, list, ARRAY_SIZE(list));                                              \
	} while (0)

static void a_good_configuration_has_none(void **state unused_parameter)
{
	expect(CONFIG_LINUX("'namespaces': [{'type': 'mount'}]"), NULL, 0);
}

static void every_wrong_value_is_found(void **state unused_parameter)
{
	EXPECT(CONFIG("'process': {'cwd': 4, 'args': ['a', 1, 2], 'terminal': 'yes'}, 'hostname': "
	              "5"),
	       {FINDING_ERROR, "process.terminal", "expected true or false, got \"yes\""},
	       {FINDING_ERROR, "process.args[1]", "expected a string, got 1"},
	       {FINDING_ERROR, "process.args[2]", "expected a string, got 2"},
	       {FINDING_ERROR, "process.cwd", "expected a string, got 4"},
	       {FINDING_ERROR, "hostname", "expected a string, got 5"});
	EXPECT(CONFIG("'mounts': [7, {'source': '/x'}, {'destination': '/a', 'options': 'ro'}], "
	              "'linux': {'namespaces': [{'type': 'mount'}]}"),
	       {FINDING_ERROR, "mounts[0]", "expected an object, got 7"},
	       {FINDING_ERROR, "mounts[1].destination", "is missing"},
	       {FINDING_ERROR, "mounts[2].options", "expected an array, got \"ro\""});
}

static void wrong_values_and_wrong_combinations_are_found_together(void **state unused_parameter)
{
	EXPECT(CONFIG("'process': {'cwd': 'tmp', 'args': [], 'rlimits': ["
	              "{'type': 'RLIMIT_CPU', 'soft': 2, 'hard': 1}, {'type': 'RLIMIT_X'},"
	              "{'type': 'RLIMIT_CORE', 'soft': 3, 'hard': 1}]}"),
	       {FINDING_ERROR, "process.rlimits[1].type",
	        "expected one of RLIMIT_AS RLIMIT_CORE RLIMIT_CPU RLIMIT_DATA RLIMIT_FSIZE "
	        "RLIMIT_LOCKS "
	        "RLIMIT_MEMLOCK RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_NOFILE RLIMIT_NPROC RLIMIT_RSS "
	        "RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING RLIMIT_STACK, got \"RLIMIT_X\""},
	       {FINDING_ERROR, "process.rlimits[1].soft", "is missing"},
	       {FINDING_ERROR, "process.rlimits[1].hard", "is missing"},
	       {FINDING_ERROR, "process.cwd", "\"tmp\" is not absolute"},
	       {FINDING_ERROR, "process.args", "is empty"},
	       {FINDING_ERROR, "process.rlimits[0].soft", "is above the hard limit of RLIMIT_CPU"},
	       {FINDING_ERROR, "process.rlimits[2].soft",
	        "is above the hard limit of RLIMIT_CORE"});
	EXPECT(CONFIG("'linux': {'maskedPaths': ['a', '/b', 'c'], 'namespaces': [{'type': "
	              "'mount'}], "
	              "'sysctl': {'kernel.x': '1', 'net.a': '2'}}"),
	       {FINDING_ERROR, "linux.maskedPaths[0]", "\"a\" is not absolute"},
	       {FINDING_ERROR, "linux.maskedPaths[2]", "\"c\" is not absolute"},
	       {FINDING_ERROR, "linux.sysctl[\"kernel.x\"]",
	        "is refused: it belongs to no namespace and would change the host"},
	       {FINDING_ERROR, "linux.sysctl[\"net.a\"]",
	        "needs a network namespace in linux.namespaces, or it would change the host"});
}

static void what_follows_from_an_error_is_not_repeated(void **state unused_parameter)
{
	EXPECT(CONFIG("'process': 3"), {FINDING_ERROR, "process", "expected an object, got 3"});
	EXPECT(CONFIG("'hostname': 'a', 'linux': {'namespaces': [{'type': 'nts'}]}"),
	       {FINDING_ERROR, "linux.namespaces[0].type",
	        "expected one of user pid network mount ipc uts cgroup time, got \"nts\""});
}

static void unknown_properties_are_notes(void **state unused_parameter)
{
	EXPECT(CONFIG("'colour': 1, 'process': {'cwd': '/', 'args': ['a'], 'arg': []}, "
	              "'hooks': {'prestrat': []}, 'linux': {'a.b': {}, 'resources': "
	              "{'devices': [{'allow': true, 'type': 'a', 'tpye': 'c'}]}}"),
	       {FINDING_NOTE, "process.arg", "unknown property, ignored"},
	       {FINDING_NOTE, "hooks.prestrat", "unknown hook, ignored"},
	       {FINDING_NOTE, "linux.resources.devices[0].tpye", "unknown property, ignored"},
	       {FINDING_NOTE, "linux[\"a.b\"]", "unknown property, ignored"},
	       {FINDING_NOTE, "colour", "unknown property, ignored"});
	EXPECT(CONFIG("'process': {'cwd': '/', 'args': ['a'], 'capabilities': "
	              "{'bounding': ['CAP_NEW_ONE']}}"),
	       {FINDING_WARNING, "process.capabilities.bounding[0]",
	        "unknown capability, not granted"});
}

static void a_note_inside_hides_no_error_of_the_whole(void **state unused_parameter)
{
	EXPECT(CONFIG("'linux': {'namespaces': [{'type': 'time'}], 'timeOffsets': "
	              "{'monotonic': {'secsor': 1}, 'rdma': {}}}"),
	       {FINDING_NOTE, "linux.timeOffsets.monotonic.secsor", "unknown property, ignored"},
	       {FINDING_ERROR, "linux.timeOffsets.rdma",
	        "is no clock with an offset (monotonic, boottime)"});
}

static void texts_have_no_control_characters(void **state unused_parameter)
{
	EXPECT("{'ociVersion': '1.3.0', 'root': {'path': 'r'}, 'a\\u001bb': 1}",
	       {FINDING_NOTE, "[\"a?b\"]", "unknown property, ignored"});
}

static void what_is_no_json_is_an_error(void **state unused_parameter)
{
	scoped_findings findings = {0};
	struct error err = {0};
	struct spec *spec = NULL;

	assert_int_equal(spec_check_text("x", "{", 1, &findings, &spec, &err), -EINVAL);
	assert_null(spec);
	assert_int_equal(findings.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_configuration_has_none),
		cmocka_unit_test(every_wrong_value_is_found),
		cmocka_unit_test(wrong_values_and_wrong_combinations_are_found_together),
		cmocka_unit_test(what_follows_from_an_error_is_not_repeated),
		cmocka_unit_test(unknown_properties_are_notes),
		cmocka_unit_test(a_note_inside_hides_no_error_of_the_whole),
		cmocka_unit_test(texts_have_no_control_characters),
		cmocka_unit_test(what_is_no_json_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
