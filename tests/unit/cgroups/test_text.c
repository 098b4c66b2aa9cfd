#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cgroups/text.h"

static void words_are_found_whole(void **state)
{
	(void)state;
	assert_true(text_has_word("cpuset cpu io\n", "cpu"));
	assert_true(text_has_word("hugetlb", "hugetlb"));
	assert_false(text_has_word("cpuset cpuacct", "cpu"));
	assert_false(text_has_word("", "cpu"));
	assert_false(text_has_word(" \n", "cpu"));
}

static void lists_are_split_at_commas_alone(void **state)
{
	(void)state;
	assert_true(text_list_has("rw,cpu,cpuacct", "cpu"));
	assert_true(text_list_has("rw,cpu,cpuacct", "cpuacct"));
	assert_false(text_list_has("rw,cpuset", "cpu"));
	assert_true(text_list_has("rw,name=systemd", "name=systemd"));
}

static void flat_keys_give_their_number(void **state)
{
	(void)state;
	assert_int_equal(text_flat_key("populated 1\nfrozen 0\n", "populated"), 1);
	assert_int_equal(text_flat_key("populated 1\nfrozen 0\n", "frozen"), 0);
	assert_int_equal(text_flat_key("populated 1\n", "frozen"), -1);
	assert_int_equal(text_flat_key("populated x\n", "populated"), -1);
	assert_int_equal(text_flat_key("populated 99999999999\n", "populated"), -1);
	assert_int_equal(text_flat_key("xpopulated 1\n", "populated"), -1);
}

static void mountinfo_is_cut_and_unescaped(void **state)
{
	char line[] = "36 35 98:0 /a\\040b /mnt\\134x\\011 rw,noatime master:1 shared:2 - cgroup2 "
		      "none rw,x";
	struct mountinfo_line mount;

	(void)state;
	assert_true(text_parse_mountinfo(line, &mount));
	assert_string_equal(mount.root, "/a b");
	assert_string_equal(mount.mount_point, "/mnt\\x\t");
	assert_string_equal(mount.type, "cgroup2");
	assert_string_equal(mount.super_options, "rw,x");
}

static void mountinfo_without_optional_fields_is_read(void **state)
{
	char line[] = "36 35 98:0 / /sys/fs/cgroup rw - cgroup cgroup rw,memory";
	struct mountinfo_line mount;

	(void)state;
	assert_true(text_parse_mountinfo(line, &mount));
	assert_string_equal(mount.type, "cgroup");
	assert_string_equal(mount.super_options, "rw,memory");
}

static void broken_mountinfo_is_refused(void **state)
{
	char empty[] = "";
	char cut[] = "36 35 98:0 / /sys rw - cgroup cgroup";
	char no_dash[] = "36 35 98:0 / /sys rw cgroup cgroup rw x y z";
	struct mountinfo_line mount;

	(void)state;
	assert_false(text_parse_mountinfo(empty, &mount));
	assert_false(text_parse_mountinfo(cut, &mount));
	assert_false(text_parse_mountinfo(no_dash, &mount));
}

static void own_group_is_that_of_the_v2_hierarchy(void **state)
{
	char path[32];

	(void)state;
	assert_true(text_own_group("4:memory:/x\n0::/user.slice/a\n", path, sizeof(path)));
	assert_string_equal(path, "/user.slice/a");
	assert_true(text_own_group("0::/", path, sizeof(path)));
	assert_string_equal(path, "/");
	assert_false(text_own_group("4:memory:/x\n", path, sizeof(path)));
	assert_false(text_own_group("0::/0123456789012345678901234567890123456789\n", path,
	                            sizeof(path)));
}

static void controllers_of_v1_are_found(void **state)
{
	static const char text[] =
		"#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
		"cpuset\t3\t1\t1\ncpu\t0\t1\t1\nmemory\t4\t14\t0\nbad\tx\t1\t1\n";
	struct controller_line line;

	(void)state;
	assert_true(text_find_controller(text, "cpuset", &line));
	assert_int_equal(line.hierarchy, 3);
	assert_true(line.enabled);
	assert_true(text_find_controller(text, "cpu", &line));
	assert_int_equal(line.hierarchy, 0);
	assert_true(text_find_controller(text, "memory", &line));
	assert_false(line.enabled);
	assert_false(text_find_controller(text, "bad", &line));
	assert_false(text_find_controller(text, "pids", &line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_whole),
		cmocka_unit_test(lists_are_split_at_commas_alone),
		cmocka_unit_test(flat_keys_give_their_number),
		cmocka_unit_test(mountinfo_is_cut_and_unescaped),
		cmocka_unit_test(mountinfo_without_optional_fields_is_read),
		cmocka_unit_test(broken_mountinfo_is_refused),
		cmocka_unit_test(own_group_is_that_of_the_v2_hierarchy),
		cmocka_unit_test(controllers_of_v1_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
