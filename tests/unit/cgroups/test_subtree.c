#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cgroups/subtree.h"

static int check_path(const char *path)
{
	char copy[512];
	struct subtree_node node = {.path = copy};
	const struct subtree subtree = {&node, 1};
	struct error err;

	assert_true(strlen(path) < sizeof(copy));
	(void)strncpy(copy, path, sizeof(copy) - 1);
	return subtree_check(&subtree, &err);
}

static void groups_are_below_the_containers_own(void **state unused_parameter)
{
	static const char *const bad[] = {"..", "/", "/a", "a/", "a//b", "a/../b", ".", "a\nb"};

	assert_int_equal(check_path(""), 0);
	assert_int_equal(check_path("a"), 0);
	assert_int_equal(check_path("init.scope/a b"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(check_path(bad[i]), -EBADMSG);
}

static void only_limits_are_values(void **state unused_parameter)
{
	assert_true(subtree_is_value("pids.max"));
	assert_true(subtree_is_value("hugetlb.2MB.max"));
	assert_true(subtree_is_value("cgroup.subtree_control"));
	assert_false(subtree_is_value("cgroup.kill"));
	assert_false(subtree_is_value("cgroup.procs"));
	assert_false(subtree_is_value("hugetlb./../x.max"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_below_the_containers_own),
		cmocka_unit_test(only_limits_are_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
