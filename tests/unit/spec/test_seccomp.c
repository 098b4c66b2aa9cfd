#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define SECCOMP(members) CONFIG_LINUX("'seccomp': {'defaultAction': 'SCMP_ACT_ERRNO', " members "}")

static void every_property_is_decoded(void **state unused_parameter)
{
	static const char *const archs[] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_RISCV64"};
	static const char *const names[] = {"clone", "clone3"};
	scoped_spec spec = parse(SECCOMP(
		"'defaultErrnoRet': 38, 'architectures': ['SCMP_ARCH_X86_64', 'SCMP_ARCH_RISCV64'],"
		"'flags': ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],"
		"'listenerPath': '/run/s', 'listenerMetadata': 'm',"
		"'syscalls': [{'names': ['clone', 'clone3'], 'action': 'SCMP_ACT_TRACE',"
		"'errnoRet': 1, 'args': [{'index': 5, 'value': 18446744073709551615,"
		"'valueTwo': 2114060288, 'op': 'SCMP_CMP_MASKED_EQ'}]},"
		"{'names': ['read'], 'action': 'SCMP_ACT_ALLOW'}]"));
	const struct spec_seccomp *s = &spec->linux.seccomp;

	assert_true(s->set);
	assert_int_equal(s->default_action, SECCOMP_ACTION_ERRNO);
	assert_true(s->default_errno_ret.set && s->default_errno_ret.value == 38);
	assert_strings(&s->architectures, archs, ARRAY_SIZE(archs));
	assert_true(s->flags_set);
	assert_int_equal(s->flags, SECCOMP_SPEC_FLAG_LOG | SECCOMP_SPEC_FLAG_SPEC_ALLOW);
	assert_string_equal(s->listener_path, "/run/s");
	assert_string_equal(s->listener_metadata, "m");
	assert_int_equal(s->rule_count, 2);
	assert_strings(&s->rules[0].names, names, ARRAY_SIZE(names));
	assert_int_equal(s->rules[0].action, SECCOMP_ACTION_TRACE);
	assert_true(s->rules[0].errno_ret.set && s->rules[0].errno_ret.value == 1);
	assert_int_equal(s->rules[0].arg_count, 1);
	assert_int_equal(s->rules[0].args[0].index, 5);
	assert_true(s->rules[0].args[0].value == UINT64_MAX);
	assert_int_equal(s->rules[0].args[0].value_two, 2114060288);
	assert_int_equal(s->rules[0].args[0].op, SECCOMP_OP_MASKED_EQ);
	assert_false(s->rules[1].errno_ret.set);
	assert_int_equal(s->rules[1].arg_count, 0);
}

static void every_action_has_its_word(void **state unused_parameter)
{
	static const struct {
		const char *word;
		enum spec_seccomp_action action;
	} actions[] = {
		{"SCMP_ACT_KILL", SECCOMP_ACTION_KILL_THREAD},
		{"SCMP_ACT_KILL_THREAD", SECCOMP_ACTION_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", SECCOMP_ACTION_KILL_PROCESS},
		{"SCMP_ACT_TRAP", SECCOMP_ACTION_TRAP},
		{"SCMP_ACT_ERRNO", SECCOMP_ACTION_ERRNO},
		{"SCMP_ACT_TRACE", SECCOMP_ACTION_TRACE},
		{"SCMP_ACT_ALLOW", SECCOMP_ACTION_ALLOW},
		{"SCMP_ACT_LOG", SECCOMP_ACTION_LOG},
		{"SCMP_ACT_NOTIFY", SECCOMP_ACTION_NOTIFY},
	};
	char text[200];

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		snprintf(text, sizeof(text), CONFIG_LINUX("'seccomp': {'defaultAction': '%s'}"),
		         actions[i].word);
		scoped_spec spec = parse(text);

		assert_int_equal(spec->linux.seccomp.default_action, actions[i].action);
		assert_false(spec->linux.seccomp.flags_set);
	}
}

static void every_operator_has_its_word(void **state unused_parameter)
{
	scoped_spec spec =
		parse(SECCOMP("'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_LOG', 'args': ["
	                      "{'index': 0, 'value': 0, 'op': 'SCMP_CMP_NE'},"
	                      "{'index': 0, 'value': 0, 'op': 'SCMP_CMP_LT'},"
	                      "{'index': 0, 'value': 0, 'op': 'SCMP_CMP_LE'},"
	                      "{'index': 0, 'value': 0, 'op': 'SCMP_CMP_EQ'},"
	                      "{'index': 0, 'value': 0, 'op': 'SCMP_CMP_GE'},"
	                      "{'index': 0, 'value': 0, 'op': 'SCMP_CMP_GT'}]}]"));
	const struct spec_seccomp_arg *args = spec->linux.seccomp.rules[0].args;

	for (size_t i = 0; i < 6; i++)
		assert_int_equal(args[i].op, i);
}

static void empty_flags_are_told_from_absent_ones(void **state unused_parameter)
{
	scoped_spec spec = parse(SECCOMP("'flags': []"));

	assert_true(spec->linux.seccomp.flags_set);
	assert_int_equal(spec->linux.seccomp.flags, 0);
}

static void assert_identity(const char *text, const char *expected)
{
	scoped_spec spec = parse(text);
	char *json = json_quotes(expected);

	assert_int_equal(spec->linux.seccomp.canonical_size, strlen(json));
	assert_memory_equal(spec->linux.seccomp.canonical, json, strlen(json));
	free(json);
}

static void the_identity_is_the_text_of_the_section(void **state unused_parameter)
{
	assert_identity(CONFIG_LINUX("'seccomp':  { 'defaultAction':'SCMP_ACT_LOG' } "),
	                "{ 'defaultAction':'SCMP_ACT_LOG' }");
}

static void the_identity_of_an_escaped_key_is_made_from_the_content(void **state unused_parameter)
{
	assert_identity(
		CONFIG_LINUX("'secc\\u006fmp':  { 'z': [1], 'defaultAction':'SCMP_ACT_LOG' }"),
		"{'defaultAction':'SCMP_ACT_LOG','z':[1]}");
}

static void wrong_values_are_refused_by_path(void **state unused_parameter)
{
	static const struct refusal refusals[] = {
		{CONFIG_LINUX("'seccomp': {}"),
	         "test.json: linux.seccomp.defaultAction: is missing"},
		{CONFIG_LINUX("'seccomp': {'defaultAction': 'SCMP_ACT_MAYBE'}"),
	         "test.json: linux.seccomp.defaultAction: expected one of SCMP_ACT_KILL "
	         "SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD SCMP_ACT_TRAP SCMP_ACT_ERRNO "
	         "SCMP_ACT_TRACE SCMP_ACT_ALLOW SCMP_ACT_LOG SCMP_ACT_NOTIFY, got "
	         "\"SCMP_ACT_MAYBE\""},
		{SECCOMP("'flags': ['x']"),
	         "test.json: linux.seccomp.flags[0]: expected one of SECCOMP_FILTER_FLAG_TSYNC "
	         "SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW "
	         "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, got \"x\""},
		{SECCOMP("'syscalls': [{'action': 'SCMP_ACT_LOG'}]"),
	         "test.json: linux.seccomp.syscalls[0].names: is missing"},
		{SECCOMP("'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_LOG', 'args': "
	                 "[{'index': 6, 'value': 0, 'op': 'SCMP_CMP_EQ'}]}]"),
	         "test.json: linux.seccomp.syscalls[0].args[0].index: expected an integer from 0 "
	         "to "
	         "5, got 6"},
		{SECCOMP("'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_LOG', 'args': "
	                 "[{'index': 0, 'value': -1, 'op': 'SCMP_CMP_EQ'}]}]"),
	         "test.json: linux.seccomp.syscalls[0].args[0].value: expected a non-negative "
	         "integer, got -1"},
		{SECCOMP("'listenerPath': []"),
	         "test.json: linux.seccomp.listenerPath: expected a string, got an array"},
	};
	struct error err = {0};
	struct spec *spec = NULL;
	char *json = json_quotes(SECCOMP("'architectures': ['SCMP_ARCH_X86', 'SCMP_ARCH_Z80']"));

	refuse_all(refusals, ARRAY_SIZE(refusals));
	assert_int_equal(spec_parse("t", json, strlen(json), &spec, &err), -EINVAL);
	assert_non_null(strstr(err.text, "t: linux.seccomp.architectures[1]: expected one of "));
	assert_non_null(strstr(err.text, ", got \"SCMP_ARCH_Z80\""));
	free(json);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_property_is_decoded),
		cmocka_unit_test(every_action_has_its_word),
		cmocka_unit_test(every_operator_has_its_word),
		cmocka_unit_test(empty_flags_are_told_from_absent_ones),
		cmocka_unit_test(the_identity_is_the_text_of_the_section),
		cmocka_unit_test(the_identity_of_an_escaped_key_is_made_from_the_content),
		cmocka_unit_test(wrong_values_are_refused_by_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
