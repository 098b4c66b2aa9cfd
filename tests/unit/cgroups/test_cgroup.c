/* Real groups on this host's v2 hierarchy, each with a name of its own. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "cgroups/group.h"
#include "cgroups/text.h"

enum { PROMPT_MS = 5000 };

static const struct spec_resources no_resources;

static void need_root(void)
{
	char mount[LAYOUT_PATH_SIZE];
	struct error err = {0};

	if (geteuid() == 0 && layout_find_unified(mount, &err) == 0 && access(mount, W_OK) == 0)
		return;
	(void)printf("SKIP needs root and a writable cgroup v2 hierarchy\n");
	skip();
}

static char *new_id(void)
{
	static int number;

	return str_format("unit-%ld-%d", (long)getpid(), number++);
}

static struct cgroup_request request_for(const char *id)
{
	return (struct cgroup_request){
		.driver = CGROUP_DRIVER_CGROUPFS,
		.id = id,
		.resources = &no_resources,
		.pin_dir = "",
	};
}

static struct cgroup *create(const struct cgroup_request *request)
{
	struct cgroup *group = NULL;
	struct error err = {0};

	if (cgroup_plan(request, &group, &err) < 0 || cgroup_create(group, &err) < 0)
		fail_msg("%s", err.text);
	return group;
}

static void destroy(struct cgroup *group)
{
	struct error err = {0};

	if (cgroup_destroy(group, &err) < 0)
		fail_msg("%s", err.text);
}

/* A process born in the group; it ends with this one. */
static pid_t start(int dirfd, void (*body)(void))
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned int)dirfd,
	};
	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		body();
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void nothing(void)
{
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static int status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool exists(const struct cgroup *group)
{
	scoped_str path =
		str_format("%s%s", cgroup_locate(group)->mount, cgroup_locate(group)->path);

	return access(path, F_OK) == 0;
}

/* --- Life of a group --- */

static void a_group_is_made_used_frozen_thawed_killed_and_removed(void **state)
{
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	scoped_cgroup again = NULL;
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = create(&request);
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
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = create(&request);
	pid_t pid = start(cgroup_dirfd(group), nothing);

	assert_int_equal(cgroup_freeze(group, PROMPT_MS, &err), 0);
	assert_int_equal(cgroup_kill(group, &err), 0);
	assert_int_equal(cgroup_wait_empty(group, PROMPT_MS, &err), 0);
	assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
	destroy(group);
}

static void a_group_that_does_not_freeze_in_time_runs_again(void **state)
{
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	pid_t pids[6];
	struct error err = {0};
	int r = 0;
	char text[8];

	(void)state;
	need_root();

	scoped_cgroup group = create(&request);

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
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	struct error err = {0};
	pid_t *pids = NULL;
	size_t count = 0;

	(void)state;
	need_root();

	scoped_cgroup group = create(&request);

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
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = create(&request);
	pid_t pid = start(cgroup_dirfd(group), nothing);

	assert_int_equal(cgroup_destroy(group, &err), -EBUSY);
	assert_non_null(strstr(err.text, "1 process is still in it"));
	assert_int_equal(cgroup_kill(group, &err), 0);
	destroy(group); /* waits for the end of it */
	(void)status_of(pid);
}

/* --- Groups above it --- */

static void full_path(const char *path, char *ret, size_t size)
{
	char mount[LAYOUT_PATH_SIZE];
	struct error err = {0};

	assert_int_equal(layout_find_unified(mount, &err), 0);
	(void)snprintf(ret, size, "%s%s", mount, path);
}

static bool is_there(const char *path)
{
	char full[512];

	full_path(path, full, sizeof(full));
	return access(full, F_OK) == 0;
}

static void make(const char *path)
{
	char full[512];

	full_path(path, full, sizeof(full));
	assert_int_equal(mkdir(full, 0755), 0);
}

static void unmake(const char *path)
{
	char full[512];

	full_path(path, full, sizeof(full));
	assert_int_equal(rmdir(full), 0);
}

static char noted[512];
static unsigned int notes;

static int note(void *context, const char *made, struct error *err)
{
	(void)context;
	(void)err;
	assert_false(is_there(made));
	(void)snprintf(noted, sizeof(noted), "%s", made);
	notes++;
	return 0;
}

static void the_highest_missing_group_is_noted_before_it_is_made(void **state)
{
	scoped_str id = new_id();
	scoped_str top = str_format("/%s", id);
	scoped_str path = str_format("/%s/one/two/three", id);
	scoped_str missing = str_format("/%s/one", id);
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();
	request.cgroups_path = path;
	request.note = note;
	notes = 0;
	make(top);

	scoped_cgroup group = create(&request);

	assert_int_equal(notes, 1);
	assert_string_equal(noted, missing);
	destroy(group);
	assert_false(is_there(missing));
	unmake(top);
}

static void where_all_above_is_there_nothing_is_noted(void **state)
{
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();
	request.note = note;
	notes = 0;

	scoped_cgroup group = create(&request);

	assert_int_equal(notes, 0);
	destroy(group);
}

/* What a command left that was killed between making a group above its own and marking it. */
static void open_noted(const char *mount, const char *path, const char *made)
{
	struct cgroup_location location = {
		.driver = CGROUP_DRIVER_CGROUPFS, .mount = mount, .path = path, .made = made};
	scoped_cgroup group = NULL;
	struct error err = {0};

	assert_int_equal(cgroup_open(&location, &group, &err), -ENOENT);
}

static void noted_groups_without_a_mark_are_removed(void **state)
{
	char mount[LAYOUT_PATH_SIZE];
	scoped_str id = new_id();
	scoped_str top = str_format("/%s", id);
	scoped_str one = str_format("/%s/one", id);
	scoped_str leaf = str_format("/%s/one/two/leaf", id);
	struct error err = {0};

	(void)state;
	need_root();
	assert_int_equal(layout_find_unified(mount, &err), 0);
	make(top);
	make(one);
	open_noted(mount, leaf, NULL);
	assert_true(is_there(one)); /* nothing says that it is ours */
	open_noted(mount, leaf, one);
	assert_false(is_there(one));
	assert_true(is_there(top));
	unmake(top);
}

static void a_noted_group_that_another_uses_goes_with_that_one(void **state)
{
	char mount[LAYOUT_PATH_SIZE];
	scoped_str id = new_id();
	scoped_str top = str_format("/%s", id);
	scoped_str leaf = str_format("/%s/killed", id);
	scoped_str other = str_format("/%s/other", id);
	struct cgroup_request request = request_for(id);
	struct error err = {0};

	(void)state;
	need_root();
	assert_int_equal(layout_find_unified(mount, &err), 0);
	make(top);
	request.cgroups_path = other;

	scoped_cgroup group = create(&request);

	open_noted(mount, leaf, top);
	assert_true(is_there(other));
	destroy(group);
	assert_false(is_there(top));
}

static void a_note_of_a_group_that_is_not_above_counts_for_nothing(void **state)
{
	char mount[LAYOUT_PATH_SIZE];
	scoped_str id = new_id();
	scoped_str top = str_format("/%s", id);
	scoped_str leaf = str_format("/%s/leaf", id);
	scoped_str part = str_format("/%.3s", id);
	struct error err = {0};

	(void)state;
	need_root();
	assert_int_equal(layout_find_unified(mount, &err), 0);
	make(top);
	open_noted(mount, leaf, part);
	open_noted(mount, leaf, "/");
	assert_true(is_there(top));
	unmake(top);
}

static void deeply_nested_groups_are_removed(void **state)
{
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();

	scoped_cgroup group = create(&request);
	scoped_fd at = openat(cgroup_dirfd(group), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 300; i++) {
		assert_int_equal(mkdirat(at, "beside", 0755), 0);
		assert_int_equal(mkdirat(at, "deeper", 0755), 0);

		int next = openat(at, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(next >= 0);
		close(at);
		at = next;
	}
	destroy(group);
	assert_false(exists(group));
}

/* --- What was there before --- */

static void an_empty_group_is_used_and_survives_an_undo(void **state)
{
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();

	scoped_cgroup first = create(&request);
	scoped_cgroup second = create(&request);

	cgroup_undo(second);
	assert_true(exists(first));
	destroy(second);
	assert_false(exists(first));
}

static void expect_refused(const struct cgroup_request *request, const char *why)
{
	scoped_cgroup group = NULL;
	struct error err = {0};

	assert_int_equal(cgroup_plan(request, &group, &err), 0);
	assert_int_equal(cgroup_create(group, &err), -EBUSY);
	if (!strstr(err.text, why))
		fail_msg("%s", err.text);
	assert_true(exists(group));
}

static void a_populated_group_is_refused(void **state)
{
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = create(&request);
	pid_t pid = start(cgroup_dirfd(group), nothing);

	expect_refused(&request, "is in use");
	assert_int_equal(cgroup_kill(group, &err), 0);
	(void)status_of(pid);
	destroy(group);
}

static void a_frozen_group_is_refused(void **state)
{
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = create(&request);

	assert_int_equal(cgroup_freeze(group, PROMPT_MS, &err), 0);
	expect_refused(&request, "is frozen");
	destroy(group);
}

static void a_new_group_below_a_frozen_one_is_refused_and_undone(void **state)
{
	scoped_str id = new_id();
	scoped_str path = str_format("/lvm-run-%s/below", id);
	struct cgroup_request above = request_for(id);
	struct cgroup_request request = request_for(id);
	scoped_cgroup group = NULL;
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup parent = create(&above);

	request.cgroups_path = path;
	assert_int_equal(cgroup_freeze(parent, PROMPT_MS, &err), 0);
	assert_int_equal(cgroup_plan(&request, &group, &err), 0);
	assert_int_equal(cgroup_create(group, &err), -EBUSY);
	assert_false(exists(group));
	assert_true(exists(parent));
	destroy(parent);
}

static void groups_above_are_made_and_undone(void **state)
{
	scoped_str id = new_id();
	scoped_str kept = str_format("/lvm-run-%s", id);
	scoped_str path = str_format("lvm-run-%s/a/b/c", id);
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();

	scoped_cgroup top = create(&request);

	request.cgroups_path = path;

	scoped_cgroup group = create(&request);
	struct stat st;

	assert_true(exists(group));
	cgroup_undo(group);
	assert_true(exists(top));
	assert_int_equal(fstatat(cgroup_dirfd(top), "a", &st, 0), -1);
	destroy(top);
}

static void the_last_container_below_removes_the_way_down(void **state)
{
	scoped_str id = new_id();
	scoped_str one = str_format("/lvm-run-%s/a/one", id);
	scoped_str two = str_format("/lvm-run-%s/a/two", id);
	struct cgroup_request request = request_for(id);
	scoped_cgroup opened = NULL;
	struct error err = {0};

	(void)state;
	need_root();
	request.cgroups_path = one;

	scoped_cgroup first = create(&request);

	request.cgroups_path = two;

	scoped_cgroup second = create(&request);

	destroy(first);
	assert_true(exists(second));
	/* As another process does it, from a record. */
	assert_int_equal(cgroup_open(cgroup_locate(second), &opened, &err), 0);
	destroy(opened);

	scoped_str top = str_format("%s/lvm-run-%s", cgroup_locate(second)->mount, id);

	assert_int_equal(access(top, F_OK), -1);
}

static void a_way_down_without_its_group_is_removed_when_looked_for(void **state)
{
	scoped_str id = new_id();
	scoped_str path = str_format("/lvm-run-%s/a", id);
	struct cgroup_request request = request_for(id);
	scoped_cgroup opened = NULL;
	struct error err = {0};

	(void)state;
	need_root();
	request.cgroups_path = path;

	scoped_cgroup group = create(&request);
	scoped_str top = str_format("%s/lvm-run-%s", cgroup_locate(group)->mount, id);

	assert_int_equal(rmdir(group->full), 0);
	assert_int_equal(access(top, F_OK), 0);
	assert_int_equal(cgroup_open(cgroup_locate(group), &opened, &err), -ENOENT);
	assert_int_equal(access(top, F_OK), -1);
}

/* --- Limits --- */

static bool has_controller(const char *name)
{
	struct cgroup_layout layout;
	struct error err = {0};

	assert_int_equal(cgroup_read_layout(&layout, &err), 0);
	return text_has_word(layout.controllers, name);
}

/* The v1 mount of the controller; false when it is not bound to v1, or not mounted. */
static bool has_legacy(const char *name, const char *mount)
{
	struct cgroup_layout layout;
	struct error err = {0};
	scoped_str entry = str_format("%s:%s", name, mount);

	assert_int_equal(cgroup_read_layout(&layout, &err), 0);
	return entry && text_has_word(layout.legacy, entry);
}

static void a_limit_without_its_controller_is_explained(void **state)
{
	struct spec_annotation key = {.key = (char[]){"memory.max"}, .value = (char[]){"max"}};
	struct spec_resources resources = {.unified = &key, .unified_count = 1};
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	scoped_cgroup group = NULL;
	struct error err = {0};

	(void)state;
	need_root();
	if (has_controller("memory")) {
		(void)printf("SKIP the memory controller is there\n");
		skip();
	}
	request.resources = &resources;
	assert_int_equal(cgroup_plan(&request, &group, &err), -ENOTSUP);
	assert_true(str_starts(err.text, "linux.resources.unified.memory.max: the memory "
	                                 "controller "));
	if (has_legacy("memory", "/sys/fs/cgroup/memory"))
		assert_non_null(strstr(err.text, "is bound to cgroup v1 at /sys/fs/cgroup/memory, "
		                                 "and the keys of linux.resources.unified are "
		                                 "files of cgroup v2"));
	assert_non_null(strstr(err.text, "take the limit out of the configuration"));
}

static void a_limit_of_cgroup_v1_is_planned_there(void **state)
{
	struct spec_resources resources = {.memory.limit = {.set = true, .value = 1 << 20}};
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	scoped_cgroup group = NULL;
	scoped_cgroup without = NULL;
	struct error err = {0};

	(void)state;
	need_root();
	if (!has_legacy("memory", "/sys/fs/cgroup/memory")) {
		(void)printf("SKIP the memory controller is not bound to cgroup v1\n");
		skip();
	}
	request.resources = &resources;
	assert_int_equal(cgroup_plan(&request, &group, &err), 0);
	assert_true(text_has_word(cgroup_locate(group)->legacy, "memory@0:/sys/fs/cgroup/memory"));
	/* No side effect, and none of it without such a limit. */
	assert_false(exists(group));
	resources = (struct spec_resources){0};
	assert_int_equal(cgroup_plan(&request, &without, &err), 0);
	assert_null(cgroup_locate(without)->legacy);
}

static void expect_text(const struct cgroup *group, const char *file, const char *want)
{
	char text[128];
	struct error err = {0};

	if (file_read_kernel(cgroup_dirfd(group), file, text, sizeof(text), &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(text, want);
}

static void huge_page_limits_are_written(void **state)
{
	struct spec_hugepage_limit limit = {.page_size = (char *)(size_t) "2MB", .limit = 4 << 20};
	struct spec_resources resources = {.hugepage_limits = &limit, .hugepage_limit_count = 1};
	scoped_str id = new_id();
	scoped_str path = str_format("/lvm-run-%s/a/b", id);
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();
	if (!has_controller("hugetlb")) {
		(void)printf("SKIP there is no hugetlb controller\n");
		skip();
	}
	request.resources = &resources;
	request.cgroups_path = path;

	scoped_cgroup group = create(&request);

	expect_text(group, "hugetlb.2MB.max", "4194304");
	expect_text(group, "hugetlb.2MB.rsvd.max", "4194304");
	destroy(group);
}

static void all_limits_are_written_where_all_controllers_are(void **state)
{
	static const char json[] =
		"{\"memory\":{\"limit\":8388608,\"reservation\":4194304},\"pids\":{\"limit\":7},"
		"\"cpu\":{\"shares\":2048,\"quota\":20000,\"burst\":5000,\"cpus\":\"0\"},"
		"\"unified\":{\"memory.high\":\"6291456\"}}";
	scoped_str id = new_id();
	scoped_spec spec = NULL;
	struct cgroup_request request = request_for(id);
	struct error err = {0};

	(void)state;
	need_root();
	if (!has_controller("memory") || !has_controller("cpu") || !has_controller("pids") ||
	    !has_controller("cpuset")) {
		(void)printf("SKIP memory, cpu, cpuset or pids is not in the v2 hierarchy\n");
		skip();
	}
	assert_int_equal(spec_parse_resources("test", json, strlen(json), &spec, &err), 0);
	request.resources = &spec->linux.resources;

	scoped_cgroup group = create(&request);

	expect_text(group, "memory.max", "8388608");
	expect_text(group, "memory.low", "4194304");
	expect_text(group, "memory.high", "6291456");
	expect_text(group, "pids.max", "7");
	expect_text(group, "cpu.weight", "174");
	expect_text(group, "cpu.max", "20000 100000");
	expect_text(group, "cpu.max.burst", "5000");
	expect_text(group, "cpuset.cpus", "0");
	destroy(group);
}

static void a_limit_that_fails_leaves_no_group(void **state)
{
	struct spec_annotation entry = {.key = (char *)(size_t) "cgroup.no.such.file",
	                                .value = (char *)(size_t) "1"};
	struct spec_resources resources = {.unified = &entry, .unified_count = 1};
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	scoped_cgroup group = NULL;
	struct error err = {0};

	(void)state;
	need_root();
	request.resources = &resources;
	assert_int_equal(cgroup_plan(&request, &group, &err), 0);
	assert_int_equal(cgroup_create(group, &err), -ENOTSUP);
	assert_false(exists(group));
}

static void a_delegated_group_belongs_to_its_owner(void **state)
{
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);
	struct stat st;

	(void)state;
	need_root();
	request.delegate = true;
	request.owner_uid = 12345;
	request.owner_gid = 23456;

	scoped_cgroup group = create(&request);

	assert_int_equal(fstat(cgroup_dirfd(group), &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(fstatat(cgroup_dirfd(group), "cgroup.procs", &st, 0), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 23456);
	assert_int_equal(fstatat(cgroup_dirfd(group), "cgroup.freeze", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	destroy(group);
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

/* --- Devices --- */

static char node[64];

static void open_node_and_tell(void)
{
	int fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	_exit(fd >= 0 ? 0 : errno);
}

static int open_within(const struct cgroup_request *request)
{
	scoped_cgroup group = create(request);
	pid_t pid = start(cgroup_dirfd(group), open_node_and_tell);
	int status = status_of(pid);

	destroy(group);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void only_listed_devices_can_be_opened(void **state)
{
	struct spec_device_rule rules[] = {
		{.allow = false, .type = 'a'},
		{.allow = true,
	         .type = 'c',
	         .major = {.set = true, .value = 1},
	         .minor = {.set = true, .value = 11},
	         .access = (char *)(size_t) "r"},
	};
	struct spec_resources resources = {.devices = rules, .device_count = 1};
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();
	(void)snprintf(node, sizeof(node), "/var/tmp/lvm-run-node-%ld", (long)getpid());
	if (mknod(node, S_IFCHR | 0600, makedev(1, 11)) < 0 || access(node, R_OK) < 0) {
		(void)printf("SKIP no device node can be made here\n");
		skip();
	}

	int fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		(void)unlink(node);
		(void)printf("SKIP the kernel log cannot be opened here at all\n");
		skip();
	}
	close(fd);
	request.resources = &resources;

	int denied = open_within(&request);

	resources.device_count = 2;

	int allowed = open_within(&request);

	(void)unlink(node);
	assert_int_equal(denied, EPERM);
	assert_int_equal(allowed, 0);
}

static void the_kernel_accepts_the_program_of_any_rules(void **state)
{
	static const char *const accesses[] = {NULL, "r", "w", "m", "rw", "rm", "wm", "rwm"};
	struct spec_device_rule rules[30];
	scoped_str id = new_id();
	struct cgroup_request request = request_for(id);

	(void)state;
	need_root();
	srandom(20240608);
	for (int round = 0; round < 60; round++) {
		struct spec_resources resources = {
			.devices = rules,
			.device_count = (size_t)random() % ARRAY_SIZE(rules),
		};

		for (size_t i = 0; i < resources.device_count; i++) {
			rules[i] = (struct spec_device_rule){
				.allow = random() % 2,
				.type = "acb"[random() % 3],
				.major = {.set = random() % 4, .value = random() % 300},
				.minor = {.set = random() % 4, .value = random() % 300},
				.access = (char *)(uintptr_t)
					accesses[random() % (long)ARRAY_SIZE(accesses)],
			};
		}
		request.resources = &resources;

		scoped_cgroup group = create(&request);

		destroy(group);
	}
}

/* Runs `body` in a mount namespace of its own; its exit status. */
static int in_private_view(int (*body)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(77);
		_exit(body());
	}

	int status = status_of(pid);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int pin_and_attach_again(void)
{
	struct spec_device_rule rules[] = {{.allow = false, .type = 'a'}};
	struct spec_resources resources = {.devices = rules, .device_count = 1};
	struct cgroup_request request = request_for("unit-pin");
	scoped_str id = new_id();
	struct stat st;

	if (mount("bpf", "/mnt", "bpf", 0, "mode=0700") < 0)
		return 78;
	request.id = id;
	request.resources = &resources;
	request.pin_dir = "/mnt/lvm-run";
	for (int i = 0; i < 2; i++) {
		scoped_cgroup group = NULL;
		scoped_arena arena = {0};
		struct device_program program;
		struct error err = {0};

		if (cgroup_plan(&request, &group, &err) < 0 || cgroup_create(group, &err) < 0 ||
		    cgroup_destroy(group, &err) < 0 ||
		    devices_plan(&resources, &arena, &program, &err) < 0)
			return 1;

		scoped_str path = str_format("/mnt/lvm-run/%s", program.name);

		if (stat(path, &st) < 0)
			return 2;
		/* The second time it must be that of the first. */
		if (i == 0 && chmod("/mnt/lvm-run", 0700) < 0)
			return 3;
	}
	if (stat("/mnt/lvm-run", &st) < 0 || (st.st_mode & 0777) != 0700)
		return 4;
	return 0;
}

static void device_programs_are_pinned_where_bpffs_is_mounted(void **state)
{
	(void)state;
	need_root();

	int r = in_private_view(pin_and_attach_again);

	if (r == 77 || r == 78) {
		(void)printf("SKIP %s is not allowed here\n",
		             r == 77 ? "unshare" : "mounting bpffs");
		skip();
	}
	assert_int_equal(r, 0);
}

/* --- Where the hierarchy is --- */

static int plan_in_unified_view(void)
{
	struct cgroup_request request = request_for("unit-view");
	scoped_str id = new_id();
	scoped_cgroup group = NULL;
	struct error err = {0};
	int r = 0;

	/* EBUSY: it is what is mounted there already. */
	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0 && errno != EBUSY)
		return 78;
	request.id = id;
	if (cgroup_plan(&request, &group, &err) < 0 || cgroup_create(group, &err) < 0)
		return 1;
	if (!str_equal(cgroup_locate(group)->mount, "/sys/fs/cgroup"))
		r = 2;
	if (cgroup_destroy(group, &err) < 0)
		r = 3;
	return r;
}

static void a_pure_v2_host_is_served(void **state)
{
	(void)state;
	need_root();

	int r = in_private_view(plan_in_unified_view);

	if (r == 77 || r == 78) {
		(void)printf("SKIP a private view cannot be made here\n");
		skip();
	}
	assert_int_equal(r, 0);
}

static int plan_with_hierarchy_elsewhere(void)
{
	char mount_point[LAYOUT_PATH_SIZE];
	struct error err = {0};

	if (mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) < 0 ||
	    mount("cgroup2", "/mnt", "cgroup2", 0, NULL) < 0)
		return 78;
	if (layout_find_unified(mount_point, &err) < 0)
		return 1;
	/* The host's own, now hidden below the tmpfs, is listed first. */
	return str_equal(mount_point, "/mnt") ? 0 : 2;
}

static void a_hierarchy_mounted_elsewhere_is_found(void **state)
{
	(void)state;
	need_root();

	int r = in_private_view(plan_with_hierarchy_elsewhere);

	if (r == 77 || r == 78) {
		(void)printf("SKIP a private view cannot be made here\n");
		skip();
	}
	assert_int_equal(r, 0);
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
		cmocka_unit_test(the_highest_missing_group_is_noted_before_it_is_made),
		cmocka_unit_test(where_all_above_is_there_nothing_is_noted),
		cmocka_unit_test(noted_groups_without_a_mark_are_removed),
		cmocka_unit_test(a_noted_group_that_another_uses_goes_with_that_one),
		cmocka_unit_test(a_note_of_a_group_that_is_not_above_counts_for_nothing),
		cmocka_unit_test(deeply_nested_groups_are_removed),
		cmocka_unit_test(an_empty_group_is_used_and_survives_an_undo),
		cmocka_unit_test(a_populated_group_is_refused),
		cmocka_unit_test(a_frozen_group_is_refused),
		cmocka_unit_test(a_new_group_below_a_frozen_one_is_refused_and_undone),
		cmocka_unit_test(groups_above_are_made_and_undone),
		cmocka_unit_test(the_last_container_below_removes_the_way_down),
		cmocka_unit_test(a_way_down_without_its_group_is_removed_when_looked_for),
		cmocka_unit_test(a_limit_without_its_controller_is_explained),
		cmocka_unit_test(a_limit_of_cgroup_v1_is_planned_there),
		cmocka_unit_test(huge_page_limits_are_written),
		cmocka_unit_test(all_limits_are_written_where_all_controllers_are),
		cmocka_unit_test(a_limit_that_fails_leaves_no_group),
		cmocka_unit_test(a_delegated_group_belongs_to_its_owner),
		cmocka_unit_test(without_rights_a_group_is_done_without_unless_asked_for),
		cmocka_unit_test(only_listed_devices_can_be_opened),
		cmocka_unit_test(the_kernel_accepts_the_program_of_any_rules),
		cmocka_unit_test(device_programs_are_pinned_where_bpffs_is_mounted),
		cmocka_unit_test(a_pure_v2_host_is_served),
		cmocka_unit_test(a_hierarchy_mounted_elsewhere_is_found),
		cmocka_unit_test(locations_that_are_no_groups_are_refused),
		cmocka_unit_test(drivers_have_their_names),
		cmocka_unit_test(a_disabled_driver_has_no_group_and_refuses_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
