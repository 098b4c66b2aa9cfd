#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/macro.h"
#include "base/str.h"
#include "cgroups/limits.h"

/* The list as text, "file=value;…" in its order, made from a resources object in JSON. */
static void expect_list(const char *json, const char *want)
{
	scoped_spec spec = NULL;
	scoped_arena arena = {0};
	scoped_strbuf got = {0};
	struct limit_list list;
	struct error err = {0};

	if (spec_parse_resources("test", json, strlen(json), &spec, &err) < 0 ||
	    limits_plan(&spec->linux.resources, &arena, &list, &err) < 0)
		fail_msg("%s: %s", json, err.text);
	for (size_t i = 0; i < list.count; i++) {
		const struct limit *limit = &list.items[i];

		strbuf_addf(&got, "%s=%s", limit->file, limit->value);
		if (limit->fallback_file)
			strbuf_addf(&got, "|%s=%s", limit->fallback_file, limit->fallback_value);
		strbuf_adds(&got, ";");
	}
	assert_string_equal(got.data ? got.data : "", want);
}

/* The refusal begins with the property's name. */
static void expect_refused(const char *json, const char *property)
{
	scoped_spec spec = NULL;
	scoped_arena arena = {0};
	struct limit_list list;
	struct error err = {0};

	if (spec_parse_resources("test", json, strlen(json), &spec, &err) < 0)
		fail_msg("%s: %s", json, err.text);
	if (limits_plan(&spec->linux.resources, &arena, &list, &err) >= 0)
		fail_msg("accepted: %s", json);
	if (!str_starts(err.text, property) || err.text[strlen(property)] != ':')
		fail_msg("%s: %s", json, err.text);
}

static void absent_values_write_nothing(void **state)
{
	(void)state;
	expect_list("{}", "");
	expect_list(
		"{\"memory\":{},\"cpu\":{},\"blockIO\":{},\"hugepageLimits\":[],\"unified\":{}}",
		"");
	expect_list("{\"memory\":{\"limit\":0,\"swap\":0,\"reservation\":0}}", "");
	expect_list("{\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0,\"cpus\":\"\",\"mems\":\"\"}}",
	            "");
}

static void memory_values_are_converted(void **state)
{
	(void)state;
	expect_list("{\"memory\":{\"limit\":1048576}}", "memory.max=1048576;");
	expect_list("{\"memory\":{\"limit\":-1}}", "memory.swap.max=max;memory.max=max;");
	expect_list("{\"memory\":{\"reservation\":4096}}", "memory.low=4096;");
	expect_list("{\"memory\":{\"limit\":100,\"swap\":300}}",
	            "memory.swap.max=200;memory.max=100;");
	expect_list("{\"memory\":{\"limit\":100,\"swap\":100}}",
	            "memory.swap.max=0;memory.max=100;");
	expect_list("{\"memory\":{\"limit\":100,\"swap\":-1}}",
	            "memory.swap.max=max;memory.max=100;");
	expect_list("{\"memory\":{\"swap\":-1}}", "memory.swap.max=max;");
}

static void memory_values_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	expect_refused("{\"memory\":{\"swap\":100}}", "linux.resources.memory.swap");
	expect_refused("{\"memory\":{\"limit\":-1,\"swap\":100}}", "linux.resources.memory.swap");
	expect_refused("{\"memory\":{\"limit\":200,\"swap\":100}}", "linux.resources.memory.swap");
	expect_refused("{\"memory\":{\"limit\":200,\"swap\":-2}}", "linux.resources.memory.swap");
	expect_refused("{\"memory\":{\"limit\":-5}}", "linux.resources.memory.limit");
	expect_refused("{\"memory\":{\"reservation\":-5}}", "linux.resources.memory.reservation");
}

static void what_v2_does_not_have_is_refused_by_name(void **state)
{
	(void)state;
	expect_refused("{\"memory\":{\"kernel\":1}}", "linux.resources.memory.kernel");
	expect_refused("{\"memory\":{\"kernelTCP\":1}}", "linux.resources.memory.kernelTCP");
	expect_refused("{\"memory\":{\"swappiness\":60}}", "linux.resources.memory.swappiness");
	expect_refused("{\"memory\":{\"disableOOMKiller\":true}}",
	               "linux.resources.memory.disableOOMKiller");
	expect_refused("{\"memory\":{\"useHierarchy\":false}}",
	               "linux.resources.memory.useHierarchy");
	expect_refused("{\"cpu\":{\"realtimeRuntime\":1}}", "linux.resources.cpu.realtimeRuntime");
	expect_refused("{\"cpu\":{\"realtimePeriod\":1}}", "linux.resources.cpu.realtimePeriod");
	expect_refused("{\"network\":{\"classID\":1}}", "linux.resources.network.classID");
	expect_refused("{\"network\":{\"priorities\":[{\"name\":\"a\",\"priority\":1}]}}",
	               "linux.resources.network.priorities");
	expect_refused("{\"blockIO\":{\"leafWeight\":10}}", "linux.resources.blockIO.leafWeight");
	expect_refused(
		"{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"leafWeight\":10}]}}",
		"linux.resources.blockIO.weightDevice[0]");
}

static void what_v2_always_does_is_accepted(void **state)
{
	(void)state;
	expect_list("{\"memory\":{\"disableOOMKiller\":false,\"useHierarchy\":true,\"kernel\":-1}}",
	            "");
	expect_list("{\"cpu\":{\"realtimeRuntime\":0},\"network\":{\"classID\":0}}", "");
}

static void cpu_values_are_converted(void **state)
{
	(void)state;
	expect_list("{\"cpu\":{\"shares\":1024}}", "cpu.weight=100;");
	expect_list("{\"cpu\":{\"quota\":20000}}", "cpu.max=20000 100000;");
	expect_list("{\"cpu\":{\"quota\":20000,\"period\":50000}}", "cpu.max=20000 50000;");
	expect_list("{\"cpu\":{\"quota\":-1}}", "cpu.max=max 100000;");
	expect_list("{\"cpu\":{\"period\":50000}}", "cpu.max=max 50000;");
	expect_list("{\"cpu\":{\"quota\":20000,\"burst\":1000}}",
	            "cpu.max.burst=1000;cpu.max=20000 100000;");
	expect_list("{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\"}}",
	            "cpuset.cpus=0-1;cpuset.mems=0;");
	expect_list("{\"cpu\":{\"idle\":0,\"shares\":512}}", "cpu.idle=0;cpu.weight=59;");
	expect_list("{\"cpu\":{\"idle\":1,\"shares\":512}}", "cpu.idle=1;");
	expect_refused("{\"cpu\":{\"idle\":2}}", "linux.resources.cpu.idle");
	expect_refused("{\"cpu\":{\"cpus\":\"0-\"}}", "linux.resources.cpu.cpus");
	expect_refused("{\"cpu\":{\"mems\":\"a\"}}", "linux.resources.cpu.mems");
}

static void a_limit_of_no_processes_admits_the_first(void **state)
{
	(void)state;
	expect_list("{\"pids\":{\"limit\":100}}", "pids.max=100;");
	expect_list("{\"pids\":{\"limit\":-1}}", "pids.max=max;");
	expect_list("{\"pids\":{\"limit\":0}}", "pids.max=1;");
	expect_refused("{\"pids\":{\"limit\":-2}}", "linux.resources.pids.limit");
}

static void block_io_values_are_converted(void **state)
{
	(void)state;
	expect_list("{\"blockIO\":{\"weight\":500}}", "io.bfq.weight=500|io.weight=4950;");
	expect_list("{\"blockIO\":{\"weight\":10}}", "io.bfq.weight=10|io.weight=1;");
	expect_list("{\"blockIO\":{\"weight\":1000}}", "io.bfq.weight=1000|io.weight=10000;");
	expect_list("{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":16,\"weight\":100}]}}",
	            "io.bfq.weight=8:16 100|io.weight=8:16 910;");
	expect_list(
		"{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}],"
		"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":16,\"rate\":300}]}}",
		"io.max=8:0 rbps=600;io.max=8:16 wiops=300;");
	expect_list(
		"{\"blockIO\":{\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":0}],"
		"\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":16,\"rate\":3}]}}",
		"io.max=8:0 wbps=max;io.max=8:16 riops=3;");
	expect_refused("{\"blockIO\":{\"weight\":5}}", "linux.resources.blockIO.weight");
	expect_refused("{\"blockIO\":{\"weight\":1001}}", "linux.resources.blockIO.weight");
}

static void huge_pages_are_limited_when_used_and_when_reserved(void **state)
{
	(void)state;
	expect_list("{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":9}]}",
	            "hugetlb.2MB.max=9;hugetlb.2MB.rsvd.max=9;");
	expect_refused("{\"hugepageLimits\":[{\"pageSize\":\"../x\",\"limit\":9}]}",
	               "linux.resources.hugepageLimits[0].pageSize");
	expect_refused("{\"hugepageLimits\":[{\"pageSize\":\"2MiB\",\"limit\":9}]}",
	               "linux.resources.hugepageLimits[0].pageSize");
}

static void rdma_values_are_one_line_a_device(void **state)
{
	(void)state;
	expect_list("{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10000}}}",
	            "rdma.max=mlx5_1 hca_handle=3 hca_object=10000;");
	expect_list("{\"rdma\":{\"mlx5_1\":{\"hcaObjects\":7}}}", "rdma.max=mlx5_1 hca_object=7;");
	expect_refused("{\"rdma\":{\"a b\":{\"hcaObjects\":7}}}", "linux.resources.rdma.a b");
}

static void unified_replaces_typed_values(void **state)
{
	(void)state;
	expect_list("{\"memory\":{\"limit\":100},\"pids\":{\"limit\":5},"
	            "\"unified\":{\"memory.max\":\"200\",\"memory.high\":\"150\"}}",
	            "pids.max=5;memory.max=200;memory.high=150;");
	expect_refused("{\"unified\":{\"../x.y\":\"1\"}}", "linux.resources.unified.../x.y");
	expect_refused("{\"unified\":{\"memory\":\"1\"}}", "linux.resources.unified.memory");
	expect_refused("{\"unified\":{\"cgroup.procs\":\"1\"}}",
	               "linux.resources.unified.cgroup.procs");
	expect_refused("{\"unified\":{\"cgroup.subtree_control\":\"+pids\"}}",
	               "linux.resources.unified.cgroup.subtree_control");
}

static void missing_controllers_are_found(void **state)
{
	static const char json[] = "{\"cpu\":{\"shares\":10,\"cpus\":\"0\"},\"pids\":{\"limit\":5},"
				   "\"unified\":{\"cgroup.max.depth\":\"3\"}}";
	scoped_spec spec = NULL;
	scoped_arena arena = {0};
	struct limit_list list;
	struct error err = {0};

	(void)state;
	assert_int_equal(spec_parse_resources("test", json, strlen(json), &spec, &err), 0);
	assert_int_equal(limits_plan(&spec->linux.resources, &arena, &list, &err), 0);
	assert_null(limits_find_missing(&list, "cpuset cpu io pids"));
	assert_string_equal(limits_find_missing(&list, "cpuset io pids")->property,
	                    "linux.resources.cpu.shares");
	assert_string_equal(limits_find_missing(&list, "cpu pids")->property,
	                    "linux.resources.cpu.cpus");
	assert_string_equal(limits_find_missing(&list, "hugetlb")->controller, "cpu");
}

/* --- Writing, into a folder of ordinary files --- */

struct folder {
	char path[64];
	int fd;
};

static int make_folder(void **state)
{
	static struct folder folder;

	(void)snprintf(folder.path, sizeof(folder.path), "/tmp/lvm-run-limits.XXXXXX");
	if (!mkdtemp(folder.path))
		return -1;
	folder.fd = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &folder;
	return folder.fd < 0 ? -1 : 0;
}

static int remove_folder(void **state)
{
	static const char *const files[] = {"memory.max", "memory.events", "io.weight"};
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlinkat(folder->fd, files[i], 0);
	close(folder->fd);
	return rmdir(folder->path);
}

static void touch(struct folder *folder, const char *name)
{
	int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void apply_writes_lines_fallbacks_and_what_is_there(void **state)
{
	struct limit limits[] = {
		{.property = "a", .file = "memory.max", .value = "one\ntwo\n"},
		{.property = "b",
	         .file = "hugetlb.2MB.rsvd.max",
	         .value = "1",
	         .flags = LIMIT_IF_PRESENT},
		{.property = "c",
	         .file = "io.bfq.weight",
	         .value = "5",
	         .fallback_file = "io.weight",
	         .fallback_value = "7"},
	};
	struct limit_list list = {limits, ARRAY_SIZE(limits)};
	struct folder *folder = *state;
	struct error err = {0};
	char text[64];

	touch(folder, "memory.max");
	touch(folder, "io.weight");
	assert_int_equal(limits_apply(&list, folder->fd, &err), 0);
	assert_true(file_read_kernel(folder->fd, "memory.max", text, sizeof(text), &err) > 0);
	assert_string_equal(text, "onetwo");
	assert_true(file_read_kernel(folder->fd, "io.weight", text, sizeof(text), &err) > 0);
	assert_string_equal(text, "7");
}

static void a_file_that_is_not_there_is_an_error_with_the_property(void **state)
{
	struct limit limits[] = {
		{.property = "linux.resources.x", .file = "memory.zz", .value = "1"}};
	struct limit_list list = {limits, 1};
	struct folder *folder = *state;
	struct error err = {0};

	assert_int_equal(limits_apply(&list, folder->fd, &err), -ENOTSUP);
	assert_string_equal(err.text, "linux.resources.x: this kernel does not offer memory.zz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_values_write_nothing),
		cmocka_unit_test(memory_values_are_converted),
		cmocka_unit_test(memory_values_that_make_no_sense_are_refused),
		cmocka_unit_test(what_v2_does_not_have_is_refused_by_name),
		cmocka_unit_test(what_v2_always_does_is_accepted),
		cmocka_unit_test(cpu_values_are_converted),
		cmocka_unit_test(a_limit_of_no_processes_admits_the_first),
		cmocka_unit_test(block_io_values_are_converted),
		cmocka_unit_test(huge_pages_are_limited_when_used_and_when_reserved),
		cmocka_unit_test(rdma_values_are_one_line_a_device),
		cmocka_unit_test(unified_replaces_typed_values),
		cmocka_unit_test(missing_controllers_are_found),
		cmocka_unit_test_setup_teardown(apply_writes_lines_fallbacks_and_what_is_there,
	                                        make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			a_file_that_is_not_there_is_an_error_with_the_property, make_folder,
			remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
