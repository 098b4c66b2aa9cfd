#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cmd/subprocess.h"

static int run(const char *script, int timeout_ms, struct strbuf *output, int *ret_status)
{
	char shell[] = "sh", option[] = "-c", text[256];
	char *argv[] = {shell, option, text, NULL};
	struct error err = {0};

	assert_true(strlen(script) < sizeof(text));
	memcpy(text, script, strlen(script) + 1);
	return subprocess_capture(argv, timeout_ms, output, ret_status, &err);
}

static void both_outputs_and_the_status_are_collected(void **state unused_parameter)
{
	scoped_strbuf output = {0};
	int status = -1;

	assert_int_equal(run("echo one; echo two >&2; exit 3", 10000, &output, &status), 0);
	assert_string_equal(output.data, "one\ntwo\n");
	assert_int_equal(status, 3);
}

static void standard_input_is_empty(void **state unused_parameter)
{
	scoped_strbuf output = {0};
	int status = -1;

	assert_int_equal(run("cat; echo end", 10000, &output, &status), 0);
	assert_string_equal(output.data, "end\n");
}

static void long_output_is_whole(void **state unused_parameter)
{
	scoped_strbuf output = {0};
	int status = -1;

	assert_int_equal(run("head -c 300000 /dev/zero | tr '\\0' x", 10000, &output, &status), 0);
	assert_int_equal(output.length, 300000);
}

static void a_signal_is_part_of_the_status(void **state unused_parameter)
{
	scoped_strbuf output = {0};
	int status = -1;

	assert_int_equal(run("kill -9 $$", 10000, &output, &status), 0);
	assert_int_equal(status, 128 + 9);
}

static void a_program_that_does_not_end_is_killed(void **state unused_parameter)
{
	scoped_strbuf output = {0};
	struct timespec begin, end;
	int status = -1;

	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(run("exec sleep 100", 100, &output, &status), -ETIMEDOUT);
	assert_int_equal(run("exec >/dev/null 2>&1; exec sleep 100", 100, &output, &status),
	                 -ETIMEDOUT);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - begin.tv_sec < 20);
}

static void a_missing_program_is_named(void **state unused_parameter)
{
	char name[] = "no-such-program-at-all";
	char *argv[] = {name, NULL};
	scoped_strbuf output = {0};
	struct error err = {0};
	int status;

	assert_int_equal(subprocess_capture(argv, 1000, &output, &status, &err), -ENOENT);
	assert_string_equal(err.text, "no-such-program-at-all: executable file not found in $PATH");
}

static void programs_are_found_in_the_path(void **state unused_parameter)
{
	scoped_str path = NULL;
	scoped_str none = NULL;

	assert_true(subprocess_find("sh", &path));
	assert_true(str_ends(path, "/sh"));
	assert_false(subprocess_find("no-such-program-at-all", &none));
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_outputs_and_the_status_are_collected),
		cmocka_unit_test(standard_input_is_empty),
		cmocka_unit_test(long_output_is_whole),
		cmocka_unit_test(a_signal_is_part_of_the_status),
		cmocka_unit_test(a_program_that_does_not_end_is_killed),
		cmocka_unit_test(a_missing_program_is_named),
		cmocka_unit_test(programs_are_found_in_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
