/*
 * The systemd driver against a script in the helper's place, which does with mkdir and cgroup.procs what
 * systemd would. The real one is met in the virtual machine (tests/vm). Needs root.
 */
#include "groups.h"

/* Each test runs in a child with a mount namespace: /run is a tmpfs with what sd_booted(3) looks for. */
static int in_private_run(int (*body)(void))
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("none", "/run", "tmpfs", 0, "mode=0755") < 0)
			_exit(77);
		_exit(mkdir("/run/systemd", 0755) < 0 ? 99 : body());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check(int (*body)(void))
{
	int r = in_private_run(body);

	if (r == 77) {
		(void)printf("SKIP needs root and a mount namespace\n");
		skip();
	}
	if (r != 0)
		fail_msg("step %d failed", r);
}

static bool boot_systemd(void)
{
	return mkdir("/run/systemd/system", 0755) == 0;
}

/* The script writes each request to /run/requests and then runs `body` with $unit and $pid set. */
static bool install_helper(const char *body)
{
	scoped_fd fd = open("/run/helper", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char mount_point[LAYOUT_PATH_SIZE];
	struct error err;

	if (fd < 0 || layout_find_unified(mount_point, &err) < 0)
		return false;

	scoped_str text = str_format(
		"#!/bin/sh\n"
		"/bin/cat >/run/request; /bin/cat /run/request >>/run/requests\n"
		"unit=$(/bin/sed -n s/^unit=//p /run/request)\n"
		"pid=$(/bin/sed -n '/^property=PIDs au/{n;s/value=//p}' /run/request)\n"
		"slice=$(/bin/sed -n '/^property=Slice s/{n;s/value=//p}' /run/request)\n"
		"read -r service </run/request\n"
		"group=%s/system.slice/$unit\n"
		"%s\n",
		mount_point, body);

	return text && fd_write_all(fd, text, strlen(text)) == 0 &&
	       setenv("LVM_RUN_HELPER", "/run/helper", 1) == 0;
}

static const char like_systemd[] =
	"case $service in\n"
	"systemd-start) /bin/mkdir -p $group && echo $pid >$group/cgroup.procs ;;\n"
	"systemd-stop) /bin/rmdir $group ${group%/*} ;;\n"
	"esac >/dev/null 2>&1\n"
	"echo ok";

static struct cgroup *plan(struct error *err)
{
	static char id[32];
	struct cgroup_request request = {
		.driver = CGROUP_DRIVER_SYSTEMD,
		.id = id,
		.resources = &no_resources,
		.pin_dir = "",
	};
	struct cgroup *group = NULL;

	(void)snprintf(id, sizeof(id), "unit-%ld", (long)getpid());
	return cgroup_plan(&request, &group, err) < 0 ? NULL : group;
}

static size_t count_processes(const struct cgroup *group)
{
	pid_t *pids = NULL;
	size_t count = 999;
	struct error err;

	if (cgroup_pids(group, &pids, &count, &err) == 0)
		free(pids);
	return count;
}

static int live(void)
{
	struct error err = {0};

	if (!boot_systemd() || !install_helper(like_systemd))
		return 1;

	scoped_cgroup group = plan(&err);

	if (!group || !str_starts(cgroup_locate(group)->scope, "lvm-run-unit-"))
		return 2;
	if (cgroup_create(group, &err) < 0 || count_processes(group) != 1)
		return 3;

	pid_t init = start(cgroup_dirfd(group), nothing);

	if (init < 0 || count_processes(group) != 2)
		return 4;
	if (cgroup_settle(group, &err) < 0 || count_processes(group) != 1)
		return 5;
	if (cgroup_kill(group, &err) < 0 || cgroup_wait_empty(group, 5000, &err) < 0 ||
	    waitpid(init, NULL, 0) != init)
		return 6;
	if (cgroup_destroy(group, &err) < 0 || access(group->full, F_OK) == 0)
		return 7;
	/* No placeholder is left behind. */
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 8;
}

static void a_scope_lives_from_placeholder_to_stop(void **state)
{
	(void)state;
	check(live);
}

static int undo(void)
{
	struct error err = {0};

	if (!boot_systemd() || !install_helper(like_systemd))
		return 1;

	scoped_cgroup group = plan(&err);

	if (!group || cgroup_create(group, &err) < 0)
		return 2;
	cgroup_undo(group);
	if (access(group->full, F_OK) == 0)
		return 3;
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 4;
}

static void an_undo_leaves_neither_group_nor_placeholder(void **state)
{
	(void)state;
	check(undo);
}

static int refused(void)
{
	struct error err = {0};

	if (!boot_systemd() || !install_helper("echo error 17 Unit is there already"))
		return 1;

	scoped_cgroup group = plan(&err);

	if (!group || cgroup_create(group, &err) != -EEXIST)
		return 2;
	if (!str_starts(err.text, "systemd: start lvm-run-unit-") ||
	    !str_ends(err.text, ".scope: Unit is there already"))
		return 3;
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 4;
}

static void what_systemd_says_is_passed_on_and_nothing_is_left(void **state)
{
	(void)state;
	check(refused);
}

static int gone_bus(void)
{
	struct error err = {0};

	if (!boot_systemd() || !install_helper(like_systemd))
		return 1;

	scoped_cgroup group = plan(&err);

	if (!group || cgroup_create(group, &err) < 0 || start(cgroup_dirfd(group), nothing) < 0 ||
	    cgroup_settle(group, &err) < 0)
		return 2;
	if (!install_helper("echo error 111 connect: Connection refused"))
		return 3;
	if (cgroup_destroy(group, &err) < 0 || access(group->full, F_OK) == 0)
		return 4;
	*strrchr(group->full, '/') = '\0';
	(void)rmdir(group->full);
	return 0;
}

static void without_a_bus_the_group_is_killed_and_removed_by_hand(void **state)
{
	(void)state;
	check(gone_bus);
}

/* A command was killed between its request and the answer: the scope came when it had gone. */
static int late(void)
{
	struct error err = {0};

	if (!boot_systemd() || !install_helper(like_systemd))
		return 1;

	scoped_cgroup planned = plan(&err);

	if (!planned)
		return 2;

	struct cgroup_location location = *cgroup_locate(planned);
	scoped_cgroup none = NULL;

	if (cgroup_open(&location, &none, &err) != -ENOENT)
		return 3;
	if (!install_helper("echo ok"))
		return 4;
	cgroup_withdraw(&location);

	scoped_str asked = NULL;

	if (file_read(AT_FDCWD, "/run/request", 4096, &asked, NULL, &err) < 0 ||
	    !strstr(asked, "systemd-stop") || !strstr(asked, location.scope))
		return 5;
	return 0;
}

static void a_scope_that_may_still_come_is_withdrawn(void **state)
{
	(void)state;
	check(late);
}

static int misplaced(void)
{
	struct error err = {0};

	if (!boot_systemd() || !install_helper("echo ok"))
		return 1;

	scoped_cgroup group = plan(&err);

	if (!group || cgroup_create(group, &err) != -EIO)
		return 2;
	return strstr(err.text, "was not given the process") ? 0 : 3;
}

static void a_process_that_was_not_moved_is_noticed(void **state)
{
	(void)state;
	check(misplaced);
}

static int not_booted(void)
{
	struct error err = {0};
	scoped_cgroup group = plan(&err);

	return !group && err.code == ENOTSUP && strstr(err.text, "does not run systemd") ? 0 : 1;
}

static void a_host_without_systemd_is_told_before_anything_is_done(void **state)
{
	(void)state;
	check(not_booted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scope_lives_from_placeholder_to_stop),
		cmocka_unit_test(an_undo_leaves_neither_group_nor_placeholder),
		cmocka_unit_test(what_systemd_says_is_passed_on_and_nothing_is_left),
		cmocka_unit_test(without_a_bus_the_group_is_killed_and_removed_by_hand),
		cmocka_unit_test(a_scope_that_may_still_come_is_withdrawn),
		cmocka_unit_test(a_process_that_was_not_moved_is_noticed),
		cmocka_unit_test(a_host_without_systemd_is_told_before_anything_is_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
