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

#include "sandbox/verdict.h"

static const int failed = 1 << 8; /* exit status 1, as waitpid(2) gives it */

static const struct audit no_audit;

static struct verdict decide(int status, enum watch_stop stop, const struct verdict_usage *usage,
                             bool full)
{
	static const struct verdict_usage none;
	const struct watch watch = {.status = status, .stop = stop, .disk_was_full = full};

	return verdict_decide(&watch, usage ? usage : &none, &no_audit);
}

static void an_exit_status_is_its_own_cause(void **state unused_parameter)
{
	assert_int_equal(decide(0, WATCH_NONE, NULL, false).cause, CAUSE_OK);
	assert_int_equal(decide(failed, WATCH_NONE, NULL, false).cause, CAUSE_EXIT);
	assert_int_equal(decide(7 << 8, WATCH_NONE, NULL, false).exit, 7);
}

static void a_signal_gives_128_and_its_number(void **state unused_parameter)
{
	struct verdict verdict = decide(SIGTERM, WATCH_NONE, NULL, false);

	assert_int_equal(verdict.cause, CAUSE_SIGNAL);
	assert_int_equal(verdict.exit, 128 + SIGTERM);
}

static void clocks_exit_with_124(void **state unused_parameter)
{
	assert_int_equal(decide(SIGKILL, WATCH_TIMEOUT, NULL, false).cause, CAUSE_TIMEOUT);
	assert_int_equal(decide(SIGKILL, WATCH_TIMEOUT, NULL, false).exit, SANDBOX_EXIT_TIME);
	assert_int_equal(decide(0, WATCH_SILENT, NULL, false).exit, SANDBOX_EXIT_TIME);
	assert_int_equal(decide(SIGKILL, WATCH_LOG, NULL, false).cause, CAUSE_LOG);
}

static void want_of_memory_explains_a_failure(void **state unused_parameter)
{
	const struct verdict_usage usage = {.stats = {.oom_kills = {true, 1}}};

	assert_int_equal(decide(SIGKILL, WATCH_NONE, &usage, false).cause, CAUSE_OOM);
	assert_int_equal(decide(failed, WATCH_NONE, &usage, true).cause, CAUSE_OOM);
	assert_int_equal(decide(0, WATCH_NONE, &usage, false).cause, CAUSE_OK);
}

static void refused_forks_and_full_disks_explain_a_failure(void **state unused_parameter)
{
	const struct verdict_usage usage = {.pids_refused = {true, 3}};
	const struct verdict_usage unread = {.pids_refused = {false, 3}};

	assert_int_equal(decide(failed, WATCH_NONE, &usage, false).cause, CAUSE_PIDS);
	assert_int_equal(decide(failed, WATCH_NONE, &unread, false).cause, CAUSE_EXIT);
	assert_int_equal(decide(failed, WATCH_NONE, NULL, true).cause, CAUSE_DISK);
	assert_int_equal(decide(0, WATCH_NONE, NULL, true).cause, CAUSE_OK);
}

static void the_filter_kills_with_its_own_signal(void **state unused_parameter)
{
	assert_int_equal(decide(SIGSYS, WATCH_NONE, NULL, false).cause, CAUSE_SECCOMP);
}

/* Where somebody looked, neither a signal of that number nor an exit status hides what the filter did. */
static void an_audit_knows_what_the_filter_killed(void **state unused_parameter)
{
	static const struct verdict_usage none;
	struct audit_table table = {.denied = 5};
	struct audit audit = {.table = &table, .denials = true};
	const struct watch sent = {.status = SIGSYS}, one_failed = {.status = failed}, fine = {0};

	assert_int_equal(verdict_decide(&sent, &none, &audit).cause, CAUSE_SIGNAL);
	assert_int_equal(verdict_decide(&one_failed, &none, &audit).cause, CAUSE_EXIT);
	table.killed = 1;
	assert_int_equal(verdict_decide(&sent, &none, &audit).cause, CAUSE_SECCOMP);
	assert_int_equal(verdict_decide(&one_failed, &none, &audit).cause, CAUSE_SECCOMP);
	assert_int_equal(verdict_decide(&fine, &none, &audit).cause, CAUSE_OK);
	audit.broken = true;
	assert_int_equal(verdict_decide(&sent, &none, &audit).cause, CAUSE_SECCOMP);
	assert_int_equal(verdict_decide(&one_failed, &none, &audit).cause, CAUSE_EXIT);
}

static void a_command_that_cannot_be_run_has_its_own_statuses(void **state unused_parameter)
{
	assert_int_equal(
		verdict_of_failure(ENOENT, "executable file not found in $PATH: \"x\"").exit,
		SANDBOX_EXIT_NOT_FOUND);
	assert_int_equal(verdict_of_failure(EACCES, "open executable \"x\"").exit,
	                 SANDBOX_EXIT_NOT_RUN);
	assert_int_equal(verdict_of_failure(ENOENT, "mount /usr").exit, SANDBOX_EXIT_ERROR);
	assert_int_equal(verdict_of_failure(ENOENT, "mount /usr").cause, CAUSE_SETUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exit_status_is_its_own_cause),
		cmocka_unit_test(a_signal_gives_128_and_its_number),
		cmocka_unit_test(clocks_exit_with_124),
		cmocka_unit_test(want_of_memory_explains_a_failure),
		cmocka_unit_test(refused_forks_and_full_disks_explain_a_failure),
		cmocka_unit_test(the_filter_kills_with_its_own_signal),
		cmocka_unit_test(an_audit_knows_what_the_filter_killed),
		cmocka_unit_test(a_command_that_cannot_be_run_has_its_own_statuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
