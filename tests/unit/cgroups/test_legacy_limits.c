#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/str.h"
#include "cgroups/legacy_limits.h"

static const char everything[] =
	"cpu cpuacct cpuset memory pids blkio hugetlb rdma net_cls net_prio";

/* The list as text, "file=value;…", with a letter for each flag, made from resources in JSON. */
static void expect_list(const char *json, const char *want)
{
	scoped_spec spec = NULL;
	scoped_arena arena = {0};
	scoped_strbuf got = {0};
	struct spec_resources unified;
	struct spec_resources legacy;
	struct limit_list list;
	struct error err = {0};

	if (spec_parse_resources("test", json, strlen(json), &spec, &err) < 0)
		fail_msg("%s: %s", json, err.text);
	legacy_limits_divide(&spec->linux.resources, "", everything, &unified, &legacy);
	if (legacy_limits_plan(&legacy, &arena, &list, &err) < 0)
		fail_msg("%s: %s", json, err.text);
	for (size_t i = 0; i < list.count; i++) {
		const struct limit *limit = &list.items[i];

		strbuf_addf(&got, "%s=%s", limit->file, limit->value);
		if (limit->fallback_file)
			strbuf_addf(&got, "|%s=%s", limit->fallback_file, limit->fallback_value);
		strbuf_addf(&got, "%s%s%s;", limit->flags & LIMIT_IF_PRESENT ? "?" : "",
		            limit->flags & LIMIT_RETRY_LATER ? "~" : "",
		            limit->flags & LIMIT_VERIFY ? "!" : "");
		assert_true(str_starts(limit->file, limit->controller));
		assert_true(str_starts(limit->property, "linux.resources."));
	}
	assert_string_equal(got.data ? got.data : "", want);
	/* Nothing is lost, and nothing is set twice. */
	assert_int_equal(limits_plan(&unified, &arena, &list, &err), 0);
	assert_int_equal(list.count, 0);
}

static void expect_refused(const char *json, const char *text)
{
	scoped_spec spec = NULL;
	scoped_arena arena = {0};
	struct limit_list list;
	struct error err = {0};

	if (spec_parse_resources("test", json, strlen(json), &spec, &err) < 0)
		fail_msg("%s: %s", json, err.text);
	if (legacy_limits_plan(&spec->linux.resources, &arena, &list, &err) >= 0)
		fail_msg("accepted: %s", json);
	if (!str_starts(err.text, text))
		fail_msg("%s: %s", json, err.text);
}

static void absent_values_write_nothing(void **state)
{
	(void)state;
	expect_list("{}", "");
	expect_list("{\"memory\":{\"limit\":0,\"swap\":0,\"kernel\":0},\"cpu\":{\"shares\":0,"
	            "\"quota\":0,\"period\":0,\"realtimeRuntime\":0}}",
	            "");
	expect_list("{\"network\":{\"classID\":0,\"priorities\":[]},\"hugepageLimits\":[]}", "");
}

static void memory_has_its_files(void **state)
{
	(void)state;
	expect_list("{\"memory\":{\"limit\":67108864,\"swap\":134217728,\"reservation\":1048576}}",
	            "memory.limit_in_bytes=67108864~;memory.memsw.limit_in_bytes=134217728~;"
	            "memory.soft_limit_in_bytes=1048576;");
	expect_list("{\"memory\":{\"kernel\":4096,\"kernelTCP\":8192,\"swappiness\":0,"
	            "\"disableOOMKiller\":true,\"useHierarchy\":true}}",
	            "memory.kmem.limit_in_bytes=4096!;memory.kmem.tcp.limit_in_bytes=8192!;"
	            "memory.swappiness=0;memory.oom_control=1;");
	expect_list("{\"memory\":{\"disableOOMKiller\":false}}", "memory.oom_control=0;");
}

static void no_limit_of_memory_is_none_of_swap_either(void **state)
{
	(void)state;
	expect_list("{\"memory\":{\"limit\":-1}}",
	            "memory.limit_in_bytes=-1~;memory.memsw.limit_in_bytes=-1?~;");
	expect_list("{\"memory\":{\"limit\":4096,\"swap\":-1}}",
	            "memory.limit_in_bytes=4096~;memory.memsw.limit_in_bytes=-1?~;");
}

static void memory_that_makes_no_sense_is_refused(void **state)
{
	(void)state;
	expect_refused("{\"memory\":{\"limit\":-2}}", "linux.resources.memory.limit:");
	expect_refused("{\"memory\":{\"limit\":8192,\"swap\":4096}}",
	               "linux.resources.memory.swap:");
	expect_refused("{\"memory\":{\"swap\":4096}}", "linux.resources.memory.swap:");
	expect_refused("{\"memory\":{\"swappiness\":201}}", "linux.resources.memory.swappiness:");
	expect_refused("{\"memory\":{\"useHierarchy\":false}}",
	               "linux.resources.memory.useHierarchy:");
}

static void cpu_time_has_its_files(void **state)
{
	(void)state;
	expect_list("{\"cpu\":{\"shares\":1024,\"quota\":50000,\"period\":100000,\"burst\":1000}}",
	            "cpu.shares=1024;cpu.cfs_burst_us=1000~;cpu.cfs_period_us=100000~;"
	            "cpu.cfs_quota_us=50000~;");
	expect_list("{\"cpu\":{\"quota\":-1}}", "cpu.cfs_quota_us=-1~;");
	expect_list("{\"cpu\":{\"realtimeRuntime\":950000,\"realtimePeriod\":1000000}}",
	            "cpu.rt_period_us=1000000~;cpu.rt_runtime_us=950000~;");
	expect_list("{\"cpu\":{\"idle\":1,\"shares\":512}}", "cpu.idle=1;");
	expect_list("{\"cpu\":{\"idle\":0,\"shares\":512}}", "cpu.idle=0;cpu.shares=512;");
	expect_refused("{\"cpu\":{\"idle\":2}}", "linux.resources.cpu.idle:");
}

static void files_that_both_versions_have_are_written_alike(void **state)
{
	(void)state;
	expect_list("{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\"},\"pids\":{\"limit\":50}}",
	            "cpuset.cpus=0-1;cpuset.mems=0;pids.max=50;");
	expect_list("{\"pids\":{\"limit\":-1}}", "pids.max=max;");
	expect_list("{\"pids\":{\"limit\":0}}", "pids.max=1;");
	expect_list("{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3}}}", "rdma.max=mlx5_1 hca_handle=3;");
	expect_refused("{\"cpu\":{\"cpus\":\"x\"}}", "linux.resources.cpu.cpus:");
}

static void block_devices_have_their_files(void **state)
{
	(void)state;
	expect_list("{\"blockIO\":{\"weight\":100,\"leafWeight\":50}}",
	            "blkio.bfq.weight=100|blkio.weight=100;"
	            "blkio.bfq.leaf_weight=50|blkio.leaf_weight=50;");
	expect_list("{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500}]}}",
	            "blkio.bfq.weight_device=8:0 500|blkio.weight_device=8:0 500;");
	expect_list(
		"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}],"
		"\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":1,\"rate\":601}],"
		"\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":2,\"rate\":602}],"
		"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":3,\"rate\":0}]}}",
		"blkio.throttle.read_bps_device=8:0 600;blkio.throttle.write_bps_device=8:1 601;"
		"blkio.throttle.read_iops_device=8:2 602;blkio.throttle.write_iops_device=8:3 0;");
	expect_refused("{\"blockIO\":{\"weight\":5}}", "linux.resources.blockIO.weight:");
}

static void huge_pages_and_the_network_have_their_files(void **state)
{
	(void)state;
	expect_list("{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304}]}",
	            "hugetlb.2MB.limit_in_bytes=4194304;hugetlb.2MB.rsvd.limit_in_bytes=4194304?;");
	expect_list("{\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\","
	            "\"priority\":500},{\"name\":\"lo\",\"priority\":1000}]}}",
	            "net_cls.classid=1048577;net_prio.ifpriomap=eth0 500;"
	            "net_prio.ifpriomap=lo 1000;");
	expect_refused("{\"hugepageLimits\":[{\"pageSize\":\"../x\",\"limit\":1}]}",
	               "linux.resources.hugepageLimits[0].pageSize:");
	expect_refused("{\"network\":{\"priorities\":[{\"name\":\"a b\",\"priority\":1}]}}",
	               "linux.resources.network.priorities[0].name:");
}

/* Which controllers the limits of each part need, as "v2 list / v1 list". */
static void expect_division(const char *json, const char *unified, const char *legacy,
                            const char *want)
{
	scoped_spec spec = NULL;
	scoped_arena arena = {0};
	scoped_strbuf got = {0};
	struct spec_resources parts[2];
	struct limit_list list;
	struct error err = {0};

	assert_int_equal(spec_parse_resources("test", json, strlen(json), &spec, &err), 0);
	legacy_limits_divide(&spec->linux.resources, unified, legacy, &parts[0], &parts[1]);
	assert_int_equal(limits_plan(&parts[0], &arena, &list, &err), 0);
	for (size_t i = 0; i < list.count; i++)
		strbuf_addf(&got, "%s ", list.items[i].file);
	strbuf_adds(&got, "/");
	assert_int_equal(legacy_limits_plan(&parts[1], &arena, &list, &err), 0);
	for (size_t i = 0; i < list.count; i++)
		strbuf_addf(&got, " %s", list.items[i].file);
	assert_string_equal(got.data, want);
}

static void each_controller_goes_where_it_is_bound(void **state)
{
	static const char json[] =
		"{\"memory\":{\"limit\":4096},\"cpu\":{\"quota\":1000,\"cpus\":\"0\"},"
		"\"pids\":{\"limit\":5},\"unified\":{\"memory.high\":\"max\"}}";

	(void)state;
	expect_division(json, "cpu cpuset memory pids", "",
	                "memory.max cpu.max cpuset.cpus pids.max memory.high /");
	expect_division(json, "cpu memory", "pids cpuset memory",
	                "memory.max cpu.max memory.high / cpuset.cpus pids.max");
	expect_division(
		json, "cpuset", "cpu,cpuacct cpu memory",
		"cpuset.cpus pids.max memory.high / memory.limit_in_bytes cpu.cfs_quota_us");
	/* Bound to neither: it stays, and is refused there by its name. */
	expect_division(json, "", "memory",
	                "cpu.max cpuset.cpus pids.max memory.high / memory.limit_in_bytes");
	expect_division("{\"blockIO\":{\"weight\":100}}", "memory", "blkio", "/ blkio.bfq.weight");
}

static void controllers_have_their_older_names(void **state)
{
	(void)state;
	assert_string_equal(legacy_limits_controller("io"), "blkio");
	assert_string_equal(legacy_limits_controller("memory"), "memory");
	assert_string_equal(legacy_limits_controller("misc"), "misc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_values_write_nothing),
		cmocka_unit_test(memory_has_its_files),
		cmocka_unit_test(no_limit_of_memory_is_none_of_swap_either),
		cmocka_unit_test(memory_that_makes_no_sense_is_refused),
		cmocka_unit_test(cpu_time_has_its_files),
		cmocka_unit_test(files_that_both_versions_have_are_written_alike),
		cmocka_unit_test(block_devices_have_their_files),
		cmocka_unit_test(huge_pages_and_the_network_have_their_files),
		cmocka_unit_test(each_controller_goes_where_it_is_bound),
		cmocka_unit_test(controllers_have_their_older_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
