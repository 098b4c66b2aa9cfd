#include "tests/support/child.h"
#include "tests/unit/rootfs/layers.h"

static void remove_dir(struct trees *t, const char *name)
{
	if (layer_remove(t->fd, name, &t->err) < 0)
		fail_msg("%s", t->err.text);
	assert_false(is_there(t, name));
	assert_false(is_there(t, ".gone-0"));
}

static void a_tree_goes_with_all_in_it(void **state)
{
	struct trees *t = *state;

	make_dir(t, "kept");
	make_file(t, "kept/x", "kept");
	make_dir(t, "tree");
	make_dir(t, "tree/.gone-0");
	make_file(t, "tree/.gone-0/x", "x");
	make_dir(t, "tree/a");
	make_dir(t, "tree/a/b");
	make_file(t, "tree/a/b/x", "x");
	assert_int_equal(0, symlinkat("../kept", t->fd, "tree/a/link"));
	remove_dir(t, "tree");
	has_text(t, "kept/x", "kept");
}

static void what_is_not_there_is_no_error(void **state)
{
	remove_dir(*state, "nothing");
}

static void no_nesting_is_too_deep(void **state)
{
	struct trees *t = *state;
	scoped_fd at = open_tree_dir(t, ".");

	for (int i = 0; i < 5000; i++) {
		const char *name = i == 0 ? "deep" : "a-name-of-some-length";
		int next = -1;

		assert_int_equal(0, mkdirat(at, name, 0755));
		next = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		fd_close(&at);
		at = next;
	}
	remove_dir(t, "deep");
}

/* Caches of packages are often so: for its owner as well. */
static const char *remove_read_only(void *data)
{
	struct trees *t = data;
	struct error err = {0};

	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
		return "become a user";
	if (mkdirat(t->fd, "ro", 0755) || mkdirat(t->fd, "ro/sub", 0755) ||
	    mkdirat(t->fd, "ro/sub/shut", 0) || symlinkat("x", t->fd, "ro/sub/link") ||
	    fchmodat(t->fd, "ro/sub", 0500, 0) || fchmodat(t->fd, "ro", 0500, 0))
		return "make directories";
	if (layer_remove(t->fd, "ro", &err) < 0)
		return complain("%s", err.text);
	return is_there(t, "ro") ? "it is still there" : NULL;
}

static void a_user_removes_directories_that_forbid_it(void **state)
{
	struct trees *t = *state;

	assert_int_equal(0, fchmod(t->fd, 0777));
	assert_int_equal(0, run_child(&(struct child){remove_read_only, t, false}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tree_goes_with_all_in_it, trees_begin, trees_end),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_no_error, trees_begin,
	                                        trees_end),
		cmocka_unit_test_setup_teardown(no_nesting_is_too_deep, trees_begin, trees_end),
		cmocka_unit_test_setup_teardown(a_user_removes_directories_that_forbid_it,
	                                        trees_begin, trees_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
