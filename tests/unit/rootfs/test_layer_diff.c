#include "base/str.h"
#include "layers.h"

static int note(enum layer_change change, const char *path, void *context,
                struct error *err unused_parameter)
{
	static const char letters[] = "AMD";

	strbuf_addf(context, "%c%s ", letters[change], path);
	return 0;
}

static int begin(void **state)
{
	int r = trees_begin(state);

	make_dir(*state, "a");
	make_dir(*state, "b");
	return r;
}

static void differs(struct trees *t, const char *expected)
{
	scoped_strbuf text = {0};
	scoped_fd a = open_tree_dir(t, "a");
	scoped_fd b = open_tree_dir(t, "b");

	if (layer_diff(a, b, note, &text, &t->err) < 0)
		fail_msg("%s", t->err.text);
	assert_string_equal(expected, text.data ? text.data : "");
}

static void equal_trees_have_no_difference(void **state)
{
	struct trees *t = *state;

	make_file(t, "a/f", "same");
	make_file(t, "b/f", "same");
	make_dir(t, "a/d");
	make_dir(t, "b/d");
	differs(t, "");
}

static void added_modified_and_deleted_are_told(void **state)
{
	struct trees *t = *state;

	make_file(t, "a/gone", "x");
	differs(t, "D/gone ");
	make_file(t, "b/gone", "x");
	make_file(t, "b/new", "x");
	differs(t, "A/new ");
	make_file(t, "a/new", "y");
	differs(t, "M/new ");
}

static void below_a_new_or_lost_directory_nothing_more_is_told(void **state)
{
	struct trees *t = *state;

	make_dir(t, "a/lost");
	make_file(t, "a/lost/x", "x");
	differs(t, "D/lost ");
	make_dir(t, "b/made");
	make_file(t, "b/made/x", "x");
	differs(t, "D/lost A/made ");
}

static void modes_links_and_kinds_count(void **state)
{
	struct trees *t = *state;

	make_file(t, "a/f", "x");
	make_file(t, "b/f", "x");
	assert_int_equal(0, fchmodat(t->fd, "b/f", 0600, 0));
	differs(t, "M/f ");
	assert_int_equal(0, fchmodat(t->fd, "b/f", 0644, 0));
	assert_int_equal(0, symlinkat("one", t->fd, "a/l"));
	assert_int_equal(0, symlinkat("two", t->fd, "b/l"));
	differs(t, "M/l ");
	assert_int_equal(0, unlinkat(t->fd, "b/l", 0));
	make_dir(t, "b/l");
	differs(t, "M/l ");
}

static void changes_in_directories_name_the_whole_path(void **state)
{
	struct trees *t = *state;

	make_dir(t, "a/d");
	make_dir(t, "b/d");
	make_dir(t, "a/d/e");
	make_dir(t, "b/d/e");
	make_file(t, "b/d/e/f", "x");
	make_file(t, "b/z", "x");
	make_file(t, "a/z", "x");
	differs(t, "A/d/e/f ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equal_trees_have_no_difference, begin, trees_end),
		cmocka_unit_test_setup_teardown(added_modified_and_deleted_are_told, begin,
	                                        trees_end),
		cmocka_unit_test_setup_teardown(below_a_new_or_lost_directory_nothing_more_is_told,
	                                        begin, trees_end),
		cmocka_unit_test_setup_teardown(modes_links_and_kinds_count, begin, trees_end),
		cmocka_unit_test_setup_teardown(changes_in_directories_name_the_whole_path, begin,
	                                        trees_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
