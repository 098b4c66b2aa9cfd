#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "cgroups/stats_text.h"

static void expect_number(struct optional_u64 got, uint64_t want)
{
	assert_true(got.set);
	assert_true(got.value == want);
}

static void a_number_or_max_is_read(void **state)
{
	static const char *const bad[] = {"",     "\n",   "-1",  "1 2", "x",
	                                  "maxi", "max ", "1.5", " 1",  "99999999999999999999"};

	(void)state;
	expect_number(stats_text_number("0\n"), 0);
	expect_number(stats_text_number("4096"), 4096);
	expect_number(stats_text_number("max\n"), STATS_NO_LIMIT);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(stats_text_number(bad[i]).set);
}

static void a_key_is_found_whole(void **state)
{
	static const char text[] = "usage_usec 12\nuser_usec 7\nnr 1 2\nlast 5";

	(void)state;
	expect_number(stats_text_key(text, "usage_usec"), 12);
	expect_number(stats_text_key(text, "user_usec"), 7);
	expect_number(stats_text_key(text, "last"), 5);
	assert_false(stats_text_key(text, "usec").set);
	assert_false(stats_text_key(text, "user").set);
	assert_false(stats_text_key(text, "nr").set);
	assert_false(stats_text_key("", "x").set);
}

static void entries_keep_their_order(void **state)
{
	scoped_arena arena = {0};
	struct stats_entry *entries;
	size_t count;

	(void)state;
	assert_int_equal(stats_text_entries("anon 1\nfile 22\nbroken\n 4\nbad x\n\nzswap 3", &arena,
	                                    &entries, &count),
	                 0);
	assert_int_equal(count, 3);
	assert_string_equal(entries[0].key, "anon");
	assert_string_equal(entries[1].key, "file");
	assert_true(entries[1].value == 22);
	assert_string_equal(entries[2].key, "zswap");
}

static void devices_are_read(void **state)
{
	scoped_arena arena = {0};
	struct stats_device *devices;
	size_t count;

	(void)state;
	assert_int_equal(stats_text_devices("8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n"
	                                    "8:0 \n"
	                                    "none rbytes=5\n"
	                                    "259:7 wios=9 cost.usage=3\n",
	                                    &arena, &devices, &count),
	                 0);
	assert_int_equal(count, 3);
	assert_int_equal(devices[0].major, 8);
	assert_int_equal(devices[0].minor, 16);
	expect_number(devices[0].read_bytes, 1);
	expect_number(devices[0].write_bytes, 2);
	expect_number(devices[0].reads, 3);
	expect_number(devices[0].writes, 4);
	assert_false(devices[1].read_bytes.set);
	assert_int_equal(devices[2].major, 259);
	assert_false(devices[2].reads.set);
	expect_number(devices[2].writes, 9);
}

static void pressure_is_read(void **state)
{
	struct stats_pressure pressure;

	(void)state;
	stats_text_pressure("some avg10=1.50 avg60=0.07 avg300=100.00 total=12345\n"
	                    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	                    &pressure);
	assert_true(pressure.some.set && pressure.full.set);
	assert_int_equal(pressure.some.avg10, 150);
	assert_int_equal(pressure.some.avg60, 7);
	assert_int_equal(pressure.some.avg300, 10000);
	assert_true(pressure.some.total_us == 12345);
	/* A line of another form is as good as none; the other line's numbers are not taken for it. */
	stats_text_pressure("some avg10=1.5 avg60=0.07 avg300=1.00 total=1\n"
	                    "full avg10=0.00 avg60=0.00\n",
	                    &pressure);
	assert_false(pressure.some.set || pressure.full.set);
	stats_text_pressure("full avg60=0.00 total=4\nsome avg10=1.00 avg300=1.00", &pressure);
	assert_false(pressure.some.set || pressure.full.set);
}

/* blkio.throttle.* of cgroup v1, a file for bytes and one for operations. */
static void devices_of_the_older_version_are_read(void **state)
{
	scoped_arena arena = {0};
	struct stats_device *devices = NULL;
	size_t count = 0;

	(void)state;
	assert_int_equal(stats_text_legacy_devices("8:0 Read 4096\n8:0 Write 512\n8:0 Sync 1\n"
	                                           "8:0 Total 4608\n259:1 Write 7\nTotal 4615\n"
	                                           "x Read 1\n8: Read 1\n8:2 Read x\n",
	                                           true, &arena, &devices, &count),
	                 0);
	assert_int_equal(count, 3);
	assert_true(devices[0].major == 8 && devices[0].minor == 0);
	assert_true(devices[0].read_bytes.value == 4096 && devices[0].write_bytes.value == 512);
	assert_false(devices[0].reads.set);
	assert_true(devices[1].major == 259 && devices[1].write_bytes.value == 7);
	assert_false(devices[1].read_bytes.set || devices[2].read_bytes.set);
	assert_int_equal(stats_text_legacy_devices("259:1 Write 3\n8:16 Read 2\n", false, &arena,
	                                           &devices, &count),
	                 0);
	assert_int_equal(count, 4);
	assert_true(devices[1].writes.value == 3 && devices[1].write_bytes.value == 7);
	assert_true(devices[3].minor == 16 && devices[3].reads.value == 2);
	assert_int_equal(stats_text_legacy_devices("", true, &arena, &devices, &count), 0);
	assert_int_equal(count, 4);
}

static void page_sizes_are_in_file_names(void **state)
{
	char size[8];

	(void)state;
	assert_true(stats_text_page_size("hugetlb.2MB.current", "current", size, sizeof(size)));
	assert_string_equal(size, "2MB");
	assert_false(
		stats_text_page_size("hugetlb.2MB.rsvd.current", "current", size, sizeof(size)));
	assert_false(stats_text_page_size("hugetlb.2MB.max", "current", size, sizeof(size)));
	assert_false(stats_text_page_size("hugetlb..current", "current", size, sizeof(size)));
	assert_false(
		stats_text_page_size("hugetlb.12345678.current", "current", size, sizeof(size)));
	assert_true(stats_text_page_size("hugetlb.1GB.usage_in_bytes", "usage_in_bytes", size,
	                                 sizeof(size)));
	assert_string_equal(size, "1GB");
	assert_false(stats_text_page_size("memory.current", "current", size, sizeof(size)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_or_max_is_read),
		cmocka_unit_test(a_key_is_found_whole),
		cmocka_unit_test(entries_keep_their_order),
		cmocka_unit_test(devices_are_read),
		cmocka_unit_test(devices_of_the_older_version_are_read),
		cmocka_unit_test(pressure_is_read),
		cmocka_unit_test(page_sizes_are_in_file_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
