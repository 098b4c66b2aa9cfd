#include "tests/unit/net/support.h"

#include <sys/stat.h>

#include "base/file.h"
#include "net/forwarding.h"

#define SWITCH "/proc/sys/net/ipv4/conf/lo/forwarding"

/* A wait for what another process does, in steps of 10 ms. */
enum { PATIENCE = 2000, STEP_US = 10000 };

static bool forwards(void)
{
	char value[8] = "";
	struct error err = {0};

	return file_read_kernel(AT_FDCWD, SWITCH, value, sizeof(value), &err) > 0 &&
	       str_equal(value, "1");
}

static bool file_is_there(void)
{
	char path[80];
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "/run/lvm-run/forwarding-%llu-lo",
	               (unsigned long long)st.st_ino);
	return access(path, F_OK) == 0;
}

static int hold_all(struct forwarding *forwarding, struct error *err)
{
	int r = forwarding_hold(forwarding, "lo", err);

	if (r == 0)
		r = forwarding_guard(forwarding, err);
	return r < 0 ? r : forwarding_begin(forwarding, err);
}

static void in_network(child_function *function)
{
	if (geteuid() != 0) {
		print_message("SKIP needs root: locks lie in /run/lvm-run\n");
		skip();
	}
	assert_int_equal(run_child(&(struct child){in_new_network, &function, false}), 0);
}

/* --- Tests --- */

static const char *begins_when_told(void *data unused_parameter)
{
	struct forwarding forwarding = FORWARDING_NONE;
	struct error err = {0};

	TRY(forwarding_hold(&forwarding, "lo", &err));
	TRY(forwarding_hold(&forwarding, "lo", &err));
	EXPECT(forwarding.count == 1);
	TRY(forwarding_guard(&forwarding, &err));
	EXPECT(forwarding.keeper > 0 && file_is_there() && !forwards());
	TRY(forwarding_begin(&forwarding, &err));
	EXPECT(forwards());
	forwarding_done(&forwarding);
	EXPECT(!forwards() && !file_is_there());
	return NULL;
}

static void an_interface_forwards_from_begin_to_done(void **state unused_parameter)
{
	in_network(begins_when_told);
}

static const char *last_one_ends_it(void *data unused_parameter)
{
	struct forwarding first = FORWARDING_NONE, second = FORWARDING_NONE;
	struct error err = {0};

	TRY(hold_all(&first, &err));
	TRY(hold_all(&second, &err));
	EXPECT(second.items[0].lock >= 0);
	forwarding_done(&first);
	EXPECT(forwards() && file_is_there());
	forwarding_done(&second);
	EXPECT(!forwards() && !file_is_there());
	return NULL;
}

static void the_last_holder_sets_it_back(void **state unused_parameter)
{
	in_network(last_one_ends_it);
}

static const char *stays_as_it_was(void *data unused_parameter)
{
	struct forwarding forwarding = FORWARDING_NONE;
	struct error err = {0};

	TRY(file_write_kernel(AT_FDCWD, SWITCH, "1", &err));
	TRY(hold_all(&forwarding, &err));
	EXPECT(forwarding.items[0].lock < 0 && forwarding.keeper <= 0 && !file_is_there());
	forwarding_done(&forwarding);
	EXPECT(forwards());
	return NULL;
}

static void what_forwards_anyway_is_left_alone(void **state unused_parameter)
{
	in_network(stays_as_it_was);
}

static const char *ends_with_its_holder(void *data unused_parameter)
{
	struct forwarding forwarding = FORWARDING_NONE;
	struct error err = {0};
	pid_t pid = fork();

	if (pid == 0) {
		end_child(hold_all(&forwarding, &err) < 0 ? 1 : kill(getpid(), SIGKILL));
	}

	int status = 0;

	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	for (int i = 0; i < PATIENCE && (forwards() || file_is_there()); i++)
		usleep(STEP_US);
	EXPECT(!forwards() && !file_is_there());
	return NULL;
}

static void a_killed_holder_leaves_nothing(void **state unused_parameter)
{
	in_network(ends_with_its_holder);
}

enum { PROCESSES = 4, ROUNDS = 60 };

static int come_and_go(void)
{
	struct error err = {0};

	for (int i = 0; i < ROUNDS; i++) {
		struct forwarding forwarding = FORWARDING_NONE;
		int r = hold_all(&forwarding, &err);
		bool well = r == 0 && forwarding.items[0].lock >= 0 && forwards();

		forwarding_done(&forwarding);
		if (!well)
			return 1;
	}
	return 0;
}

static const char *all_have_it(void *data unused_parameter)
{
	pid_t pids[PROCESSES];
	int failures = 0;

	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			end_child(come_and_go());
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = 0;

		failures += waitpid(pids[i], &status, 0) != pids[i] || status != 0;
	}
	EXPECT(failures == 0);
	EXPECT(!forwards() && !file_is_there());
	return NULL;
}

static void who_comes_while_the_last_one_leaves_has_it_too(void **state unused_parameter)
{
	in_network(all_have_it);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_forwards_from_begin_to_done),
		cmocka_unit_test(the_last_holder_sets_it_back),
		cmocka_unit_test(what_forwards_anyway_is_left_alone),
		cmocka_unit_test(a_killed_holder_leaves_nothing),
		cmocka_unit_test(who_comes_while_the_last_one_leaves_has_it_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
