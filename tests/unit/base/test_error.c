#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

static void setting_returns_the_negative_code(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(error_set(&err, EPERM, "mount %s", "/proc"), -EPERM);
	assert_int_equal(err.code, EPERM);
	assert_string_equal(err.text, "mount /proc");
}

static void errno_is_described(void **state)
{
	struct error err = {0};

	(void)state;
	errno = ENOENT;
	assert_int_equal(error_errno(&err, "open %s", "/x"), -ENOENT);
	assert_string_equal(err.text, "open /x: No such file or directory");
	assert_int_equal(error_code(&err, EACCES, "open /y"), -EACCES);
	assert_string_equal(err.text, "open /y: Permission denied");
}

static void wrapping_puts_context_in_front_and_keeps_the_code(void **state)
{
	struct error err = {0};

	(void)state;
	(void)error_code(&err, EPERM, "fsmount");
	assert_int_equal(error_wrap(&err, "mount %s", "/proc"), -EPERM);
	assert_int_equal(error_wrap(&err, "create web1"), -EPERM);
	assert_string_equal(err.text, "create web1: mount /proc: fsmount: Operation not permitted");
}

static void a_text_that_is_too_long_is_cut_and_terminated(void **state)
{
	struct error err = {0};
	char long_text[4 * ERROR_TEXT_SIZE];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	(void)error_code(&err, EIO, "%s", long_text);
	assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
	(void)error_wrap(&err, "context");
	assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
	assert_int_equal(strncmp(err.text, "context: xxx", 12), 0);
}

/* A failure must never be taken for success because somebody lost the code. */
static void a_code_that_is_none_becomes_an_io_error(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(error_set(&err, 0, "x"), -EIO);
	assert_int_equal(error_set(&err, -5, "x"), -EIO);
}

static void every_code_has_a_description(void **state)
{
	(void)state;
	for (int code = 1; code < 4096; code++)
		assert_true(error_describe(code)[0] != '\0');
	assert_string_equal(error_describe(EPERM), "Operation not permitted");
	assert_string_equal(error_describe(EACCES), "Permission denied");
	assert_string_equal(error_describe(ENOENT), "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_returns_the_negative_code),
		cmocka_unit_test(errno_is_described),
		cmocka_unit_test(wrapping_puts_context_in_front_and_keeps_the_code),
		cmocka_unit_test(a_text_that_is_too_long_is_cut_and_terminated),
		cmocka_unit_test(a_code_that_is_none_becomes_an_io_error),
		cmocka_unit_test(every_code_has_a_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
