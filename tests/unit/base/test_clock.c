#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/clock.h"

static void the_epoch_and_known_days_are_right(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	assert_string_equal(clock_format(&(struct timespec){0}, text),
	                    "1970-01-01T00:00:00.000000000Z");
	assert_string_equal(clock_format(&(struct timespec){951782399, 5}, text),
	                    "2000-02-28T23:59:59.000000005Z");
	assert_string_equal(clock_format(&(struct timespec){951782400, 999999999}, text),
	                    "2000-02-29T00:00:00.999999999Z");
	assert_string_equal(clock_format(&(struct timespec){4107542400, 0}, text),
	                    "2100-03-01T00:00:00.000000000Z");
}

/* Against the C library, a day and a bit at a time, over two centuries. */
static void it_agrees_with_the_c_library(void **state)
{
	(void)state;
	for (time_t when = 0; when < 6311433600; when += 100003) {
		char text[CLOCK_TEXT_SIZE];
		char expected[64];
		struct tm utc;

		assert_non_null(gmtime_r(&when, &utc));
		assert_true(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000000000Z",
		                     &utc) > 0);
		assert_string_equal(clock_format(&(struct timespec){when, 0}, text), expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_epoch_and_known_days_are_right),
		cmocka_unit_test(it_agrees_with_the_c_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
