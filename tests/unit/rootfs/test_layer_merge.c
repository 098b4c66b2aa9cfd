#include "layers.h"

static void merge(struct trees *t)
{
	scoped_fd low = open_tree_dir(t, "low");
	scoped_fd up = open_tree_dir(t, "up");

	if (layer_merge(low, up, false, &t->err) < 0)
		fail_msg("%s", t->err.text);
}

static int begin(void **state)
{
	int r = trees_begin(state);

	make_dir(*state, "low");
	make_dir(*state, "up");
	return r;
}

static void what_is_missing_above_comes_up_the_rest_stays(void **state)
{
	struct trees *t = *state;

	make_file(t, "low/a", "low");
	make_file(t, "low/b", "low");
	make_file(t, "up/b", "up");
	make_dir(t, "low/d");
	make_dir(t, "up/d");
	make_file(t, "low/d/x", "low");
	make_file(t, "low/d/y", "low");
	make_file(t, "up/d/y", "up");
	make_dir(t, "low/only");
	make_file(t, "low/only/z", "low");
	merge(t);
	has_text(t, "up/a", "low");
	has_text(t, "up/b", "up");
	has_text(t, "up/d/x", "low");
	has_text(t, "up/d/y", "up");
	has_text(t, "up/only/z", "low");
	assert_false(is_there(t, "low/a"));
}

static void whiteouts_of_both_stay(void **state)
{
	struct trees *t = *state;
	struct stat st;

	make_whiteout(t, "low/gone");
	make_file(t, "low/deleted", "low");
	make_whiteout(t, "up/deleted");
	make_whiteout(t, "low/back");
	make_file(t, "up/back", "up");
	merge(t);
	assert_int_equal(0, fstatat(t->fd, "up/gone", &st, AT_SYMLINK_NOFOLLOW));
	assert_true(tree_is_whiteout(&st));
	assert_int_equal(0, fstatat(t->fd, "up/deleted", &st, AT_SYMLINK_NOFOLLOW));
	assert_true(tree_is_whiteout(&st));
	has_text(t, "up/back", "up");
}

static void an_opaque_directory_above_lets_nothing_through(void **state)
{
	struct trees *t = *state;

	make_dir(t, "low/d");
	make_file(t, "low/d/hidden", "low");
	make_dir(t, "up/d");
	make_opaque(t, "up/d");
	merge(t);
	assert_false(is_there(t, "up/d/hidden"));
	assert_true(is_opaque_dir(t, "up/d"));
}

static void an_opaque_directory_below_makes_the_one_above_opaque(void **state)
{
	struct trees *t = *state;

	make_dir(t, "low/d");
	make_opaque(t, "low/d");
	make_file(t, "low/d/seen", "low");
	make_dir(t, "up/d");
	merge(t);
	has_text(t, "up/d/seen", "low");
	assert_true(is_opaque_dir(t, "up/d"));
}

static void a_directory_over_a_file_or_a_whiteout_becomes_opaque(void **state)
{
	struct trees *t = *state;

	make_file(t, "low/f", "low");
	make_dir(t, "up/f");
	make_whiteout(t, "low/w");
	make_dir(t, "up/w");
	make_dir(t, "up/plain");
	merge(t);
	assert_true(is_opaque_dir(t, "up/f"));
	assert_true(is_opaque_dir(t, "up/w"));
	assert_false(is_opaque_dir(t, "up/plain"));
}

/* Cut off at any entry, both together still are what they were: merging again ends it. */
static void merging_again_ends_what_was_cut_off(void **state)
{
	struct trees *t = *state;

	make_dir(t, "low/d");
	make_opaque(t, "low/d");
	make_file(t, "low/d/x", "low");
	make_dir(t, "up/d");
	make_file(t, "up/d/already", "low"); /* came up before the kill */
	merge(t);
	merge(t);
	has_text(t, "up/d/x", "low");
	has_text(t, "up/d/already", "low");
	assert_true(is_opaque_dir(t, "up/d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_missing_above_comes_up_the_rest_stays,
	                                        begin, trees_end),
		cmocka_unit_test_setup_teardown(whiteouts_of_both_stay, begin, trees_end),
		cmocka_unit_test_setup_teardown(an_opaque_directory_above_lets_nothing_through,
	                                        begin, trees_end),
		cmocka_unit_test_setup_teardown(
			an_opaque_directory_below_makes_the_one_above_opaque, begin, trees_end),
		cmocka_unit_test_setup_teardown(
			a_directory_over_a_file_or_a_whiteout_becomes_opaque, begin, trees_end),
		cmocka_unit_test_setup_teardown(merging_again_ends_what_was_cut_off, begin,
	                                        trees_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
