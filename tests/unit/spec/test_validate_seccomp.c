#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define SECCOMP(action, members)                                                                   \
	CONFIG_LINUX("'seccomp': {'defaultAction': 'SCMP_ACT_" action "'" members "}")
#define RULE(members)                                                                              \
	SECCOMP("ALLOW", ", 'syscalls': [{'names': ['a'], 'action': 'SCMP_ACT_" members "}]")

static void accept(const char *text)
{
	struct error err = {0};
	scoped_spec spec = parse(text);

	if (spec_validate(spec, &err) < 0)
		fail_msg("%s", err.text);
}

static void refuse(const char *text, const char *expected)
{
	struct error err = {0};
	scoped_spec spec = parse(text);

	assert_int_equal(spec_validate(spec, &err), -EINVAL);
	assert_string_equal(err.text, expected);
}

static void only_two_actions_carry_a_number(void **state unused_parameter)
{
	accept(RULE("ERRNO', 'errnoRet': 4095"));
	accept(RULE("TRACE', 'errnoRet': 65535"));
	accept(RULE("LOG'"));
	accept(SECCOMP("ERRNO", ", 'defaultErrnoRet': 38"));
	refuse(RULE("KILL', 'errnoRet': 1"),
	       "linux.seccomp.syscalls[0].errnoRet: goes only with SCMP_ACT_ERRNO and "
	       "SCMP_ACT_TRACE");
	refuse(RULE("ALLOW', 'errnoRet': 0"),
	       "linux.seccomp.syscalls[0].errnoRet: goes only with SCMP_ACT_ERRNO and "
	       "SCMP_ACT_TRACE");
	refuse(SECCOMP("LOG", ", 'defaultErrnoRet': 1"),
	       "linux.seccomp.defaultErrnoRet: goes only with SCMP_ACT_ERRNO and SCMP_ACT_TRACE");
	refuse(RULE("ERRNO', 'errnoRet': 4096"),
	       "linux.seccomp.syscalls[0].errnoRet: is above 4095");
	refuse(RULE("TRACE', 'errnoRet': 65536"),
	       "linux.seccomp.syscalls[0].errnoRet: is above 65535");
}

static void a_rule_needs_names(void **state unused_parameter)
{
	refuse(SECCOMP("ALLOW", ", 'syscalls': [{'names': ['a'], 'action': 'SCMP_ACT_LOG'},"
	                        "{'names': [], 'action': 'SCMP_ACT_LOG'}]"),
	       "linux.seccomp.syscalls[1].names: is empty");
}

static void notifying_needs_a_listener(void **state unused_parameter)
{
	accept(SECCOMP("ALLOW", ", 'listenerPath': '/s', 'listenerMetadata': 'm', 'syscalls': "
	                        "[{'names': ['a'], 'action': 'SCMP_ACT_NOTIFY'}]"));
	refuse(RULE("NOTIFY'"), "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY needs "
	                        "linux.seccomp.listenerPath");
	refuse(SECCOMP("ALLOW", ", 'listenerMetadata': 'm'"),
	       "linux.seccomp.listenerMetadata: needs listenerPath");
	refuse(SECCOMP("ALLOW", ", 'listenerPath': 's'"),
	       "linux.seccomp.listenerPath: \"s\" is not absolute");
	refuse(SECCOMP("NOTIFY", ", 'listenerPath': '/s'"),
	       "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default: the calls that "
	       "hand the listener over would wait for it");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_two_actions_carry_a_number),
		cmocka_unit_test(a_rule_needs_names),
		cmocka_unit_test(notifying_needs_a_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
