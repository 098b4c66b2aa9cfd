#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox/overlay.h"

static void separators_in_a_path_are_escaped(void **state unused_parameter)
{
	scoped_arena arena = {0};

	assert_string_equal(overlay_option(&arena, "lowerdir", "/usr"), "lowerdir=/usr");
	assert_string_equal(overlay_option(&arena, "lowerdir", "/a:b\\c"), "lowerdir=/a\\:b\\\\c");
}

static void what_is_not_there_cannot_be_below_an_overlay(void **state unused_parameter)
{
	assert_false(overlay_possible("/no/such/directory", "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(separators_in_a_path_are_escaped),
		cmocka_unit_test(what_is_not_there_cannot_be_below_an_overlay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
