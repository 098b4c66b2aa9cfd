#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The init of a new pid namespace and a process that came into it from outside, both children of ours. */
struct pair {
	struct process init;
	pid_t guest;
};

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

/* False where this user may not make a pid namespace. */
static bool start_pair(struct pair *ret)
{
	struct error err = {0};
	pid_t init = -1;

	if (unshare(CLONE_NEWPID) < 0)
		return false;
	init = start_sleeper();
	/* Our children go on being born there. */
	ret->guest = start_sleeper();
	return ret->guest > 0 &&
	       process_open(init, process_start_time(init, NULL), &ret->init, &err) == 0;
}

/* In a process of its own, which can fork no more afterwards. The line that failed, or 0. */
static int end_init_beside_a_zombie(void)
{
	struct pair pair = {.init = {.pidfd = -1}};
	struct error err = {0};

	if (!start_pair(&pair))
		return errno == EPERM ? 255 : __LINE__;
	if (process_wait_ended(&pair.init, 120, &err) != -ETIMEDOUT)
		return __LINE__;
	if (process_signal(&pair.init, SIGKILL, &err) < 0 ||
	    process_wait_ended(&pair.init, 20000, &err) < 0)
		return __LINE__;
	/* The kernel does keep it: all the same. */
	if (process_wait_gone(&pair.init, 0, &err) != -ETIMEDOUT)
		return __LINE__;
	if (waitpid(pair.guest, NULL, 0) != pair.guest ||
	    process_wait_gone(&pair.init, 20000, &err) < 0)
		return __LINE__;
	return 0;
}

static void an_init_whom_only_zombies_keep_has_ended(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(end_init_beside_a_zombie());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 255)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_process_beside_living_ones_ends_by_itself_alone(void **state)
{
	struct process process = {.pid = start_sleeper(), .pidfd = -1};
	struct error err = {0};

	(void)state;
	assert_int_equal(
		process_open(process.pid, process_start_time(process.pid, NULL), &process, &err),
		0);
	assert_int_equal(process_wait_ended(&process, 60, &err), -ETIMEDOUT);
	assert_int_equal(process_signal(&process, SIGKILL, &err), 0);
	assert_int_equal(process_wait_ended(&process, 20000, &err), 0);
	assert_int_equal(waitpid(process.pid, NULL, 0), process.pid);
	process_done(&process);
}

static int count_on(void *context, struct error *err unused_parameter)
{
	(*(int *)context)++;
	return 0;
}

static int refuse(void *context, struct error *err)
{
	return error_set(err, EXDEV, "%s", (const char *)context);
}

static int die(void *context unused_parameter, struct error *err unused_parameter)
{
	return raise(SIGKILL);
}

static void what_a_child_does_changes_nothing_here_and_its_error_is_ours(void **state)
{
	struct error err = {0};
	char why[] = "too far away";
	int number = 7;

	(void)state;
	assert_int_equal(process_in_child(count_on, &number, &err), 0);
	assert_int_equal(number, 7);
	assert_int_equal(err.code, 0);
	assert_int_equal(process_in_child(refuse, why, &err), -EXDEV);
	assert_string_equal(err.text, why);
	assert_int_equal(process_in_child(die, NULL, &err), -EIO);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_init_whom_only_zombies_keep_has_ended),
		cmocka_unit_test(a_process_beside_living_ones_ends_by_itself_alone),
		cmocka_unit_test(what_a_child_does_changes_nothing_here_and_its_error_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
