#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "cgroups/scope.h"
#include "spec/spec.h"

/* The request for a container of these resources and one annotation; null when it is refused. */
static char *request_for(const char *path, const char *resources, const char *key,
                         const char *value)
{
	scoped_spec spec = NULL;
	scoped_arena arena = {0};
	scoped_strbuf text = {0};
	struct limit_list limits;
	struct unit_path unit;
	struct spec_annotation annotation = {(char *)(uintptr_t)key, (char *)(uintptr_t)value};
	struct error err = {0};

	assert_int_equal(spec_parse_resources("test", resources, strlen(resources), &spec, &err),
	                 0);
	assert_int_equal(limits_plan(&spec->linux.resources, &arena, &limits, &err), 0);
	assert_int_equal(path_of_unit(path, "system.slice", "web1", &arena, &unit, &err), 0);

	struct scope_request request = {
		.id = "web1",
		.unit = &unit,
		.limits = &limits,
		.annotations = &annotation,
		.annotation_count = key ? 1 : 0,
	};

	if (scope_write_start(&request, &text, &err) < 0) {
		assert_true(str_starts(err.text, "annotations."));
		return NULL;
	}
	return strbuf_take(&text);
}

static void expect_property(const char *request, const char *name, const char *type,
                            const char *values)
{
	scoped_str want = str_format("\nproperty=%s %s\n%s", name, type, values);

	if (!strstr(request, want))
		fail_msg("no %s in\n%s", want, request);
}

static void a_scope_is_asked_for_whole(void **state)
{
	static const char want[] = "systemd-start\nbus=system\ntimeout=5000\nunit=p-n.scope\n"
				   "property=Description s\nvalue=lvm-run container web1\n"
				   "property=Slice s\nvalue=a-b.slice\n"
				   "property=Delegate b\nvalue=true\n"
				   "property=CollectMode s\nvalue=inactive-or-failed\n"
				   "property=DefaultDependencies b\nvalue=false\n"
				   "property=CPUAccounting b\nvalue=true\n"
				   "property=MemoryAccounting b\nvalue=true\n"
				   "property=IOAccounting b\nvalue=true\n"
				   "property=TasksAccounting b\nvalue=true\n";
	scoped_str got = request_for("a-b.slice:p:n", "{}", NULL, NULL);

	(void)state;
	assert_string_equal(got, want);
}

static void a_slice_is_neither_moved_nor_delegated(void **state)
{
	scoped_str got = request_for("a.slice:p:a-pod.slice", "{}", NULL, NULL);

	(void)state;
	expect_property(got, "Wants", "as", "value=a.slice\n");
	assert_null(strstr(got, "Delegate"));
	assert_null(strstr(got, "property=Slice"));
}

static void limits_are_properties_too(void **state)
{
	scoped_str got = request_for(
		NULL,
		"{\"memory\":{\"limit\":100,\"swap\":300,\"reservation\":50},\"pids\":{\"limit\":-"
		"1},"
		"\"cpu\":{\"shares\":1024,\"quota\":25000,\"period\":50000,\"cpus\":\"0,9\","
		"\"mems\":\"0\"},\"blockIO\":{\"weight\":10},\"unified\":{\"memory.high\":\"70\","
		"\"memory.zswap.max\":\"9\"}}",
		NULL, NULL);

	(void)state;
	expect_property(got, "MemoryMax", "t", "value=100\n");
	expect_property(got, "MemorySwapMax", "t", "value=200\n");
	expect_property(got, "MemoryLow", "t", "value=50\n");
	expect_property(got, "MemoryHigh", "t", "value=70\n");
	expect_property(got, "MemoryZSwapMax", "t", "value=9\n");
	assert_non_null(strstr(got, "since=253\nproperty=MemoryZSwapMax"));

	/* What is left to the file alone must not date the property that comes next. */
	scoped_str file_alone = request_for(
		NULL, "{\"unified\":{\"memory.zswap.max\":\"9M\"},\"pids\":{\"limit\":5}}", NULL,
		NULL);

	assert_null(strstr(file_alone, "since"));
	expect_property(got, "TasksMax", "t", "value=18446744073709551615\n");
	expect_property(got, "CPUWeight", "t", "value=100\n");
	expect_property(got, "CPUQuotaPerSecUSec", "t", "value=500000\n");
	expect_property(got, "CPUQuotaPeriodUSec", "t", "value=50000\n");
	expect_property(got, "AllowedCPUs", "ay", "value=1\nvalue=2\n");
	expect_property(got, "AllowedMemoryNodes", "ay", "value=1\n");
	expect_property(got, "IOWeight", "t", "value=1\n");
}

static void devices_have_properties_of_their_own(void **state)
{
	scoped_str got = request_for(
		NULL,
		"{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":16,\"weight\":1000}],"
		"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}],"
		"\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":6}],"
		"\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":7}],"
		"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":0}]}}",
		NULL, NULL);

	(void)state;
	expect_property(got, "IODeviceWeight", "a(st)", "value=/dev/block/8:16 10000\n");
	expect_property(got, "IOReadBandwidthMax", "a(st)", "value=/dev/block/8:0 5\n");
	expect_property(got, "IOWriteBandwidthMax", "a(st)", "value=/dev/block/8:0 6\n");
	expect_property(got, "IOReadIOPSMax", "a(st)", "value=/dev/block/8:0 7\n");
	expect_property(got, "IOWriteIOPSMax", "a(st)",
	                "value=/dev/block/8:0 18446744073709551615\n");
}

static void a_change_names_only_what_changes(void **state)
{
	struct limit pids = {.file = "pids.max", .value = "7"};
	struct limit pages = {.file = "hugetlb.2MB.max", .value = "0"};
	struct limit_list list = {.items = &pids, .count = 1};
	scoped_strbuf some = {0};
	scoped_strbuf none = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(scope_write_set(true, "x.scope", &list, &some, &err), 0);
	assert_string_equal(some.data, "systemd-set\nbus=user\ntimeout=5000\nunit=x.scope\n"
	                               "property=TasksMax t\nvalue=7\n");
	list.items = &pages;
	assert_int_equal(scope_write_set(true, "x.scope", &list, &none, &err), 0);
	assert_int_equal(none.length, 0);
}

static void quotas_are_rounded_up_to_steps(void **state)
{
	scoped_str odd = request_for(NULL, "{\"cpu\":{\"quota\":12345}}", NULL, NULL);
	scoped_str none = request_for(NULL, "{\"cpu\":{\"quota\":-1}}", NULL, NULL);
	scoped_str idle = request_for(NULL, "{\"cpu\":{\"idle\":1}}", NULL, NULL);

	(void)state;
	expect_property(odd, "CPUQuotaPerSecUSec", "t", "value=130000\n");
	expect_property(none, "CPUQuotaPerSecUSec", "t", "value=18446744073709551615\n");
	expect_property(idle, "CPUWeight", "t", "value=0\n");
}

static void values_that_only_the_kernel_understands_are_left_to_it(void **state)
{
	scoped_str got = request_for(NULL, "{\"unified\":{\"memory.high\":\"1G\"}}", NULL, NULL);

	(void)state;
	assert_null(strstr(got, "MemoryHigh"));
}

static void annotations_are_properties(void **state)
{
	scoped_str number =
		request_for(NULL, "{}", "org.systemd.property.TimeoutStopUSec", "uint64 7000000");
	scoped_str seconds = request_for(NULL, "{}", "org.systemd.property.TimeoutStopSec", "7");
	scoped_str list = request_for(NULL, "{}", "org.systemd.property.After", "['a', 'b\\n%']");
	scoped_str other = request_for(NULL, "{}", "org.other", "x");

	(void)state;
	expect_property(number, "TimeoutStopUSec", "t", "value=7000000\n");
	expect_property(seconds, "TimeoutStopUSec", "t", "value=7000000\n");
	expect_property(list, "After", "as", "value=a\nvalue=b%0A%25\n");
	assert_null(strstr(other, "org.other"));
}

static void broken_annotations_are_refused(void **state)
{
	(void)state;
	assert_null(request_for(NULL, "{}", "org.systemd.property.TimeoutStopUSec", "seven"));
	assert_null(request_for(NULL, "{}", "org.systemd.property.", "7"));
	assert_null(request_for(NULL, "{}", "org.systemd.property.A b", "7"));
	assert_null(request_for(NULL, "{}", "org.systemd.property.TimeoutStopSec", "'x'"));
}

static void a_stop_names_the_unit(void **state)
{
	scoped_strbuf text = {0};

	(void)state;
	scope_write_stop(true, "a.scope", &text);
	assert_string_equal(text.data, "systemd-stop\nbus=user\ntimeout=5000\nunit=a.scope\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scope_is_asked_for_whole),
		cmocka_unit_test(a_slice_is_neither_moved_nor_delegated),
		cmocka_unit_test(limits_are_properties_too),
		cmocka_unit_test(devices_have_properties_of_their_own),
		cmocka_unit_test(a_change_names_only_what_changes),
		cmocka_unit_test(quotas_are_rounded_up_to_steps),
		cmocka_unit_test(values_that_only_the_kernel_understands_are_left_to_it),
		cmocka_unit_test(annotations_are_properties),
		cmocka_unit_test(broken_annotations_are_refused),
		cmocka_unit_test(a_stop_names_the_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
