#include "cgroups/beside.h"

#include "groups.h"

static char *new_name(void)
{
	static int number;

	return str_format("unit-beside:%ld-%d", (long)getpid(), number++);
}

static struct cgroup *make(const char *name)
{
	struct cgroup *group = NULL;
	struct error err = {0};

	if (beside_make(name, &group, &err) < 0)
		fail_msg("%s", err.text);
	return group;
}

/* In the first process: it has a child of its own, and both end with this process. */
static void fork_one(void)
{
	if (fork() == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void await_count(const struct cgroup *group, size_t wanted)
{
	for (int i = 0; i < 2000; i++) {
		pid_t *pids = NULL;
		size_t count = 0;
		struct error err = {0};

		assert_int_equal(cgroup_pids(group, &pids, &count, &err), 0);
		free(pids);
		if (count == wanted)
			return;
		(void)usleep(1000);
	}
	fail_msg("never %zu processes in the group", wanted);
}

static void one_that_exists_is_refused(void **state)
{
	scoped_str name = new_name();
	scoped_cgroup second = NULL;
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = make(name);

	assert_int_equal(beside_make(name, &second, &err), -EEXIST);
	destroy(group);
}

static void its_lock_tells_whether_its_maker_lives(void **state)
{
	scoped_str name = new_name();
	scoped_cgroup found = NULL;
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = make(name);

	assert_int_equal(beside_find(name, &found, &err), 0);

	pid_t other = fork();
	int status = 0;

	if (other == 0)
		_exit(beside_lock(found) ? 1 : 0);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	cgroup_free(&group);
	assert_true(beside_lock(found));
	destroy(found);
	cgroup_free(&found);
	assert_int_equal(beside_find(name, &found, &err), -ENOENT);
}

/* Its maker dies while a child that was cloned has not executed yet, and so holds all its descriptors. */
static void a_child_of_its_maker_does_not_count(void **state)
{
	scoped_str name = new_name();
	scoped_cgroup found = NULL;
	struct error err = {0};
	int ends[2];

	(void)state;
	need_root();
	assert_int_equal(pipe(ends), 0);

	pid_t maker = fork();

	if (maker == 0) {
		struct cgroup *group = make(name);
		pid_t child = fork();

		if (child != 0)
			_exit(write(ends[1], &child, sizeof(child)) == sizeof(child) ? 0 : 1);
		(void)prctl(PR_SET_NAME, "beside-child");
		for (;;)
			pause();
		cgroup_free(&group);
	}

	pid_t child = 0;

	assert_int_equal(waitpid(maker, NULL, 0), maker);
	assert_int_equal(read(ends[0], &child, sizeof(child)), sizeof(child));
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_int_equal(beside_find(name, &found, &err), 0);
	assert_true(beside_lock(found));
	assert_int_equal(kill(child, SIGKILL), 0);
	destroy(found);
}

static void what_is_released_lives_on_in_our_group(void **state)
{
	char ours[512];
	char theirs[512];
	scoped_str name = new_name();
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = make(name);
	pid_t pid = start(cgroup_dirfd(group), fork_one);

	await_count(group, 2);
	if (beside_release(group, &err) < 0)
		fail_msg("%s", err.text);
	await_count(group, 0);
	assert_int_equal(layout_own_group(0, ours, sizeof(ours), &err), 0);
	assert_int_equal(layout_own_group(pid, theirs, sizeof(theirs), &err), 0);
	assert_string_equal(ours, theirs);
	destroy(group);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
	char name[400];
	scoped_cgroup group = NULL;
	struct error err = {0};

	(void)state;
	need_root();
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(beside_make(name, &group, &err), -ENAMETOOLONG);
	assert_int_equal(beside_find(name, &group, &err), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_exists_is_refused),
		cmocka_unit_test(its_lock_tells_whether_its_maker_lives),
		cmocka_unit_test(a_child_of_its_maker_does_not_count),
		cmocka_unit_test(what_is_released_lives_on_in_our_group),
		cmocka_unit_test(a_name_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
