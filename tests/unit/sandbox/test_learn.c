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

#include "sandbox/learn.h"
#include "sandbox/profile.h"
#include "security/seccomp.h"
#include "security/seccomp_bpf.h"

static const struct audit_table nothing;

static void note(struct audit_table *table, const char *name)
{
	int number = seccomp_call_number(name);

	assert_true(number >= 0 && number < AUDIT_NUMBERS);
	table->made[number] = true;
}

static uint32_t answer(const struct spec_seccomp *section, const char *name, uint64_t first,
                       uint64_t second)
{
	scoped_seccomp_program program = {0};
	const struct seccomp_data data = {
		.nr = seccomp_call_number(name),
		.arch = seccomp_native_architecture(),
		.args = {first, second},
	};
	struct error err;

	if (seccomp_compile(section, &program, &err) < 0)
		fail_msg("%s", err.text);
	return seccomp_bpf_answer(&program, &data);
}

static struct spec_seccomp learn(struct arena *arena, const struct audit_table *table)
{
	const struct profile_options options = {0};
	struct spec_seccomp profile, learned;
	struct error err;

	assert_int_equal(profile_build(arena, &options, &profile, &err), 0);
	profile.listener_path = arena_strdup(arena, "/x");
	profile.ask_allowed = true;
	assert_int_equal(learn_reduce(arena, &profile, table, &learned, &err), 0);
	return learned;
}

static void only_what_was_made_is_allowed(void **state unused_parameter)
{
	scoped_arena arena = {0};
	struct audit_table table = {0};

	note(&table, "read");
	note(&table, "vfork");

	struct spec_seccomp learned = learn(&arena, &table);

	assert_int_equal(answer(&learned, "read", 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&learned, "vfork", 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&learned, "write", 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	assert_int_equal(answer(&learned, "execve", 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

static void what_was_refused_stays_refused_with_its_error(void **state unused_parameter)
{
	scoped_arena arena = {0};
	struct audit_table table = {0};

	note(&table, "ioctl");

	struct spec_seccomp learned = learn(&arena, &table);

	assert_int_equal(answer(&learned, "mount", 0, 0), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(answer(&learned, "ioctl", 0, 0x5401), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&learned, "ioctl", 0, 0x5412), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(answer(&learned, "chmod", 0, 04755), SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(answer(&learned, "chmod", 0, 0755), SECCOMP_RET_ERRNO | ENOSYS);
}

static void what_depends_on_chance_is_always_allowed(void **state unused_parameter)
{
	scoped_arena arena = {0};
	struct spec_seccomp learned = learn(&arena, &nothing);

	assert_int_equal(answer(&learned, "exit_group", 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&learned, "futex", 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&learned, "rt_sigreturn", 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(&learned, "clock_gettime", 0, 0), SECCOMP_RET_ALLOW);
}

static void nobody_listens_to_what_was_learned(void **state unused_parameter)
{
	scoped_arena arena = {0};
	struct spec_seccomp learned = learn(&arena, &nothing);

	assert_null(learned.listener_path);
	assert_false(learned.ask_allowed);
	assert_false(learned.ask_refused);
}

/* What an auditor missed would be missing in the profile. */
static void what_was_not_seen_whole_is_not_written(void **state unused_parameter)
{
	struct audit_table table = {0};
	const struct audit audit = {.table = &table, .broken = true};
	const struct spec_seccomp profile = {.set = true};
	struct error err;

	assert_int_equal(learn_store("/nonexistent/directory/file", &profile, &audit, &err), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_made_is_allowed),
		cmocka_unit_test(what_was_refused_stays_refused_with_its_error),
		cmocka_unit_test(what_depends_on_chance_is_always_allowed),
		cmocka_unit_test(nobody_listens_to_what_was_learned),
		cmocka_unit_test(what_was_not_seen_whole_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
