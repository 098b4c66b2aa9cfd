#include "tests/unit/spec/support.h"

#include <sys/personality.h>

#include "base/macro.h"

static void namespaces_are_set_or_joined(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG_LINUX(
		"'namespaces': [{'type': 'user'}, {'type': 'pid', 'path': '/proc/1/ns/pid'},"
		"{'type': 'network', 'path': ''}, {'type': 'time', 'path': null}]"));
	const struct spec_namespace *n = spec->linux.namespaces;

	assert_true(n[NAMESPACE_USER].set && !n[NAMESPACE_USER].path);
	assert_true(n[NAMESPACE_PID].set);
	assert_string_equal(n[NAMESPACE_PID].path, "/proc/1/ns/pid");
	assert_true(n[NAMESPACE_NETWORK].set && !n[NAMESPACE_NETWORK].path);
	assert_true(n[NAMESPACE_TIME].set && !n[NAMESPACE_TIME].path);
	assert_false(n[NAMESPACE_MOUNT].set || n[NAMESPACE_IPC].set || n[NAMESPACE_UTS].set ||
	             n[NAMESPACE_CGROUP].set);
}

static void every_namespace_name_is_known(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG_LINUX(
		"'namespaces': [{'type': 'user'}, {'type': 'pid'}, {'type': 'network'},"
		"{'type': 'mount'}, {'type': 'ipc'}, {'type': 'uts'}, {'type': 'cgroup'},"
		"{'type': 'time'}]"));

	for (size_t i = 0; i < NAMESPACE_TYPE_COUNT; i++)
		assert_true(spec->linux.namespaces[i].set);
}

static void every_property_is_decoded(void **state unused_parameter)
{
	static const char *const masked[] = {"/a", "/b"}, *const readonly[] = {"/c"};
	scoped_spec spec = parse(CONFIG_LINUX(
		"'uidMappings': [{'containerID': 0, 'hostID': 1000, 'size': 1},"
		"{'containerID': 1, 'hostID': 4294967295, 'size': 65536}],"
		"'gidMappings': [{'containerID': 2, 'hostID': 3, 'size': 4}],"
		"'timeOffsets': {'monotonic': {'secs': -5, 'nanosecs': 999999999},"
		"'boottime': {'secs': 7}},"
		"'cgroupsPath': 'system.slice:lvm:web', 'sysctl': {'net.ipv4.ip_forward': '1'},"
		"'maskedPaths': ['/a', '/b'], 'readonlyPaths': ['/c'],"
		"'rootfsPropagation': 'slave', 'mountLabel': 'm',"
		"'personality': {'domain': 'LINUX32', 'flags': []}"));
	const struct spec_linux *l = &spec->linux;

	assert_int_equal(l->uid_mappings.count, 2);
	assert_int_equal(l->uid_mappings.items[0].host_id, 1000);
	assert_int_equal(l->uid_mappings.items[1].host_id, 4294967295);
	assert_int_equal(l->uid_mappings.items[1].size, 65536);
	assert_int_equal(l->gid_mappings.count, 1);
	assert_int_equal(l->gid_mappings.items[0].container_id, 2);
	assert_true(l->monotonic_offset.set && l->boottime_offset.set);
	assert_int_equal(l->monotonic_offset.seconds, -5);
	assert_int_equal(l->monotonic_offset.nanoseconds, 999999999);
	assert_int_equal(l->boottime_offset.seconds, 7);
	assert_string_equal(l->cgroups_path, "system.slice:lvm:web");
	assert_int_equal(l->sysctl_count, 1);
	assert_string_equal(l->sysctl[0].key, "net.ipv4.ip_forward");
	assert_string_equal(l->sysctl[0].value, "1");
	assert_strings(&l->masked_paths, masked, ARRAY_SIZE(masked));
	assert_strings(&l->readonly_paths, readonly, ARRAY_SIZE(readonly));
	assert_string_equal(l->rootfs_propagation, "slave");
	assert_string_equal(l->mount_label, "m");
	assert_true(l->personality.set);
	assert_int_equal(l->personality.domain, PER_LINUX32);
}

static void devices_are_decoded(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG_LINUX(
		"'devices': [{'type': 'c', 'path': '/dev/fuse', 'major': 10, 'minor': 229,"
		"'fileMode': 438, 'uid': 1, 'gid': 2}, {'type': 'p', 'path': '/dev/pipe'},"
		"{'type': 'b', 'path': '/dev/sda', 'major': 8, 'minor': 0, 'fileMode': 24992}]"));
	const struct spec_device *d = spec->linux.devices;

	assert_int_equal(spec->linux.device_count, 3);
	assert_int_equal(d[0].type, 'c');
	assert_string_equal(d[0].path, "/dev/fuse");
	assert_int_equal(d[0].major, 10);
	assert_int_equal(d[0].minor, 229);
	assert_true(d[0].file_mode.set);
	assert_int_equal(d[0].file_mode.value, 0666);
	assert_int_equal(d[0].uid, 1);
	assert_int_equal(d[0].gid, 2);
	assert_int_equal(d[1].type, 'p');
	assert_false(d[1].file_mode.set);
	/* 060640: the type's bits go */
	assert_int_equal(d[2].file_mode.value, 0640);
}

static void an_absent_section_leaves_nothing_null_that_must_not_be(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG("'linux': null"));
	const struct spec_linux *l = &spec->linux;

	assert_strings(&l->masked_paths, NULL, 0);
	assert_strings(&l->readonly_paths, NULL, 0);
	assert_strings(&l->seccomp.architectures, NULL, 0);
	assert_strings(&l->intel_rdt.schemata, NULL, 0);
	assert_false(l->memory_policy.set || l->intel_rdt.set);
	assert_int_equal(l->net_device_count, 0);
	assert_false(l->seccomp.set || l->personality.set || l->monotonic_offset.set);
	assert_null(l->cgroups_path);
}

static void memory_policy_is_decoded(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG_LINUX(
		"'memoryPolicy': {'mode': 'MPOL_WEIGHTED_INTERLEAVE', 'nodes': '0-1,3',"
		"'flags': ['MPOL_F_STATIC_NODES', 'MPOL_F_NUMA_BALANCING']}"));
	const struct spec_memory_policy *policy = &spec->linux.memory_policy;

	assert_true(policy->set);
	assert_int_equal(policy->mode, MEMORY_MODE_WEIGHTED_INTERLEAVE);
	assert_string_equal(policy->nodes, "0-1,3");
	assert_int_equal(policy->flags, MEMORY_FLAG_STATIC_NODES | MEMORY_FLAG_NUMA_BALANCING);
}

static void network_devices_are_decoded_in_their_order(void **state unused_parameter)
{
	scoped_spec spec =
		parse(CONFIG_LINUX("'netDevices': {'eth1': {'name': 'lan%d'}, 'eth0': {}}"));
	const struct spec_net_device *devices = spec->linux.net_devices;

	assert_int_equal(spec->linux.net_device_count, 2);
	assert_string_equal(devices[0].host, "eth1");
	assert_string_equal(devices[0].name, "lan%d");
	assert_string_equal(devices[1].host, "eth0");
	assert_null(devices[1].name);
}

static void intel_rdt_is_decoded(void **state unused_parameter)
{
	static const char *const lines[] = {"L2:0=f", "MB:0=20"};
	scoped_spec spec =
		parse(CONFIG_LINUX("'intelRdt': {'closID': 'gold', 'l3CacheSchema': 'L3:0=ff', "
	                           "'memBwSchema': 'MB:0=50',"
	                           "'schemata': ['L2:0=f', 'MB:0=20'], 'enableMonitoring': true}"));
	const struct spec_intel_rdt *rdt = &spec->linux.intel_rdt;

	assert_true(rdt->set && rdt->enable_monitoring);
	assert_string_equal(rdt->clos_id, "gold");
	assert_string_equal(rdt->l3_cache_schema, "L3:0=ff");
	assert_string_equal(rdt->memory_bandwidth_schema, "MB:0=50");
	assert_strings(&rdt->schemata, lines, ARRAY_SIZE(lines));
}

static void wrong_values_are_refused_by_path(void **state unused_parameter)
{
	static const struct refusal refusals[] = {
		{CONFIG_LINUX("'namespaces': {}"),
	         "test.json: linux.namespaces: expected an array, got an object"},
		{CONFIG_LINUX("'namespaces': [{'type': 'pid'}, {'type': 'net'}]"),
	         "test.json: linux.namespaces[1].type: expected one of user pid network mount ipc "
	         "uts cgroup time, got \"net\""},
		{CONFIG_LINUX("'namespaces': [{'type': 'pid'}, {'type': 'pid'}]"),
	         "test.json: linux.namespaces[1].type: pid is listed twice"},
		{CONFIG_LINUX("'namespaces': [{'path': '/x'}]"),
	         "test.json: linux.namespaces[0].type: is missing"},
		{CONFIG_LINUX("'memoryPolicy': {'mode': 'MPOL_BEST'}"),
	         "test.json: linux.memoryPolicy.mode: expected one of MPOL_DEFAULT MPOL_BIND "
	         "MPOL_INTERLEAVE MPOL_WEIGHTED_INTERLEAVE MPOL_PREFERRED MPOL_PREFERRED_MANY "
	         "MPOL_LOCAL, got \"MPOL_BEST\""},
		{CONFIG_LINUX("'memoryPolicy': {}"),
	         "test.json: linux.memoryPolicy.mode: is missing"},
		{CONFIG_LINUX("'memoryPolicy': {'mode': 'MPOL_BIND', 'flags': ['MPOL_F_X']}"),
	         "test.json: linux.memoryPolicy.flags[0]: expected one of MPOL_F_NUMA_BALANCING "
	         "MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES, got \"MPOL_F_X\""},
		{CONFIG_LINUX("'netDevices': []"),
	         "test.json: linux.netDevices: expected an object, got an array"},
		{CONFIG_LINUX("'netDevices': {'eth0': {'name': 3}}"),
	         "test.json: linux.netDevices.eth0.name: expected a string, got 3"},
		{CONFIG_LINUX("'intelRdt': {'schemata': 'L3:0=f'}"),
	         "test.json: linux.intelRdt.schemata: expected an array, got \"L3:0=f\""},
		{CONFIG_LINUX("'namespaces': ['pid']"),
	         "test.json: linux.namespaces[0]: expected an object, got \"pid\""},
		{CONFIG_LINUX("'uidMappings': [{'containerID': 0, 'hostID': 0}]"),
	         "test.json: linux.uidMappings[0].size: is missing"},
		{CONFIG_LINUX(
			 "'gidMappings': [{'containerID': 0, 'hostID': 4294967296, 'size': 1}]"),
	         "test.json: linux.gidMappings[0].hostID: expected an integer from 0 to "
	         "4294967295, got 4294967296"},
		{CONFIG_LINUX("'timeOffsets': {'realtime': {'secs': 1}}"),
	         "test.json: linux.timeOffsets.realtime: is no clock with an offset (monotonic, "
	         "boottime)"},
		{CONFIG_LINUX("'timeOffsets': {'boottime': {'nanosecs': 1000000000}}"),
	         "test.json: linux.timeOffsets.boottime.nanosecs: expected an integer from 0 to "
	         "999999999, got 1000000000"},
		{CONFIG_LINUX("'devices': [{'type': 'x', 'path': '/a'}]"),
	         "test.json: linux.devices[0].type: expected one letter of \"cbup\", got \"x\""},
		{CONFIG_LINUX("'devices': [{'type': '', 'path': '/a'}]"),
	         "test.json: linux.devices[0].type: expected one letter of \"cbup\", got \"\""},
		{CONFIG_LINUX("'devices': [{'type': 'c', 'path': '/a', 'major': 1}]"),
	         "test.json: linux.devices[0].minor: is missing"},
		{CONFIG_LINUX("'devices': [{'type': 'c', 'major': 1, 'minor': 1}]"),
	         "test.json: linux.devices[0].path: is missing"},
		{CONFIG_LINUX("'sysctl': {'a.b': 1}"),
	         "test.json: linux.sysctl[\"a.b\"]: expected a string, got 1"},
		{CONFIG_LINUX("'sysctl': ['a']"),
	         "test.json: linux.sysctl: expected an object, got an array"},
		{CONFIG_LINUX("'personality': {'domain': 'BSD'}"),
	         "test.json: linux.personality.domain: expected one of LINUX LINUX32, got \"BSD\""},
		{CONFIG_LINUX("'personality': {'domain': 'LINUX', 'flags': ['x']}"),
	         "test.json: linux.personality.flags: no flag is defined, the list must be empty"},
		{CONFIG_LINUX("'netDevices': []"),
	         "test.json: linux.netDevices: expected an object, got an array"},
	};

	refuse_all(refusals, ARRAY_SIZE(refusals));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_are_set_or_joined),
		cmocka_unit_test(every_namespace_name_is_known),
		cmocka_unit_test(every_property_is_decoded),
		cmocka_unit_test(devices_are_decoded),
		cmocka_unit_test(an_absent_section_leaves_nothing_null_that_must_not_be),
		cmocka_unit_test(memory_policy_is_decoded),
		cmocka_unit_test(network_devices_are_decoded_in_their_order),
		cmocka_unit_test(intel_rdt_is_decoded),
		cmocka_unit_test(wrong_values_are_refused_by_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
