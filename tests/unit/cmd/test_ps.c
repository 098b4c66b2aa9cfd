#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/ps.h"

static const pid_t pids[] = {12, 345};

static void expect(const char *table, const char *wanted)
{
	scoped_strbuf text = {0};

	assert_int_equal(ps_filter(table, pids, ARRAY_SIZE(pids), &text), 0);
	assert_string_equal(text.data, wanted);
}

static void heading_and_own_lines_stay(void **state unused_parameter)
{
	expect("UID        PID  PPID CMD\nroot         1     0 init\nroot        12     1 sh -c "
	       "345\n"
	       "root       345    12 sleep\nroot      3456    12 sleep\n",
	       "UID        PID  PPID CMD\nroot        12     1 sh -c 345\nroot       345    12 "
	       "sleep\n");
}

static void the_column_may_be_anywhere(void **state unused_parameter)
{
	expect("  PID COMMAND\n   12 a\n   13 b\n", "  PID COMMAND\n   12 a\n");
	expect("STAT\tPID\nS\t345\nS\t12x\n", "STAT\tPID\nS\t345\n");
}

static void short_and_odd_lines_are_dropped(void **state unused_parameter)
{
	expect("A PID\n\n12\nx 99999999999999999999\nx -12\nx 12", "A PID\nx 12\n");
}

static void a_table_without_the_column_is_refused(void **state unused_parameter)
{
	scoped_strbuf text = {0};

	assert_int_equal(ps_filter("PPID COMMAND\n12 a\n", pids, ARRAY_SIZE(pids), &text), -22);
	assert_int_equal(ps_filter("", pids, ARRAY_SIZE(pids), &text), -22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heading_and_own_lines_stay),
		cmocka_unit_test(the_column_may_be_anywhere),
		cmocka_unit_test(short_and_odd_lines_are_dropped),
		cmocka_unit_test(a_table_without_the_column_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
