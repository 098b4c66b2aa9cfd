#include "tests/unit/spec/support.h"

#include "base/macro.h"

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
	int r = spec_validate(spec, &err);

	assert_string_equal(err.text, expected);
	assert_true(r < 0);
	assert_int_equal(r, -err.code);
}

#define MOUNT_NAMESPACE "'linux': {'namespaces': [{'type': 'mount'}]}"

static void the_least_configuration_is_accepted(void **state unused_parameter)
{
	accept("{'ociVersion': '1.0.0', 'root': {'path': '/'}}");
}

static void versions_are_semver_and_1(void **state unused_parameter)
{
	static const char *const good[] = {"1.0.0",     "1.3.0",         "1.0.2-dev",
	                                   "1.1.0+dev", "1.0.0-rc5-dev", "1.99.0"};
	static const char *const bad[] = {"",       "1",      "1.0",    "1.0.",    "1.0.0.",
	                                  "v1.0.0", "1.0.0-", "01.0.0", "1.00.0",  "1.0.x",
	                                  "1.0.0 ", "1..0",   "1.0.0_", "1.0.0-a_"};
	char text[200], expected[200];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		snprintf(text, sizeof(text), "{'ociVersion': '%s', 'root': {'path': '/'}}",
		         good[i]);
		accept(text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(text, sizeof(text), "{'ociVersion': '%s', 'root': {'path': '/'}}", bad[i]);
		snprintf(expected, sizeof(expected),
		         "ociVersion: \"%s\" is no version (MAJOR.MINOR.PATCH)", bad[i]);
		refuse(text, expected);
	}
	refuse("{'ociVersion': '2.0.0', 'root': {'path': '/'}}",
	       "ociVersion: 2.0.0 is not supported, only 1.x is");
	refuse("{'ociVersion': '0.9.0', 'root': {'path': '/'}}",
	       "ociVersion: 0.9.0 is not supported, only 1.x is");
	refuse("{'ociVersion': '10.0.0', 'root': {'path': '/'}}",
	       "ociVersion: 10.0.0 is not supported, only 1.x is");
}

static void the_root_needs_a_path(void **state unused_parameter)
{
	refuse("{'ociVersion': '1.0.0', 'root': {'path': ''}}", "root.path: is empty");
}

#define PROCESS(members) CONFIG("'process': {'cwd': '/', 'args': ['a'], " members "}")

static void a_process_needs_a_directory_and_a_program(void **state unused_parameter)
{
	refuse(CONFIG("'process': {'args': ['a']}"), "process.cwd: is missing");
	refuse(CONFIG("'process': {'args': ['a'], 'cwd': 'tmp'}"),
	       "process.cwd: \"tmp\" is not absolute");
	refuse(CONFIG("'process': {'cwd': '/', 'args': []}"), "process.args: is empty");
	refuse(CONFIG("'process': {'cwd': '/'}"), "process.args: is empty");
	accept(PROCESS("'env': ['A=1', 'NO_EQUALS_SIGN', '']"));
}

static void limits_of_a_process_are_checked(void **state unused_parameter)
{
	accept(PROCESS("'consoleSize': {'height': 70000, 'width': 70000}"));
	refuse(PROCESS("'terminal': true, 'consoleSize': {'height': 65536, 'width': 1}"),
	       "process.consoleSize.height: is above 65535");
	refuse(PROCESS("'terminal': true, 'consoleSize': {'height': 1, 'width': 65536}"),
	       "process.consoleSize.width: is above 65535");
	accept(PROCESS("'user': {'umask': 511}"));
	refuse(PROCESS("'user': {'umask': 512}"), "process.user.umask: is above 511 (octal 777)");
	refuse(PROCESS("'rlimits': [{'type': 'RLIMIT_AS', 'soft': 1, 'hard': 1},"
	               "{'type': 'RLIMIT_CPU', 'soft': 18446744073709551615, 'hard': 1}]"),
	       "process.rlimits[1].soft: is above the hard limit of RLIMIT_CPU");
	accept(PROCESS("'oomScoreAdj': -1000"));
	refuse(PROCESS("'oomScoreAdj': 1001"), "process.oomScoreAdj: is not within -1000 and 1000");
	refuse(PROCESS("'oomScoreAdj': -1001"),
	       "process.oomScoreAdj: is not within -1000 and 1000");
	accept(PROCESS("'execCPUAffinity': {'initial': '0-3,7', 'final': '1'}"));
	refuse(PROCESS("'execCPUAffinity': {'initial': 'all'}"),
	       "process.execCPUAffinity.initial: \"all\" is no list of CPUs (0-3,7)");
	refuse(PROCESS("'execCPUAffinity': {'final': '0;1'}"),
	       "process.execCPUAffinity.final: \"0;1\" is no list of CPUs (0-3,7)");
}

#define SCHEDULER(members) PROCESS("'scheduler': {'policy': 'SCHED_" members "}")

static void the_scheduler_takes_what_fits_the_policy(void **state unused_parameter)
{
	accept(SCHEDULER("OTHER', 'nice': -20"));
	accept(SCHEDULER("RR', 'priority': 99"));
	accept(SCHEDULER("DEADLINE', 'runtime': 1024, 'deadline': 2000, 'period': 2000"));
	accept(SCHEDULER("DEADLINE', 'runtime': 2000, 'deadline': 2000"));
	refuse(SCHEDULER("OTHER', 'nice': 20"), "process.scheduler.nice: is not within -20 and 19");
	refuse(SCHEDULER("BATCH', 'priority': 1"),
	       "process.scheduler.priority: goes only with SCHED_FIFO and SCHED_RR");
	refuse(SCHEDULER("FIFO'"), "process.scheduler.priority: is not within 1 and 99");
	refuse(SCHEDULER("FIFO', 'priority': 100"),
	       "process.scheduler.priority: is not within 1 and 99");
	refuse(SCHEDULER("FIFO', 'priority': 1, 'period': 1"),
	       "process.scheduler: runtime, deadline and period go only with SCHED_DEADLINE");
	refuse(SCHEDULER("DEADLINE', 'runtime': 3000, 'deadline': 2000, 'period': 2000"),
	       "process.scheduler.runtime: 3000 ns is more than the deadline (2000 ns)");
	refuse(SCHEDULER("DEADLINE', 'runtime': 2000, 'deadline': 3000, 'period': 2500"),
	       "process.scheduler.deadline: 3000 ns is more than the period (2500 ns)");
	refuse(SCHEDULER("DEADLINE', 'runtime': 1000, 'deadline': 2000"),
	       "process.scheduler.runtime: 1000 ns is less than the 1024 ns that the kernel takes");
	refuse(SCHEDULER("DEADLINE', 'runtime': 2000"),
	       "process.scheduler.deadline: is missing, SCHED_DEADLINE needs it");
	refuse(SCHEDULER("DEADLINE'"),
	       "process.scheduler.runtime: is missing, SCHED_DEADLINE needs it");
}

static void a_process_alone_is_checked_the_same_way(void **state unused_parameter)
{
	struct error err = {0};
	scoped_spec good = parse_with(spec_parse_process, "{'cwd': '/', 'args': ['a']}");
	scoped_spec bad = parse_with(spec_parse_process, "{'cwd': '/'}");

	assert_int_equal(spec_validate_process(&good->process, &err), 0);
	assert_int_equal(spec_validate_process(&bad->process, &err), -EINVAL);
	assert_string_equal(err.text, "process.args: is empty");
}

#define NAME_64 "0123456789012345678901234567890123456789012345678901234567890123"

static void names_need_a_uts_namespace(void **state unused_parameter)
{
	refuse(CONFIG("'hostname': 'a'"), "hostname: needs a uts namespace in linux.namespaces");
	refuse(CONFIG("'domainname': 'a'"),
	       "domainname: needs a uts namespace in linux.namespaces");
	accept(CONFIG("'hostname': ''"));
	accept(CONFIG("'hostname': '" NAME_64 "', 'domainname': 'b',"
	              "'linux': {'namespaces': [{'type': 'uts'}]}"));
	accept(CONFIG("'hostname': 'a',"
	              "'linux': {'namespaces': [{'type': 'uts', 'path': '/x'}]}"));
	refuse(CONFIG("'hostname': '" NAME_64 "x', 'linux': {'namespaces': [{'type': 'uts'}]}"),
	       "hostname: is longer than 64 bytes");
}

#define MOUNTS(members) CONFIG("'mounts': [" members "], " MOUNT_NAMESPACE)
#define MAPPING "[{'containerID': 0, 'hostID': 1, 'size': 1}]"

static void mounts_are_checked(void **state unused_parameter)
{
	refuse(CONFIG("'mounts': [{'destination': '/a'}]"),
	       "mounts: need a mount namespace in linux.namespaces");
	accept(MOUNTS("{'destination': '/a'}, {'destination': 'relative'}"));
	refuse(MOUNTS("{'destination': '/a'}, {'destination': ''}"),
	       "mounts[1].destination: is empty");
	accept(MOUNTS("{'destination': '/a', 'uidMappings': " MAPPING ", 'gidMappings': " MAPPING
	              "}"));
	refuse(MOUNTS("{'destination': '/a', 'uidMappings': " MAPPING "}"),
	       "mounts[0].gidMappings: is missing, though the other mappings are there");
	refuse(MOUNTS("{'destination': '/a', 'gidMappings': " MAPPING "}"),
	       "mounts[0].uidMappings: is missing, though the other mappings are there");
	refuse(MOUNTS("{'destination': '/a', 'uidMappings': " MAPPING
	              ", 'gidMappings': [{'containerID': 0, 'hostID': 1, 'size': 0}]}"),
	       "mounts[0].gidMappings[0].size: must not be 0");
}

static void hooks_need_absolute_paths(void **state unused_parameter)
{
	accept(CONFIG("'hooks': {'prestart': [{'path': '/a'}]}"));
	refuse(CONFIG("'hooks': {'prestart': [{'path': '/a'}], 'poststop': [{'path': '/a'},"
	              "{'path': 'bin/b'}]}"),
	       "hooks.poststop[1].path: \"bin/b\" is not absolute");
	refuse(CONFIG("'hooks': {'createRuntime': [{'path': ''}]}"),
	       "hooks.createRuntime[0].path: \"\" is not absolute");
}

static void annotations_need_keys(void **state unused_parameter)
{
	refuse(CONFIG("'annotations': {'': 'x'}"), "annotations: a key is empty");
}

#define USER(members) CONFIG_LINUX("'namespaces': [{'type': 'user'}]" members)

static void mappings_and_the_user_namespace_need_each_other(void **state unused_parameter)
{
	accept(USER(", 'uidMappings': " MAPPING ", 'gidMappings': " MAPPING));
	accept(CONFIG_LINUX("'namespaces': [{'type': 'user', 'path': '/x'}]"));
	refuse(CONFIG_LINUX("'uidMappings': " MAPPING),
	       "linux.uidMappings: needs a user namespace in linux.namespaces");
	refuse(CONFIG_LINUX("'gidMappings': " MAPPING),
	       "linux.gidMappings: needs a user namespace in linux.namespaces");
	refuse(USER(""), "linux.uidMappings: is missing, a new user namespace needs it");
	refuse(USER(", 'uidMappings': " MAPPING),
	       "linux.gidMappings: is missing, a new user namespace needs it");
	refuse(USER(", 'uidMappings': [{'containerID': 0, 'hostID': 4294967295, 'size': 1}],"
	            "'gidMappings': " MAPPING),
	       "linux.uidMappings[0].size: leads beyond the last id");
	refuse(USER(", 'uidMappings': " MAPPING ","
	            "'gidMappings': [{'containerID': 4294967290, 'hostID': 0, 'size': 6}]"),
	       "linux.gidMappings[0].size: leads beyond the last id");
}

static void too_many_mappings_are_refused(void **state unused_parameter)
{
	char text[30000] = "{'ociVersion': '1.0.0', 'root': {'path': '/'}, 'linux': {'namespaces':"
			   "[{'type': 'user'}], 'gidMappings': " MAPPING ", 'uidMappings': [";
	size_t length = strlen(text);

	for (int i = 0; i <= 340; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length,
		                           "%s{'containerID': %d, 'hostID': %d, 'size': 1}",
		                           i ? ", " : "", i, i);
	snprintf(text + length, sizeof(text) - length, "]}}");
	refuse(text, "linux.uidMappings: more than the 340 entries that the kernel takes");
}

static void paths_of_namespaces_are_absolute(void **state unused_parameter)
{
	refuse(CONFIG_LINUX("'namespaces': [{'type': 'ipc', 'path': 'ns/ipc'}]"),
	       "linux.namespaces: the path \"ns/ipc\" of ipc is not absolute");
}

static void time_offsets_need_a_new_time_namespace(void **state unused_parameter)
{
	accept(CONFIG_LINUX("'namespaces': [{'type': 'time'}],"
	                    "'timeOffsets': {'monotonic': {'secs': 1}}"));
	accept(CONFIG_LINUX("'timeOffsets': {}"));
	refuse(CONFIG_LINUX("'timeOffsets': {'monotonic': {'secs': 1}}"),
	       "linux.timeOffsets: needs a time namespace in linux.namespaces");
	refuse(CONFIG_LINUX("'namespaces': [{'type': 'time', 'path': '/x'}],"
	                    "'timeOffsets': {'boottime': {'secs': 1}}"),
	       "linux.timeOffsets: cannot be set in a time namespace that is joined by path");
}

static void files_are_named_by_absolute_paths(void **state unused_parameter)
{
	refuse(CONFIG_LINUX("'devices': [{'type': 'p', 'path': 'dev/a'}]"),
	       "linux.devices[0].path: \"dev/a\" is not absolute");
	refuse(CONFIG_LINUX("'maskedPaths': ['/a']"),
	       "linux.maskedPaths: need a mount namespace in linux.namespaces");
	refuse(CONFIG_LINUX("'readonlyPaths': ['/a']"),
	       "linux.readonlyPaths: need a mount namespace in linux.namespaces");
	refuse(CONFIG_LINUX("'namespaces': [{'type': 'mount'}], 'maskedPaths': ['/a', 'b']"),
	       "linux.maskedPaths[1]: \"b\" is not absolute");
	refuse(CONFIG_LINUX("'namespaces': [{'type': 'mount'}], 'readonlyPaths': ['']"),
	       "linux.readonlyPaths[0]: \"\" is not absolute");
}

static void propagation_is_one_of_its_words(void **state unused_parameter)
{
	static const char *const words[] = {"",       "private",    "rprivate",
	                                    "shared", "rshared",    "slave",
	                                    "rslave", "unbindable", "runbindable"};
	char text[200];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		snprintf(text, sizeof(text), CONFIG_LINUX("'rootfsPropagation': '%s'"), words[i]);
		accept(text);
	}
	refuse(CONFIG_LINUX("'rootfsPropagation': 'public'"),
	       "linux.rootfsPropagation: \"public\" is none of private, shared, slave, unbindable");
}

static void cgroup_paths_stay_where_they_are_put(void **state unused_parameter)
{
	accept(CONFIG_LINUX("'cgroupsPath': '/a..b/c'"));
	accept(CONFIG_LINUX("'cgroupsPath': 'a.slice:b:c'"));
	refuse(CONFIG_LINUX("'cgroupsPath': '/a/../b'"),
	       "linux.cgroupsPath: must not contain \"..\"");
	refuse(CONFIG_LINUX("'cgroupsPath': '..'"), "linux.cgroupsPath: must not contain \"..\"");
}

#define RESOURCES(members) CONFIG_LINUX("'resources': {" members "}")

static void resources_are_checked(void **state unused_parameter)
{
	accept(RESOURCES("'unified': {'memory.high': '1'}, 'hugepageLimits': "
	                 "[{'pageSize': '1GB', 'limit': 0}, {'pageSize': '64KB', 'limit': 0}]"));
	refuse(RESOURCES("'devices': [{'allow': true, 'access': 'rx'}]"),
	       "linux.resources.devices[0].access: \"rx\" is not made of r, w and m");
	refuse(RESOURCES("'hugepageLimits': [{'pageSize': '2M', 'limit': 0}]"),
	       "linux.resources.hugepageLimits[0].pageSize: \"2M\" is no page size (2MB, 1GB)");
	refuse(RESOURCES("'hugepageLimits': [{'pageSize': '2', 'limit': 0}]"),
	       "linux.resources.hugepageLimits[0].pageSize: \"2\" is no page size (2MB, 1GB)");
	refuse(RESOURCES("'hugepageLimits': [{'pageSize': '../MB', 'limit': 0}]"),
	       "linux.resources.hugepageLimits[0].pageSize: \"../MB\" is no page size (2MB, 1GB)");
	refuse(RESOURCES("'unified': {'a/b': '1'}"),
	       "linux.resources.unified[\"a/b\"]: is no name of a file");
	refuse(RESOURCES("'unified': {'..': '1'}"),
	       "linux.resources.unified[\"..\"]: is no name of a file");
	refuse(RESOURCES("'unified': {'': '1'}"),
	       "linux.resources.unified[\"\"]: is no name of a file");
}

static void resources_alone_are_checked_the_same_way(void **state unused_parameter)
{
	struct error err = {0};
	scoped_spec good = parse_with(spec_parse_resources, "{'unified': {'a': '1'}}");
	scoped_spec bad = parse_with(spec_parse_resources, "{'unified': {'a/b': '1'}}");

	assert_int_equal(spec_validate_resources(good, &err), 0);
	assert_int_equal(spec_validate_resources(bad, &err), -EINVAL);
	assert_string_equal(err.text, "linux.resources.unified[\"a/b\"]: is no name of a file");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_configuration_is_accepted),
		cmocka_unit_test(versions_are_semver_and_1),
		cmocka_unit_test(the_root_needs_a_path),
		cmocka_unit_test(a_process_needs_a_directory_and_a_program),
		cmocka_unit_test(limits_of_a_process_are_checked),
		cmocka_unit_test(the_scheduler_takes_what_fits_the_policy),
		cmocka_unit_test(a_process_alone_is_checked_the_same_way),
		cmocka_unit_test(names_need_a_uts_namespace),
		cmocka_unit_test(mounts_are_checked),
		cmocka_unit_test(hooks_need_absolute_paths),
		cmocka_unit_test(annotations_need_keys),
		cmocka_unit_test(mappings_and_the_user_namespace_need_each_other),
		cmocka_unit_test(too_many_mappings_are_refused),
		cmocka_unit_test(paths_of_namespaces_are_absolute),
		cmocka_unit_test(time_offsets_need_a_new_time_namespace),
		cmocka_unit_test(files_are_named_by_absolute_paths),
		cmocka_unit_test(propagation_is_one_of_its_words),
		cmocka_unit_test(cgroup_paths_stay_where_they_are_put),
		cmocka_unit_test(resources_are_checked),
		cmocka_unit_test(resources_alone_are_checked_the_same_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
