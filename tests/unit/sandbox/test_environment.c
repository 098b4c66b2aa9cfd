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

#include "sandbox/environment.h"

/* The value of the only entry with this name among all; null: none. */
static const char *find(const struct sandbox_options *options, const char *name)
{
	struct environment environment = {0};
	const char *found = NULL;
	size_t length = strlen(name);

	environment_begin(&environment, options);
	for (const char *entry = environment_next(&environment); entry;
	     entry = environment_next(&environment))
		if (strncmp(entry, name, length) == 0 && entry[length] == '=') {
			assert_null(found);
			found = entry + length + 1;
		}
	return found;
}

static void tokens_stay_outside(void **state unused_parameter)
{
	const struct sandbox_options options = {0};

	setenv("GITHUB_TOKEN", "x", 1);
	setenv("SSH_AUTH_SOCK", "x", 1);
	setenv("LC_TIME", "C", 1);
	assert_null(find(&options, "GITHUB_TOKEN"));
	assert_null(find(&options, "SSH_AUTH_SOCK"));
	assert_string_equal(find(&options, "LC_TIME"), "C");
}

static void names_that_only_begin_like_harmless_ones_are_none(void **state unused_parameter)
{
	assert_true(environment_is_harmless("PATH=/bin"));
	assert_false(environment_is_harmless("PATHS=/bin"));
	assert_false(environment_is_harmless("LD_PRELOAD=x"));
	assert_false(environment_is_harmless("PAT=x"));
}

static void an_option_overrides_and_hands_on(void **state unused_parameter)
{
	char lang[] = "LANG=xx", own[] = "MINE", missing[] = "NOT_SET_ANYWHERE";
	char *env[] = {lang, own, missing, NULL};
	const struct sandbox_options options = {.env = env};

	setenv("LANG", "C", 1);
	setenv("MINE", "here", 1);
	assert_string_equal(find(&options, "LANG"), "xx");
	assert_string_equal(find(&options, "MINE"), "here");
	assert_null(find(&options, "NOT_SET_ANYWHERE"));
}

static void all_is_kept_on_demand(void **state unused_parameter)
{
	const struct sandbox_options options = {.keep_env = true};

	setenv("GITHUB_TOKEN", "x", 1);
	assert_string_equal(find(&options, "GITHUB_TOKEN"), "x");
}

static void a_reproducible_environment_is_fixed(void **state unused_parameter)
{
	const struct sandbox_options options = {.reproducible = true};

	setenv("USER", "somebody", 1);
	setenv("SOURCE_DATE_EPOCH", "5", 1);
	assert_string_equal(find(&options, "USER"), "build");
	assert_string_equal(find(&options, "SOURCE_DATE_EPOCH"), "5");
	unsetenv("SOURCE_DATE_EPOCH");
	assert_string_equal(find(&options, "SOURCE_DATE_EPOCH"), "315532800");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_stay_outside),
		cmocka_unit_test(names_that_only_begin_like_harmless_ones_are_none),
		cmocka_unit_test(an_option_overrides_and_hands_on),
		cmocka_unit_test(all_is_kept_on_demand),
		cmocka_unit_test(a_reproducible_environment_is_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
