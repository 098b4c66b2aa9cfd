#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macro.h"
#include "cmd/units.h"

static void expect_bytes(const char *text, int64_t want)
{
	int64_t got = -99;

	if (units_parse_bytes(text, &got) < 0 || got != want)
		fail_msg("%s: %" PRId64, text, got);
}

static void sizes_are_powers_of_1024(void **state)
{
	(void)state;
	expect_bytes("0", 0);
	expect_bytes("-1", -1);
	expect_bytes("4096", 4096);
	expect_bytes("4096b", 4096);
	expect_bytes("50M", 50 << 20);
	expect_bytes("50m", 50 << 20);
	expect_bytes("50MB", 50 << 20);
	expect_bytes("50MiB", 50 << 20);
	expect_bytes("1G", 1 << 30);
	expect_bytes("1.5k", 1536);
	expect_bytes(".5k", 512);
	expect_bytes("2t", INT64_C(2) << 40);
	expect_bytes("9223372036854775807", INT64_MAX);
}

static void what_is_no_size_is_refused(void **state)
{
	static const char *const bad[] = {
		"",      "M",  "-2",   "-5M", "1.5", "1.2.3M", "5Q",  "5 M", " 5M", "5MM",  "5iB",
		"5MiBs", "+5", "0x10", ".",   ".M",  "max",    "5M ", "1e3", "5.b", "\xff",
	};
	int64_t got = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (units_parse_bytes(bad[i], &got) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(units_parse_bytes("9223372036854775808", &got), -ERANGE);
	assert_int_equal(units_parse_bytes("8192P", &got), -ERANGE);
	assert_int_equal(units_parse_bytes("99999999999999999999999", &got), -ERANGE);
	assert_int_equal(got, 77);
}

static void expect_duration(const char *text, uint64_t want)
{
	uint64_t got = 99;

	if (units_parse_duration(text, &got) < 0 || got != want)
		fail_msg("%s: %" PRIu64, text, got);
}

static void durations_are_those_of_go(void **state)
{
	(void)state;
	expect_duration("0", 0);
	expect_duration("0s", 0);
	expect_duration("1ns", 1);
	expect_duration("5us", 5000);
	expect_duration("5\xc2\xb5s", 5000);
	expect_duration("5\xce\xbcs", 5000);
	expect_duration("100ms", 100000000);
	expect_duration("1s", 1000000000);
	expect_duration("1.5s", 1500000000);
	expect_duration(".5s", 500000000);
	expect_duration("1.s", 1000000000);
	expect_duration("2m", UINT64_C(120000000000));
	expect_duration("1h1m1s", UINT64_C(3661000000000));
	expect_duration("1m30s", UINT64_C(90000000000));
	expect_duration("1.0000000001s", 1000000000);
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const bad[] = {"",   "1",   "s",   "-1s", "1 s", "1s ",  " 1s",   "1d",
	                                  ".s", "1sx", "1s1", "1S",  "+1s", "1..s", "1.2.3s"};
	uint64_t got = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (units_parse_duration(bad[i], &got) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(units_parse_duration("9999999h", &got), -ERANGE);
	assert_int_equal(units_parse_duration("2562047h2562047h", &got), -ERANGE);
	assert_int_equal(got, 77);
}

static void sizes_are_shown_short(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0B"},
		{1023, "1023B"},
		{1024, "1.0KiB"},
		{1536, "1.5KiB"},
		{100 << 20, "100MiB"},
		{UINT64_C(3) << 40, "3.0TiB"},
		{UINT64_MAX, "16.0EiB"},
	};
	char text[UNITS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(units_format_bytes(cases[i].bytes, text), cases[i].text);
}

static void a_time_is_written_in_milliseconds_with_a_tenth(void **state)
{
	char text[UNITS_MS_SIZE];

	(void)state;
	assert_string_equal(units_format_ms(0, text), "0.0 ms");
	assert_string_equal(units_format_ms(1999, text), "1.9 ms");
	assert_string_equal(units_format_ms(12345678, text), "12345.6 ms");
	assert_string_equal(units_format_ms(UINT64_MAX, text), "18446744073709551.6 ms");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(what_is_no_size_is_refused),
		cmocka_unit_test(durations_are_those_of_go),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(sizes_are_shown_short),
		cmocka_unit_test(a_time_is_written_in_milliseconds_with_a_tenth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
