#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/str.h"
#include "cgroups/path.h"

static const char *group(struct arena *arena, const char *path, const char *base)
{
	const char *ret = NULL;
	struct error err = {0};

	return path_of_group(path, base, "web1", arena, &ret, &err) < 0 ? NULL : ret;
}

static void default_group_is_flat_below_the_base(void **state)
{
	scoped_arena arena = {0};

	(void)state;
	assert_string_equal(group(&arena, NULL, "/"), "/lvm-run-web1");
	assert_string_equal(group(&arena, "", "/"), "/lvm-run-web1");
	assert_string_equal(group(&arena, NULL, "/user.slice/a"), "/user.slice/a/lvm-run-web1");
}

static void given_paths_are_kept(void **state)
{
	scoped_arena arena = {0};

	(void)state;
	assert_string_equal(group(&arena, "/machine.slice/x", "/u"), "/machine.slice/x");
	assert_string_equal(group(&arena, "a/b", "/"), "/a/b");
	assert_string_equal(group(&arena, "a/b", "/u"), "/u/a/b");
	assert_string_equal(group(&arena, "/a:b:c", "/"), "/a:b:c");
}

static void bad_paths_are_refused(void **state)
{
	static const char *const bad[] = {"/",    "/..",   "/a/../b", "../x",
	                                  "a/..", "/a//b", "/a/",     "/a/./b",
	                                  "//a",  ".",     "a\nb",    "a.slice:b:c"};
	scoped_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_null(group(&arena, bad[i], "/"));
}

static void names_longer_than_the_file_system_has_them_are_refused(void **state)
{
	scoped_arena arena = {0};
	char name[300];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	assert_non_null(group(&arena, name, "/"));
	name[255] = 'a';
	name[256] = '\0';
	assert_null(group(&arena, name, "/"));
}

static void unit_form_points_to_the_systemd_driver(void **state)
{
	scoped_arena arena = {0};
	const char *ret = NULL;
	struct error err = {0};

	(void)state;
	assert_true(path_of_group("a.slice:b:c", "/", "x", &arena, &ret, &err) < 0);
	assert_non_null(strstr(err.text, "--systemd-cgroup"));
	assert_true(str_starts(err.text, "linux.cgroupsPath: "));
}

static void slices_are_expanded(void **state)
{
	static const struct {
		const char *slice, *path;
	} cases[] = {
		{"-.slice", ""},
		{"system.slice", "/system.slice"},
		{"a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice"},
		{"kubepods-besteffort-pod1_2.slice",
	         "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice"},
	};
	scoped_arena arena = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *ret = NULL;

		assert_int_equal(path_of_slice(cases[i].slice, &arena, &ret, &err), 0);
		assert_string_equal(ret, cases[i].path);
	}
}

static void bad_slices_are_refused(void **state)
{
	static const char *const bad[] = {"a",      "a--b.slice", "-a.slice",   "a-.slice",
	                                  ".slice", "a/b.slice",  "../a.slice", "a b.slice"};
	scoped_arena arena = {0};
	struct error err = {0};
	const char *ret = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_true(path_of_slice(bad[i], &arena, &ret, &err) < 0);
}

static void units_are_placed(void **state)
{
	static const struct {
		const char *given, *slice, *unit, *path;
	} cases[] = {
		{NULL, "system.slice", "lvm-run-web1.scope", "/system.slice/lvm-run-web1.scope"},
		{":crio:1", "system.slice", "crio-1.scope", "/system.slice/crio-1.scope"},
		{"machine.slice:libpod:7f", "machine.slice", "libpod-7f.scope",
	         "/machine.slice/libpod-7f.scope"},
		{"a-b.slice:p:n", "a-b.slice", "p-n.scope", "/a.slice/a-b.slice/p-n.scope"},
		{"-:p:n", "-.slice", "p-n.scope", "/p-n.scope"},
		{"a.slice::n", "a.slice", "n.scope", "/a.slice/n.scope"},
		{"a.slice:p:a-pod.slice", "a.slice", "a-pod.slice", "/a.slice/a-pod.slice"},
	};
	scoped_arena arena = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct unit_path ret;

		assert_int_equal(
			path_of_unit(cases[i].given, "system.slice", "web1", &arena, &ret, &err),
			0);
		assert_string_equal(ret.slice, cases[i].slice);
		assert_string_equal(ret.unit, cases[i].unit);
		assert_string_equal(ret.path, cases[i].path);
	}
}

static void bad_unit_paths_are_refused(void **state)
{
	static const char *const bad[] = {
		"/a/b",           "a:b",   "a:b:c:d",          "a.slice:b:", "a.slice:p/q:n",
		"a.slice:../x:n", "a:b:c", "a.slice:p:-.slice"};
	scoped_arena arena = {0};
	struct error err = {0};
	struct unit_path ret;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (path_of_unit(bad[i], "system.slice", "web1", &arena, &ret, &err) >= 0)
			fail_msg("accepted: %s as %s", bad[i], ret.path);
	}
}

static void a_slice_of_many_parts_is_refused_before_its_path_is_too_long(void **state)
{
	scoped_arena arena = {0};
	struct error err = {0};
	struct unit_path ret;
	char text[300] = "";

	(void)state;
	for (size_t i = 0; i < 110; i++)
		memcpy(text + 2 * i, "a-", 2);
	(void)snprintf(text + 220, sizeof(text) - 220, "z.slice:p:n");
	assert_int_equal(path_of_unit(text, "system.slice", "web1", &arena, &ret, &err),
	                 -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_group_is_flat_below_the_base),
		cmocka_unit_test(given_paths_are_kept),
		cmocka_unit_test(bad_paths_are_refused),
		cmocka_unit_test(names_longer_than_the_file_system_has_them_are_refused),
		cmocka_unit_test(unit_form_points_to_the_systemd_driver),
		cmocka_unit_test(slices_are_expanded),
		cmocka_unit_test(bad_slices_are_refused),
		cmocka_unit_test(units_are_placed),
		cmocka_unit_test(bad_unit_paths_are_refused),
		cmocka_unit_test(a_slice_of_many_parts_is_refused_before_its_path_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
