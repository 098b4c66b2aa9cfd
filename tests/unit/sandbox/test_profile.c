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

#include "base/fd.h"
#include "sandbox/profile.h"
#include "security/seccomp.h"
#include "spec/encode.h"
#include "spec/writer.h"

#define SECTION "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"x\"},\"linux\":%s}"

static struct spec *parse(const struct profile_options *options)
{
	struct json_writer w = {0};
	struct spec *spec = NULL;
	scoped_arena arena = {0};
	struct spec_seccomp profile;
	struct error err;

	assert_int_equal(profile_build(&arena, options, &profile, &err), 0);
	json_writer_object(&w, NULL);
	spec_write_seccomp(&w, "seccomp", &profile);
	json_writer_end(&w);

	scoped_str section = json_writer_take(&w);

	assert_non_null(section);

	scoped_str text = str_format(SECTION, section);

	assert_non_null(text);
	if (spec_parse("config.json", text, strlen(text), &spec, &err) < 0)
		fail_msg("%s", err.text);
	return spec;
}

/* How the first rule for a call without conditions ends it; −1: there is none. */
static int action_of(const struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->linux.seccomp.rule_count; i++) {
		const struct spec_seccomp_rule *rule = &spec->linux.seccomp.rules[i];

		for (size_t n = 0; n < rule->names.count && rule->arg_count == 0; n++)
			if (str_equal(rule->names.items[n], name))
				return (int)rule->action;
	}
	return -1;
}

static void it_is_valid_and_compiles(void **state unused_parameter)
{
	for (int i = 0; i < 4; i++) {
		const struct profile_options options = {.allow_userns = i & 1, .single_id = i & 2};
		scoped_spec spec = parse(&options);
		scoped_seccomp_program program = {0};
		struct error err;

		if (seccomp_compile(&spec->linux.seccomp, &program, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(program.count > 100);
	}
}

static void what_it_does_not_name_is_unknown_to_it(void **state unused_parameter)
{
	const struct profile_options options = {0};
	scoped_spec spec = parse(&options);

	assert_int_equal(spec->linux.seccomp.default_action, SECCOMP_ACTION_ERRNO);
	assert_int_equal(spec->linux.seccomp.default_errno_ret.value, ENOSYS);
	assert_int_equal(action_of(spec, "io_uring_setup"), -1);
	assert_int_equal(action_of(spec, "clone3"), -1);
}

static void namespaces_are_only_for_those_who_ask(void **state unused_parameter)
{
	const struct profile_options plain = {0}, nested = {.allow_userns = true};
	scoped_spec one = parse(&plain);
	scoped_spec two = parse(&nested);

	assert_int_equal(action_of(one, "unshare"), SECCOMP_ACTION_ERRNO);
	assert_int_equal(action_of(one, "mount"), SECCOMP_ACTION_ERRNO);
	assert_int_equal(action_of(two, "unshare"), SECCOMP_ACTION_ALLOW);
	assert_int_equal(action_of(two, "mount"), SECCOMP_ACTION_ALLOW);
	assert_int_equal(action_of(two, "bpf"), SECCOMP_ACTION_ERRNO);
}

/* A rule without conditions overrules all others of its call. */
static void calls_with_conditions_have_no_rule_without(void **state unused_parameter)
{
	static const char *const names[] = {"ioctl", "chmod",  "openat",      "socket",
	                                    "clone", "fchmod", "personality", "mknod"};
	const struct profile_options options = {0};
	scoped_spec spec = parse(&options);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(action_of(spec, names[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_valid_and_compiles),
		cmocka_unit_test(what_it_does_not_name_is_unknown_to_it),
		cmocka_unit_test(namespaces_are_only_for_those_who_ask),
		cmocka_unit_test(calls_with_conditions_have_no_rule_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
