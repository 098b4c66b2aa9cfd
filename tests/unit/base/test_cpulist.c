#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpulist.h"
#include "base/macro.h"

static void ranges_become_bits(void **state)
{
	struct cpulist list;

	(void)state;
	assert_int_equal(cpulist_parse("0-3,7,9-11", &list), 0);
	assert_int_equal(list.used, 2);
	assert_int_equal(list.bytes[0], 0x8f);
	assert_int_equal(list.bytes[1], 0x0e);
	assert_int_equal(cpulist_parse(" 1 , 2\n", &list), 0);
	assert_int_equal(list.bytes[0], 0x06);
	assert_int_equal(cpulist_parse("", &list), 0);
	assert_int_equal(list.used, 0);
}

static void groups_of_a_range_are_understood(void **state)
{
	struct cpulist list;

	(void)state;
	assert_int_equal(cpulist_parse("0-7:2/4", &list), 0);
	assert_int_equal(list.bytes[0], 0x33);
}

static void broken_lists_are_refused(void **state)
{
	static const char *const bad[] = {"x",       "-",     "1-",  "-1",    "3-1",   "1,,2",
	                                  ",",       "1,",    "1 2", "1-2-3", "0x1",   "0-7:3/2",
	                                  "0-7:0/2", "0-7:1", "1;2", "+1",    "1-2:/", "0-1:1/0"};
	struct cpulist list;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (cpulist_parse(bad[i], &list) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void the_last_number_fits_and_the_next_does_not(void **state)
{
	struct cpulist list;

	(void)state;
	assert_int_equal(cpulist_parse("8191", &list), 0);
	assert_int_equal(list.used, CPULIST_BYTES);
	assert_int_equal(list.bytes[CPULIST_BYTES - 1], 0x80);
	assert_int_equal(cpulist_parse("8192", &list), -ERANGE);
	assert_int_equal(cpulist_parse("0-99999999999999999999", &list), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_become_bits),
		cmocka_unit_test(groups_of_a_range_are_understood),
		cmocka_unit_test(broken_lists_are_refused),
		cmocka_unit_test(the_last_number_fits_and_the_next_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
