/* Groups from making to removing, without privilege, from records. Most of it needs root. */
#include "groups.h"

/* --- Life of a group --- */

static void a_group_is_made_used_frozen_thawed_killed_and_removed(void **state)
{
	scoped_cgroup again = NULL;
	struct error err = {0};

	(void)state;

	scoped_cgroup group = new_group();
	pid_t pid = start(cgroup_dirfd(group), nothing);

	assert_true(str_starts(cgroup_locate(group)->path, "/lvm-run-unit-"));
	assert_int_equal(cgroup_is_populated(group, &err), 1);
	assert_int_equal(cgroup_is_frozen(group, &err), 0);
	assert_int_equal(cgroup_freeze(group, PROMPT_MS, &err), 0);
	assert_int_equal(cgroup_is_frozen(group, &err), 1);
	assert_int_equal(cgroup_thaw(group, PROMPT_MS, &err), 0);
	assert_int_equal(cgroup_is_frozen(group, &err), 0);
	assert_int_equal(cgroup_open(cgroup_locate(group), &again, &err), 0);
	assert_int_equal(cgroup_kill(again, &err), 0);
	assert_int_equal(cgroup_wait_empty(again, PROMPT_MS, &err), 0);
	assert_true(WIFSIGNALED(status_of(pid)));
	destroy(again);
	assert_false(exists(group));
	destroy(group); /* already gone */

	scoped_cgroup gone = NULL;

	assert_int_equal(cgroup_open(cgroup_locate(group), &gone, &err), -ENOENT);
	assert_int_equal(err.code, 0);
}

static void killing_reaches_a_frozen_group(void **state)
{
	struct error err = {0};

	(void)state;

	scoped_cgroup group = new_group();
	pid_t pid = start(cgroup_dirfd(group), nothing);

	assert_int_equal(cgroup_freeze(group, PROMPT_MS, &err), 0);
	assert_int_equal(cgroup_kill(group, &err), 0);
	assert_int_equal(cgroup_wait_empty(group, PROMPT_MS, &err), 0);
	assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
	destroy(group);
}

static void a_group_that_does_not_freeze_in_time_runs_again(void **state)
{
	pid_t pids[6];
	struct error err = {0};
	int r = 0;
	char text[8];

	(void)state;

	scoped_cgroup group = new_group();

	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start(cgroup_dirfd(group), spin);
	for (int i = 0; i < 50 && r == 0; i++) {
		r = cgroup_freeze(group, 0, &err);
		if (r == 0)
			assert_int_equal(cgroup_thaw(group, PROMPT_MS, &err), 0);
	}
	assert_int_equal(r, -ETIMEDOUT);
	assert_true(file_read_kernel(cgroup_dirfd(group), "cgroup.freeze", text, sizeof(text),
	                             &err) > 0);
	assert_string_equal(text, "0");
	assert_int_equal(cgroup_kill(group, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		(void)status_of(pids[i]);
	destroy(group);
}

static void signals_reach_processes_in_groups_below(void **state)
{
	struct error err = {0};
	pid_t *pids = NULL;
	size_t count = 0;

	(void)state;

	scoped_cgroup group = new_group();

	assert_int_equal(mkdirat(cgroup_dirfd(group), "below", 0755), 0);

	scoped_fd below = openat(cgroup_dirfd(group), "below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t one = start(cgroup_dirfd(group), nothing);
	pid_t two = start(below, nothing);

	assert_int_equal(cgroup_pids(group, &pids, &count, &err), 0);
	assert_int_equal(count, 2);
	free(pids);
	assert_int_equal(cgroup_signal(group, SIGTERM, &err), 0);
	assert_int_equal(WTERMSIG(status_of(one)), SIGTERM);
	assert_int_equal(WTERMSIG(status_of(two)), SIGTERM);
	destroy(group);
	assert_false(exists(group));
}

static void a_group_in_use_is_not_removed(void **state)
{
	struct error err = {0};

	(void)state;

	scoped_cgroup group = new_group();
	pid_t pid = start(cgroup_dirfd(group), nothing);

	assert_int_equal(cgroup_destroy(group, &err), -EBUSY);
	assert_non_null(strstr(err.text, "1 process is still in it"));
	assert_int_equal(cgroup_kill(group, &err), 0);
	destroy(group); /* waits for the end of it */
	(void)status_of(pid);
}

/* --- Without privilege --- */

/* In a child that is nobody: the step that failed, 0 when none did. */
static int as_nobody(void)
{
	struct spec_resources resources = {
		.unified_count = 1,
		.unified = &(struct spec_annotation){(char *)(uintptr_t) "cgroup.max.depth",
	                                             (char *)(uintptr_t) "3"},
	};
	struct cgroup_request request = request_for("unit-nobody");
	scoped_cgroup without = NULL;
	scoped_cgroup refused = NULL;
	scoped_cgroup limited = NULL;
	struct error err = {0};

	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 1;
	if (cgroup_plan(&request, &without, &err) < 0 || cgroup_create(without, &err) < 0)
		return 2;
	if (cgroup_locate(without)->driver != CGROUP_DRIVER_DISABLED || cgroup_dirfd(without) != -1)
		return 3;
	request.cgroups_path = "unit-nobody";
	if (cgroup_plan(&request, &refused, &err) < 0 || cgroup_create(refused, &err) >= 0)
		return 4;
	request.cgroups_path = NULL;
	request.resources = &resources;
	if (cgroup_plan(&request, &limited, &err) < 0 || cgroup_create(limited, &err) >= 0)
		return 5;
	return 0;
}

static void without_rights_a_group_is_done_without_unless_asked_for(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	need_root();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(as_nobody());
	status = status_of(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- Records --- */

static void locations_that_are_no_groups_are_refused(void **state)
{
	static const struct cgroup_location bad[] = {
		{.mount = "/sys/fs/cgroup", .path = "/"},
		{.mount = "/sys/fs/cgroup", .path = "/../.."},
		{.mount = "/sys/fs/cgroup", .path = "x"},
		{.mount = "/", .path = "/tmp"},
		{.mount = NULL, .path = "/x"},
		{.mount = "/sys", .path = NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		scoped_cgroup group = NULL;
		struct error err = {0};

		assert_int_equal(cgroup_open(&bad[i], &group, &err), -EINVAL);
		assert_int_equal(err.code, EINVAL);
	}
}

static void drivers_have_their_names(void **state)
{
	enum cgroup_driver driver = CGROUP_DRIVER_CGROUPFS;

	(void)state;
	assert_int_equal(cgroup_driver_parse("systemd", &driver), 0);
	assert_int_equal(driver, CGROUP_DRIVER_SYSTEMD);
	assert_int_equal(cgroup_driver_parse("disabled", &driver), 0);
	assert_string_equal(cgroup_driver_name(driver), "disabled");
	assert_int_equal(cgroup_driver_parse("x", &driver), -EINVAL);
}

static void a_disabled_driver_has_no_group_and_refuses_limits(void **state)
{
	struct spec_resources resources = {.pids_limit = {.set = true, .value = 5}};
	struct cgroup_request request = {
		.driver = CGROUP_DRIVER_DISABLED, .id = "x", .resources = &no_resources};
	scoped_cgroup group = NULL;
	scoped_cgroup other = NULL;
	struct error err = {0};

	(void)state;
	assert_int_equal(cgroup_plan(&request, &group, &err), 0);
	assert_int_equal(cgroup_create(group, &err), 0);
	assert_int_equal(cgroup_dirfd(group), -1);
	assert_null(cgroup_locate(group)->path);
	assert_int_equal(cgroup_is_frozen(group, &err), 0);
	assert_int_equal(cgroup_freeze(group, 10, &err), -ENOTSUP);
	assert_int_equal(cgroup_destroy(group, &err), 0);
	request.resources = &resources;
	assert_int_equal(cgroup_plan(&request, &other, &err), -ENOTSUP);
	assert_true(str_starts(err.text, "linux.resources.pids.limit: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_is_made_used_frozen_thawed_killed_and_removed),
		cmocka_unit_test(killing_reaches_a_frozen_group),
		cmocka_unit_test(a_group_that_does_not_freeze_in_time_runs_again),
		cmocka_unit_test(signals_reach_processes_in_groups_below),
		cmocka_unit_test(a_group_in_use_is_not_removed),
		cmocka_unit_test(without_rights_a_group_is_done_without_unless_asked_for),
		cmocka_unit_test(locations_that_are_no_groups_are_refused),
		cmocka_unit_test(drivers_have_their_names),
		cmocka_unit_test(a_disabled_driver_has_no_group_and_refuses_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
