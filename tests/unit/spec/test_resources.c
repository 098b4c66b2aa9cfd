#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define RESOURCES(members) CONFIG_LINUX("'resources': {" members "}")

static void device_rules_are_decoded(void **state unused_parameter)
{
	scoped_spec spec = parse(
		RESOURCES("'devices': [{'allow': false, 'access': 'rwm'},"
	                  "{'allow': true, 'type': 'c', 'major': 1, 'minor': -1, 'access': 'r'},"
	                  "{'allow': true, 'type': '', 'access': ''}]"));
	const struct spec_device_rule *d = spec->linux.resources.devices;

	assert_int_equal(spec->linux.resources.device_count, 3);
	assert_false(d[0].allow);
	assert_int_equal(d[0].type, 'a');
	assert_false(d[0].major.set || d[0].minor.set);
	assert_string_equal(d[0].access, "rwm");
	assert_true(d[1].allow);
	assert_int_equal(d[1].type, 'c');
	assert_int_equal(d[1].major.value, 1);
	assert_true(d[1].minor.set);
	assert_int_equal(d[1].minor.value, -1);
	assert_int_equal(d[2].type, 'a');
	assert_null(d[2].access);
}

static void memory_is_decoded(void **state unused_parameter)
{
	scoped_spec spec = parse(RESOURCES(
		"'memory': {'limit': 9223372036854771712, 'reservation': 2, 'swap': -1,"
		"'kernel': 3, 'kernelTCP': 4, 'swappiness': 60, 'disableOOMKiller': false,"
		"'useHierarchy': true, 'checkBeforeUpdate': true}"));
	const struct spec_memory *m = &spec->linux.resources.memory;

	assert_true(m->limit.set && m->limit.value == INT64_C(9223372036854771712));
	assert_true(m->reservation.set && m->reservation.value == 2);
	assert_true(m->swap.set && m->swap.value == -1);
	assert_true(m->kernel.set && m->kernel.value == 3);
	assert_true(m->kernel_tcp.set && m->kernel_tcp.value == 4);
	assert_true(m->swappiness.set && m->swappiness.value == 60);
	assert_true(m->disable_oom_killer.set && !m->disable_oom_killer.value);
	assert_true(m->use_hierarchy.set && m->use_hierarchy.value);
	assert_true(m->check_before_update.set && m->check_before_update.value);
}

static void cpu_and_pids_are_decoded(void **state unused_parameter)
{
	scoped_spec spec = parse(RESOURCES(
		"'cpu': {'shares': 1024, 'quota': -1, 'burst': 1, 'period': 100000,"
		"'realtimeRuntime': 5, 'realtimePeriod': 6, 'cpus': '0-3', 'mems': '', 'idle': 1},"
		"'pids': {'limit': 0}"));
	const struct spec_cpu *c = &spec->linux.resources.cpu;

	assert_true(c->shares.set && c->shares.value == 1024);
	assert_true(c->quota.set && c->quota.value == -1);
	assert_true(c->burst.set && c->burst.value == 1);
	assert_true(c->period.set && c->period.value == 100000);
	assert_true(c->realtime_runtime.set && c->realtime_runtime.value == 5);
	assert_true(c->realtime_period.set && c->realtime_period.value == 6);
	assert_string_equal(c->cpus, "0-3");
	assert_null(c->mems);
	assert_true(c->idle.set && c->idle.value == 1);
	assert_true(spec->linux.resources.pids_limit.set);
	assert_int_equal(spec->linux.resources.pids_limit.value, 0);
}

static void block_io_is_decoded(void **state unused_parameter)
{
	scoped_spec spec = parse(RESOURCES(
		"'blockIO': {'weight': 10, 'leafWeight': 1000,"
		"'weightDevice': [{'major': 8, 'minor': 0, 'weight': 500, 'leafWeight': 300}],"
		"'throttleReadBpsDevice': [{'major': 8, 'minor': 1, 'rate': 600}],"
		"'throttleWriteBpsDevice': [{'major': 8, 'minor': 2, 'rate': "
		"18446744073709551615}],"
		"'throttleReadIOPSDevice': [{'major': 8, 'minor': 3, 'rate': 7},"
		"{'major': 9, 'minor': 3, 'rate': 8}],"
		"'throttleWriteIOPSDevice': []}"));
	const struct spec_block_io *b = &spec->linux.resources.block_io;

	assert_true(b->weight.set && b->weight.value == 10);
	assert_true(b->leaf_weight.set && b->leaf_weight.value == 1000);
	assert_int_equal(b->weight_device.count, 1);
	assert_int_equal(b->weight_device.items[0].weight.value, 500);
	assert_int_equal(b->weight_device.items[0].leaf_weight.value, 300);
	assert_int_equal(b->throttle_read_bps.items[0].minor, 1);
	assert_int_equal(b->throttle_read_bps.items[0].rate, 600);
	assert_true(b->throttle_write_bps.items[0].rate == UINT64_MAX);
	assert_int_equal(b->throttle_read_iops.count, 2);
	assert_int_equal(b->throttle_read_iops.items[1].major, 9);
	assert_int_equal(b->throttle_write_iops.count, 0);
}

static void the_rest_is_decoded(void **state unused_parameter)
{
	scoped_spec spec =
		parse(RESOURCES("'hugepageLimits': [{'pageSize': '2MB', 'limit': 9}],"
	                        "'network': {'classID': 4294967295, 'priorities': [{'name': "
	                        "'eth0', 'priority': 5}]},"
	                        "'rdma': {'mlx5_1': {'hcaHandles': 3, 'hcaObjects': 10000}},"
	                        "'unified': {'memory.high': '1000', 'pids.max': 'max'}"));
	const struct spec_resources *r = &spec->linux.resources;

	assert_int_equal(r->hugepage_limit_count, 1);
	assert_string_equal(r->hugepage_limits[0].page_size, "2MB");
	assert_int_equal(r->hugepage_limits[0].limit, 9);
	assert_int_equal(r->network_class_id.value, 4294967295);
	assert_int_equal(r->network_priority_count, 1);
	assert_string_equal(r->network_priorities[0].name, "eth0");
	assert_int_equal(r->network_priorities[0].priority, 5);
	assert_int_equal(r->rdma_count, 1);
	assert_string_equal(r->rdma[0].device, "mlx5_1");
	assert_int_equal(r->rdma[0].hca_handles.value, 3);
	assert_int_equal(r->rdma[0].hca_objects.value, 10000);
	assert_int_equal(r->unified_count, 2);
	assert_string_equal(r->unified[1].key, "pids.max");
	assert_string_equal(r->unified[1].value, "max");
}

static void wrong_values_are_refused_by_path(void **state unused_parameter)
{
	static const struct refusal refusals[] = {
		{RESOURCES("'devices': [{'type': 'c'}]"),
	         "test.json: linux.resources.devices[0].allow: is missing"},
		{RESOURCES("'devices': [{'allow': true, 'type': 'u'}]"),
	         "test.json: linux.resources.devices[0].type: expected one letter of \"abc\", got "
	         "\"u\""},
		{RESOURCES("'devices': [{'allow': true, 'major': -2}]"),
	         "test.json: linux.resources.devices[0].major: expected an integer from -1 to "
	         "4294967295, got -2"},
		{RESOURCES("'memory': {'limit': 9223372036854775808}"),
	         "test.json: linux.resources.memory.limit: expected an integer from "
	         "-9223372036854775808 to 9223372036854775807, got 9223372036854775808"},
		{RESOURCES("'memory': {'limit': '64m'}"),
	         "test.json: linux.resources.memory.limit: expected an integer, got \"64m\""},
		{RESOURCES("'cpu': {'shares': -1}"),
	         "test.json: linux.resources.cpu.shares: expected a non-negative integer, got -1"},
		{RESOURCES("'cpu': {'cpus': 3}"),
	         "test.json: linux.resources.cpu.cpus: expected a string, got 3"},
		{RESOURCES("'blockIO': {'weight': 65536}"),
	         "test.json: linux.resources.blockIO.weight: expected an integer from 0 to 65535, "
	         "got 65536"},
		{RESOURCES("'blockIO': {'throttleReadBpsDevice': [{'major': 1, 'rate': 1}]}"),
	         "test.json: linux.resources.blockIO.throttleReadBpsDevice[0].minor: is missing"},
		{RESOURCES("'hugepageLimits': [{'pageSize': '2MB'}]"),
	         "test.json: linux.resources.hugepageLimits[0].limit: is missing"},
		{RESOURCES("'rdma': []"),
	         "test.json: linux.resources.rdma: expected an object, got an array"},
		{RESOURCES("'rdma': {'a': {'hcaHandles': 4294967296}}"),
	         "test.json: linux.resources.rdma.a.hcaHandles: expected an integer from 0 to "
	         "4294967295, got 4294967296"},
		{RESOURCES("'unified': {'a': null}"),
	         "test.json: linux.resources.unified.a: expected a string, got null"},
	};

	refuse_all(refusals, ARRAY_SIZE(refusals));
}

static void resources_alone_are_decoded(void **state unused_parameter)
{
	scoped_spec spec =
		parse_with(spec_parse_resources, "{'pids': {'limit': 7}, 'rdma': {'a': {}}}");
	struct error err = {0};

	assert_int_equal(spec->linux.resources.pids_limit.value, 7);
	assert_false(spec->linux.resources.memory.limit.set);
	assert_false(spec->has_process);
	assert_int_equal(spec->linux.resources.rdma_count, 1);
	assert_int_equal(spec_validate_resources(spec, &err), 0);
	refuse_with(spec_parse_resources, "{'pids': {'limit': 'x'}}",
	            "test.json: linux.resources.pids.limit: expected an integer, got \"x\"");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_rules_are_decoded),
		cmocka_unit_test(memory_is_decoded),
		cmocka_unit_test(cpu_and_pids_are_decoded),
		cmocka_unit_test(block_io_is_decoded),
		cmocka_unit_test(the_rest_is_decoded),
		cmocka_unit_test(wrong_values_are_refused_by_path),
		cmocka_unit_test(resources_alone_are_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
