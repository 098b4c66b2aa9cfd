#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/exit_status.h"

struct child {
	struct process process;
	uint64_t start_time;
};

/* A child that waits until it is let go by a signal, or exits with `code` at once if it is not −1. */
static struct child start(int code)
{
	struct child child = {.process = {.pidfd = -1}};
	struct error err = {0};
	pid_t pid = fork();

	if (pid == 0) {
		if (code >= 0)
			_exit(code);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	child.start_time = process_start_time(pid, NULL);
	assert_int_equal(exit_status_open(pid, child.start_time, &child.process, &err), 0);
	return child;
}

static void reap(struct child *child)
{
	int status;
	struct error err = {0};

	assert_int_equal(process_reap(&child->process, &status, &err), 0);
}

static void the_status_of_a_zombie_is_known(void **state)
{
	struct child child = start(7);
	struct error err = {0};
	int status = -1;

	(void)state;
	assert_int_equal(exit_status_wait(&child.process, child.start_time, 5000, &status, &err),
	                 1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	/* Not that of another process with the same number. */
	assert_false(exit_status_read(&child.process, child.start_time + 1, &status));
	reap(&child);
	process_done(&child.process);
}

static void the_signal_that_ended_it_is_known(void **state)
{
	struct child child = start(-1);
	struct error err = {0};
	int status = -1;

	(void)state;
	assert_int_equal(process_signal(&child.process, SIGKILL, &err), 0);
	assert_int_equal(exit_status_wait(&child.process, child.start_time, 5000, &status, &err),
	                 1);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	reap(&child);
	process_done(&child.process);
}

static void the_status_outlives_the_process(void **state)
{
	struct child child = start(9);
	int status = -1;

	(void)state;
	reap(&child);
	if (!exit_status_read(&child.process, child.start_time, &status)) {
		process_done(&child.process);
		(void)printf("SKIP this kernel has no PIDFD_INFO_EXIT (Linux 6.15)\n");
		skip();
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	process_done(&child.process);
}

static void a_process_that_runs_has_no_status(void **state)
{
	struct child child = start(-1);
	struct error err = {0};
	int status = -1;

	(void)state;
	assert_false(exit_status_read(&child.process, child.start_time, &status));
	assert_int_equal(exit_status_wait(&child.process, child.start_time, 20, &status, &err),
	                 -ETIMEDOUT);
	assert_int_equal(status, -1);
	assert_int_equal(process_signal(&child.process, SIGKILL, &err), 0);
	reap(&child);
	process_done(&child.process);
}

static void another_process_of_that_number_is_none(void **state)
{
	struct process process = {.pidfd = -1};
	struct error err = {0};

	(void)state;
	assert_int_equal(
		exit_status_open(getpid(), process_start_time(getpid(), NULL) + 1, &process, &err),
		-ESRCH);
	assert_int_equal(process.pidfd, -1);
	assert_int_equal(err.code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_of_a_zombie_is_known),
		cmocka_unit_test(the_signal_that_ended_it_is_known),
		cmocka_unit_test(the_status_outlives_the_process),
		cmocka_unit_test(a_process_that_runs_has_no_status),
		cmocka_unit_test(another_process_of_that_number_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
