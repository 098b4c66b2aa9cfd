#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

/* Of every number that a system call can return. */
static void the_texts_are_those_of_glibc(void **state unused_parameter)
{
	for (int code = 0; code < 4096; code++) {
		const char *known = strerrordesc_np(code);

		assert_string_equal(error_describe(code), known ? known : "unknown error");
	}
	assert_string_equal(error_describe(-1), "unknown error");
}

/* What engines look for in a runtime's messages. */
static void engines_find_what_they_look_for(void **state unused_parameter)
{
	assert_string_equal(error_describe(ENOENT), "No such file or directory");
	assert_string_equal(error_describe(EACCES), "Permission denied");
	assert_string_equal(error_describe(EPERM), "Operation not permitted");
	assert_string_equal(error_describe(ESRCH), "No such process");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_texts_are_those_of_glibc),
		cmocka_unit_test(engines_find_what_they_look_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
