/* The conversation with the helper, against scripts in its place. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/helper.h"

static char script[64];

static int make_script(void **state)
{
	(void)state;
	(void)snprintf(script, sizeof(script), "/tmp/lvm-run-helper.XXXXXX");

	scoped_fd fd = mkostemp(script, O_CLOEXEC);

	return fd < 0 || fchmod(fd, 0755) < 0 || setenv("LVM_RUN_HELPER", script, 1) < 0 ? -1 : 0;
}

static int remove_script(void **state)
{
	(void)state;
	(void)unsetenv("LVM_RUN_HELPER");
	return unlink(script);
}

static int ask(const char *body, const char *request, int timeout_ms, char **ret, struct error *err)
{
	scoped_fd fd = open(script, O_WRONLY | O_TRUNC | O_CLOEXEC);
	scoped_str text = str_format("#!/bin/sh\n%s\n", body);

	assert_true(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
	fd_close(&fd); /* an open script cannot be run */

	int r = helper_ask(request, timeout_ms, ret, err);

	/* Nobody is left to be reaped. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return r;
}

static void the_request_arrives_and_the_answer_comes_back(void **state)
{
	scoped_str answer = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(ask("echo ok; /bin/cat", "service\nkey=value\n", 5000, &answer, &err), 0);
	assert_string_equal(answer, "service\nkey=value\n");
}

static void a_large_request_and_a_large_answer_pass(void **state)
{
	enum { SIZE = 700000 };
	scoped_str request = malloc(SIZE + 1);
	scoped_str answer = NULL;
	struct error err = {0};

	(void)state;
	memset(request, 'x', SIZE);
	request[SIZE] = '\0';
	assert_int_equal(ask("echo ok; /bin/cat", request, 5000, &answer, &err), 0);
	assert_string_equal(answer, request);
}

static void an_error_keeps_its_number_and_text(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(ask("echo error 17 it is there already", "x\n", 5000, NULL, &err),
	                 -EEXIST);
	assert_string_equal(err.text, "it is there already");
}

static void a_complaint_is_passed_on(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(ask("echo no such library >&2; exit 127", "x\n", 5000, NULL, &err),
	                 -EPROTO);
	assert_string_equal(err.text, "lvm-run-helper: no such library");
}

static void silence_is_an_error(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(ask("exit 0", "x\n", 5000, NULL, &err), -EPROTO);
	assert_string_equal(err.text, "lvm-run-helper ended without an answer");
}

static void a_stalled_helper_is_ended_in_time(void **state)
{
	struct timespec before;
	struct timespec after;
	struct error err = {0};

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(ask("/bin/sleep 60", "x\n", 200, NULL, &err), -ETIMEDOUT);
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec < 5);
	assert_string_equal(err.text, "lvm-run-helper gave no answer within 200 ms");
}

static void it_gets_neither_descriptors_nor_environment(void **state)
{
	scoped_str answer = NULL;
	struct error err = {0};
	int kept = open("/dev/null", O_RDONLY); /* NOLINT: to be inherited */

	(void)state;
	assert_true(kept >= 0);
	assert_int_equal(setenv("SECRET", "x", 1), 0);
	assert_int_equal(
		ask("echo ok; [ -z \"$SECRET\" ] && echo clean; "
	            "for f in 3 4 5 6 7 8 9; do [ -e /proc/self/fd/$f ] && "
	            "[ \"$(/bin/readlink /proc/self/fd/$f)\" = /dev/null ] && echo $f; done; "
	            "exit 0",
	            "x\n", 5000, &answer, &err),
		0);
	assert_string_equal(answer, "clean\n");
	close(kept);
}

static void a_missing_helper_is_named(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(setenv("LVM_RUN_HELPER", "/nowhere/helper", 1), 0);
	assert_int_equal(helper_ask("x\n", 1000, NULL, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/helper"));
}

static void other_programs_are_found_by_a_variable_of_theirs(void **state)
{
	struct error err = {0};
	char *path = NULL;

	(void)state;
	assert_int_equal(setenv("LVM_RUN_INIT", script, 1), 0);
	assert_int_equal(helper_find("lvm-run-init", "LVM_RUN_INIT", &path, &err), 0);
	assert_string_equal(path, script);
	free(path);
	assert_int_equal(setenv("LVM_RUN_INIT", "/nowhere/init", 1), 0);
	assert_int_equal(helper_find("lvm-run-init", "LVM_RUN_INIT", &path, &err), -ENOENT);
	assert_non_null(strstr(err.text, "lvm-run-init is not to be found at /nowhere/init"));
	assert_non_null(strstr(err.text, "LVM_RUN_INIT"));
	(void)unsetenv("LVM_RUN_INIT");
}

static void values_are_encoded(void **state)
{
	scoped_strbuf text = {0};

	(void)state;
	helper_add(&text, "key", "a=b\n%\x7f\xc3\xa4");
	assert_string_equal(text.data, "key=a=b%0A%25%7F\xc3\xa4\n");
}

int main(void)
{
#define with_script(test) cmocka_unit_test_setup_teardown(test, make_script, remove_script)
	const struct CMUnitTest tests[] = {
		with_script(the_request_arrives_and_the_answer_comes_back),
		with_script(a_large_request_and_a_large_answer_pass),
		with_script(an_error_keeps_its_number_and_text),
		with_script(a_complaint_is_passed_on),
		with_script(silence_is_an_error),
		with_script(a_stalled_helper_is_ended_in_time),
		with_script(it_gets_neither_descriptors_nor_environment),
		with_script(a_missing_helper_is_named),
		with_script(other_programs_are_found_by_a_variable_of_theirs),
		cmocka_unit_test(values_are_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
