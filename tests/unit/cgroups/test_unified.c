/* The cgroupfs driver on real groups: what lies above, what was there before, limits. Needs root. */
#include "groups.h"

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

/* `path` null: where groups of that id lie. */
static struct cgroup *create_at(const char *id, const char *path)
{
	struct cgroup_request request = request_for(id);

	request.cgroups_path = path;
	return create(&request);
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
static void open_noted(const char *path, const char *made)
{
	char mount[LAYOUT_PATH_SIZE];
	struct cgroup_location location = {
		.driver = CGROUP_DRIVER_CGROUPFS, .mount = mount, .path = path, .made = made};
	scoped_cgroup group = NULL;
	struct error err = {0};

	assert_int_equal(layout_find_unified(mount, &err), 0);
	assert_int_equal(cgroup_open(&location, &group, &err), -ENOENT);
}

static void noted_groups_without_a_mark_are_removed(void **state)
{
	scoped_str id = new_id();
	scoped_str top = str_format("/%s", id);
	scoped_str one = str_format("/%s/one", id);
	scoped_str leaf = str_format("/%s/one/two/leaf", id);

	(void)state;
	need_root();
	make(top);
	make(one);
	open_noted(leaf, NULL);
	assert_true(is_there(one)); /* nothing says that it is ours */
	open_noted(leaf, one);
	assert_false(is_there(one));
	assert_true(is_there(top));
	unmake(top);
}

static void a_noted_group_that_another_uses_goes_with_that_one(void **state)
{
	scoped_str id = new_id();
	scoped_str top = str_format("/%s", id);
	scoped_str leaf = str_format("/%s/killed", id);
	scoped_str other = str_format("/%s/other", id);

	(void)state;
	need_root();
	make(top);

	scoped_cgroup group = create_at(id, other);

	open_noted(leaf, top);
	assert_true(is_there(other));
	destroy(group);
	assert_false(is_there(top));
}

static void a_note_of_a_group_that_is_not_above_counts_for_nothing(void **state)
{
	scoped_str id = new_id();
	scoped_str top = str_format("/%s", id);
	scoped_str leaf = str_format("/%s/leaf", id);
	scoped_str part = str_format("/%.3s", id);

	(void)state;
	need_root();
	make(top);
	open_noted(leaf, part);
	open_noted(leaf, "/");
	assert_true(is_there(top));
	unmake(top);
}

static void deeply_nested_groups_are_removed(void **state)
{
	(void)state;

	scoped_cgroup group = new_group();
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
	scoped_str path = str_format("lvm-run-%s/a/b/c", id);

	(void)state;
	need_root();

	scoped_cgroup top = create_at(id, NULL);
	scoped_cgroup group = create_at(id, path);
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
	scoped_cgroup opened = NULL;
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup first = create_at(id, one);
	scoped_cgroup second = create_at(id, two);

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
	scoped_cgroup opened = NULL;
	struct error err = {0};

	(void)state;
	need_root();

	scoped_cgroup group = create_at(id, path);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
