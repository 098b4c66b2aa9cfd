#include "tests/unit/spec/support.h"

#include <linux/sched.h>
#include <sys/resource.h>

#include "base/macro.h"
#include "spec/sections.h"

#define PROCESS(members) CONFIG("'process': {" members "}")

static void every_property_is_decoded(void **state unused_parameter)
{
	static const char *const args[] = {"sh", "-c", "true"}, *const env[] = {"A=1", "B"};
	scoped_spec spec = parse(PROCESS(
		"'terminal': true, 'consoleSize': {'height': 24, 'width': 80},"
		"'user': {'uid': 1, 'gid': 4294967294, 'umask': 18, 'additionalGids': [5, 6]},"
		"'args': ['sh', '-c', 'true'], 'env': ['A=1', 'B'], 'cwd': '/tmp',"
		"'noNewPrivileges': true, 'apparmorProfile': 'p', 'selinuxLabel': 'l',"
		"'oomScoreAdj': -500, 'ioPriority': {'class': 'IOPRIO_CLASS_IDLE', 'priority': 7},"
		"'execCPUAffinity': {'initial': '0-1', 'final': '3'},"
		"'rlimits': [{'type': 'RLIMIT_CORE', 'soft': 1, 'hard': 18446744073709551615}]"));
	const struct spec_process *p = &spec->process;

	assert_true(spec->has_process);
	assert_true(p->terminal);
	assert_int_equal(p->console_height, 24);
	assert_int_equal(p->console_width, 80);
	assert_int_equal(p->user.uid, 1);
	assert_int_equal(p->user.gid, 4294967294);
	assert_true(p->user.umask.set);
	assert_int_equal(p->user.umask.value, 18);
	assert_int_equal(p->user.additional_gid_count, 2);
	assert_int_equal(p->user.additional_gids[1], 6);
	assert_strings(&p->args, args, ARRAY_SIZE(args));
	assert_strings(&p->env, env, ARRAY_SIZE(env));
	assert_string_equal(p->cwd, "/tmp");
	assert_true(p->no_new_privileges);
	assert_string_equal(p->apparmor_profile, "p");
	assert_string_equal(p->selinux_label, "l");
	assert_true(p->oom_score_adj.set);
	assert_int_equal(p->oom_score_adj.value, -500);
	assert_true(p->io_priority.set);
	assert_int_equal(p->io_priority.class, 3);
	assert_int_equal(p->io_priority.priority, 7);
	assert_string_equal(p->exec_cpu_affinity_initial, "0-1");
	assert_string_equal(p->exec_cpu_affinity_final, "3");
	assert_int_equal(p->rlimit_count, 1);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_CORE);
	assert_true(p->rlimits[0].soft == 1);
	assert_true(p->rlimits[0].hard == UINT64_MAX);
}

static void the_scheduler_is_decoded(void **state unused_parameter)
{
	scoped_spec spec = parse(
		PROCESS("'scheduler': {'policy': 'SCHED_DEADLINE', 'nice': -20, 'priority': 3,"
	                "'flags': ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_DL_OVERRUN'],"
	                "'runtime': 1, 'deadline': 2, 'period': 9223372036854775808}"));
	const struct spec_scheduler *s = &spec->process.scheduler;

	assert_true(s->set);
	assert_int_equal(s->policy, SCHED_DEADLINE);
	assert_int_equal(s->nice, -20);
	assert_int_equal(s->priority, 3);
	assert_true(s->flags == (SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_DL_OVERRUN));
	assert_true(s->runtime == 1 && s->deadline == 2);
	assert_true(s->period == UINT64_C(9223372036854775808));
}

static void an_empty_process_leaves_nothing_null_that_must_not_be(void **state unused_parameter)
{
	scoped_spec spec = parse(PROCESS(""));
	const struct spec_process *p = &spec->process;

	assert_true(spec->has_process);
	assert_strings(&p->args, NULL, 0);
	assert_strings(&p->env, NULL, 0);
	assert_string_equal(p->cwd, "");
	assert_null(p->apparmor_profile);
	assert_null(p->exec_cpu_affinity_final);
	assert_false(p->capabilities.set || p->scheduler.set || p->io_priority.set);
	assert_false(p->oom_score_adj.set || p->user.umask.set);
	assert_int_equal(p->rlimit_count, 0);
}

static void an_absent_process_is_told_from_an_empty_one(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG("'process': null"));

	assert_false(spec->has_process);
	assert_strings(&spec->process.args, NULL, 0);
	assert_string_equal(spec->process.cwd, "");
}

static void capabilities_become_masks(void **state unused_parameter)
{
	scoped_spec spec = parse(PROCESS(
		"'capabilities': {'bounding': ['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE'],"
		"'effective': ['CAP_KILL'], 'permitted': ['CAP_KILL', 'CAP_OF_A_LATER_KERNEL'],"
		"'inheritable': [], 'ambient': null}"));
	const struct spec_capabilities *c = &spec->process.capabilities;

	assert_true(c->set);
	assert_true(c->bounding == (UINT64_C(1) << 40 | 1));
	assert_true(c->effective == 1 << 5);
	assert_true(c->permitted == 1 << 5);
	assert_true(c->inheritable == 0 && c->ambient == 0);
}

static void capability_names_and_numbers_agree(void **state unused_parameter)
{
	int count = 0;

	for (; spec_capability_name(count); count++)
		assert_int_equal(spec_capability_number(spec_capability_name(count)), count);
	assert_int_equal(count, 41);
	assert_string_equal(spec_capability_name(21), "CAP_SYS_ADMIN");
	assert_null(spec_capability_name(-1));
	assert_null(spec_capability_name(41));
	assert_int_equal(spec_capability_number("CAP_NOTHING"), -1);
	assert_int_equal(spec_capability_number("cap_kill"), -1);
	assert_int_equal(spec_capability_number("KILL"), -1);
}

static void every_rlimit_has_its_name(void **state unused_parameter)
{
	for (int resource = 0; resource < RLIMIT_NLIMITS; resource++)
		assert_non_null(spec_rlimit_name(resource));
	assert_string_equal(spec_rlimit_name(RLIMIT_NOFILE), "RLIMIT_NOFILE");
	assert_null(spec_rlimit_name(RLIMIT_NLIMITS));
}

static void wrong_values_are_refused_by_path(void **state unused_parameter)
{
	static const struct refusal refusals[] = {
		{CONFIG("'process': []"), "test.json: process: expected an object, got an array"},
		{PROCESS("'terminal': 1"),
	         "test.json: process.terminal: expected true or false, got 1"},
		{PROCESS("'args': 'sh'"), "test.json: process.args: expected an array, got \"sh\""},
		{PROCESS("'args': ['sh', null]"),
	         "test.json: process.args[1]: expected a string, got null"},
		{PROCESS("'cwd': {}"), "test.json: process.cwd: expected a string, got an object"},
		{PROCESS("'user': {'uid': -1}"),
	         "test.json: process.user.uid: expected a non-negative integer, got -1"},
		{PROCESS("'user': {'uid': 4294967295}"),
	         "test.json: process.user.uid: expected an integer from 0 to 4294967294, got "
	         "4294967295"},
		{PROCESS("'user': {'gid': 1.5}"),
	         "test.json: process.user.gid: expected a non-negative integer, got 1.5"},
		{PROCESS("'user': {'additionalGids': [1, 18446744073709551615]}"),
	         "test.json: process.user.additionalGids[1]: expected an integer from 0 to "
	         "4294967294, got 18446744073709551615"},
		{PROCESS("'rlimits': [{'type': 'RLIMIT_AS', 'soft': 1, 'hard': 1},"
	                 "{'type': 'RLIMIT_CPU', 'soft': 'x', 'hard': 1}]"),
	         "test.json: process.rlimits[1].soft: expected a non-negative integer, got \"x\""},
		{PROCESS("'rlimits': [{'soft': 1, 'hard': 1}]"),
	         "test.json: process.rlimits[0].type: is missing"},
		{PROCESS("'rlimits': [{'type': 'RLIMIT_AS', 'soft': 1, 'hard': 1},"
	                 "{'type': 'RLIMIT_AS', 'soft': 2, 'hard': 2}]"),
	         "test.json: process.rlimits[1].type: RLIMIT_AS is listed twice"},
		{PROCESS("'capabilities': {'bounding': ['CAP_KILL', 'kill']}"),
	         "test.json: process.capabilities.bounding[1]: expected the name of a capability "
	         "(CAP_…), got \"kill\""},
		{PROCESS("'ioPriority': {'class': 'IOPRIO_CLASS_NONE'}"),
	         "test.json: process.ioPriority.class: expected one of IOPRIO_CLASS_RT "
	         "IOPRIO_CLASS_BE IOPRIO_CLASS_IDLE, got \"IOPRIO_CLASS_NONE\""},
		{PROCESS("'ioPriority': {'class': 'IOPRIO_CLASS_BE', 'priority': 8}"),
	         "test.json: process.ioPriority.priority: expected an integer from 0 to 7, got 8"},
		{PROCESS("'scheduler': {}"), "test.json: process.scheduler.policy: is missing"},
		{PROCESS("'scheduler': {'policy': 'SCHED_OTHER', 'nice': 2147483648}"),
	         "test.json: process.scheduler.nice: expected an integer from -2147483648 to "
	         "2147483647, got 2147483648"},
		{PROCESS("'scheduler': {'policy': 'SCHED_OTHER', 'flags': ['x']}"),
	         "test.json: process.scheduler.flags[0]: expected one of SCHED_FLAG_RESET_ON_FORK "
	         "SCHED_FLAG_RECLAIM SCHED_FLAG_DL_OVERRUN SCHED_FLAG_KEEP_POLICY "
	         "SCHED_FLAG_KEEP_PARAMS SCHED_FLAG_UTIL_CLAMP_MIN SCHED_FLAG_UTIL_CLAMP_MAX, got "
	         "\"x\""},
		{PROCESS("'oomScoreAdj': true"),
	         "test.json: process.oomScoreAdj: expected an integer, got true"},
		{PROCESS("'oomScoreAdj': 9223372036854775808"),
	         "test.json: process.oomScoreAdj: expected an integer from -9223372036854775808 to "
	         "9223372036854775807, got 9223372036854775808"},
		{PROCESS("'apparmorProfile': 18446744073709551615"),
	         "test.json: process.apparmorProfile: expected a string, got 18446744073709551615"},
	};

	refuse_all(refusals, ARRAY_SIZE(refusals));
}

static void values_in_errors_are_cut_and_printable(void **state unused_parameter)
{
	refuse_with(spec_parse, PROCESS("'terminal': 'a\\u001b[31m'"),
	            "test.json: process.terminal: expected true or false, got \"a?[31m\"");
	refuse_with(spec_parse,
	            PROCESS("'terminal': '0123456789012345678901234567890123456789"
	                    "01234567890123456789X'"),
	            "test.json: process.terminal: expected true or false, got "
	            "\"012345678901234567890123456789012345678901234567890123456789…\"");
}

static void a_process_alone_is_decoded_like_one_in_a_configuration(void **state unused_parameter)
{
	scoped_spec spec = parse_with(spec_parse_process, "{'cwd': '/', 'args': ['a']}");

	assert_true(spec->has_process);
	assert_string_equal(spec->process.cwd, "/");
	assert_string_equal(spec->process.args.items[0], "a");
	assert_string_equal(spec->root.path, "");
	assert_strings(&spec->linux.masked_paths, NULL, 0);
	refuse_with(spec_parse_process, "{'rlimits': [{}]}",
	            "test.json: process.rlimits[0].type: is missing");
	refuse_with(spec_parse_process, "[]",
	            "test.json: process: expected an object, got an array");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_property_is_decoded),
		cmocka_unit_test(the_scheduler_is_decoded),
		cmocka_unit_test(an_empty_process_leaves_nothing_null_that_must_not_be),
		cmocka_unit_test(an_absent_process_is_told_from_an_empty_one),
		cmocka_unit_test(capabilities_become_masks),
		cmocka_unit_test(capability_names_and_numbers_agree),
		cmocka_unit_test(every_rlimit_has_its_name),
		cmocka_unit_test(wrong_values_are_refused_by_path),
		cmocka_unit_test(values_in_errors_are_cut_and_printable),
		cmocka_unit_test(a_process_alone_is_decoded_like_one_in_a_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
