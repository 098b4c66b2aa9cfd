#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/options.h"

struct target {
	const char *bundle;
	const char *format;
	unsigned int count;
	bool detach;
	bool tty;
	bool quick;
	struct option_list env;
	struct option_list steps;
	const char *form;
};

#define TARGET(member) offsetof(struct target, member)

static const struct option table[] = {
	{"bundle", "b", OPTION_TEXT, TARGET(bundle), "DIR", "bundle"},
	{"format", "f", OPTION_TEXT, TARGET(format), "table|json", "format"},
	{"count", "", OPTION_NUMBER, TARGET(count), "N", "count"},
	{"detach", "dD", OPTION_FLAG, TARGET(detach), NULL, "detach"},
	{"tty", "t", OPTION_FLAG, TARGET(tty), NULL, "tty"},
	{"no-wait", "", OPTION_FLAG, TARGET(quick), NULL, "quick"},
	{"env", "e", OPTION_LIST, TARGET(env), "NAME=VALUE", "env"},
	{"bind", "", OPTION_STEP, TARGET(steps), "SRC DEST", "bind"},
	{"tmpfs", "T", OPTION_STEP, TARGET(steps), "DEST", "tmpfs"},
	{"diff", "", OPTION_CHOICE, TARGET(form), "text|json", "diff"},
	{"rootless", "", OPTION_IGNORED, 0, "auto|true|false", "ignored"},
	{0},
};

/* A command line in memory that the parser may change, and what came out of it. */
struct run {
	char storage[512];
	char *words[16];
	struct target target;
	struct option_scan scan;
	struct error err;
	int result;
};

/* Words are separated by blanks. */
static struct run *parse(struct run *run, const char *line, int stop_after)
{
	char *rest = run->storage;
	size_t count = 0;

	*run = (struct run){0};
	assert_true(strlen(line) < sizeof(run->storage));
	memcpy(run->storage, line, strlen(line) + 1);
	while (line[0] && rest)
		run->words[count++] = strsep(&rest, " ");
	run->scan = (struct option_scan){.table = table,
	                                 .target = &run->target,
	                                 .words = run->words,
	                                 .stop_after = stop_after};
	run->result = options_parse(&run->scan, &run->err);
	return run;
}

static void expect_error(const char *line, const char *text)
{
	struct run run;

	parse(&run, line, OPTION_PERMUTE);
	assert_int_equal(run.result, -22);
	assert_string_equal(run.err.text, text);
	options_done(table, &run.target);
}

static void all_spellings_of_a_value_are_known(void **state unused_parameter)
{
	static const char *const lines[] = {"--bundle /b", "--bundle=/b", "-b /b", "-b/b",
	                                    "-b=/b",       "-tb /b",      "-tb/b", "-b x -b /b"};
	struct run run;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		parse(&run, lines[i], OPTION_PERMUTE);
		assert_int_equal(run.result, 0);
		assert_string_equal(run.target.bundle, "/b");
		assert_int_equal(run.scan.count, 0);
	}
}

static void a_value_may_look_like_an_option_or_be_empty(void **state unused_parameter)
{
	struct run run;

	assert_string_equal(parse(&run, "--bundle --detach", OPTION_PERMUTE)->target.bundle,
	                    "--detach");
	assert_false(run.target.detach);
	assert_string_equal(parse(&run, "--bundle=", OPTION_PERMUTE)->target.bundle, "");
	assert_string_equal(parse(&run, "--bundle=a=b", OPTION_PERMUTE)->target.bundle, "a=b");
}

static void flags_are_bundled_and_take_true_or_false(void **state unused_parameter)
{
	struct run run;

	parse(&run, "-td", OPTION_PERMUTE);
	assert_true(run.target.tty && run.target.detach);
	assert_true(parse(&run, "-D", OPTION_PERMUTE)->target.detach);
	assert_true(parse(&run, "--detach=true", OPTION_PERMUTE)->target.detach);
	parse(&run, "--detach --detach=false", OPTION_PERMUTE);
	assert_int_equal(run.result, 0);
	assert_false(run.target.detach);
	assert_false(parse(&run, "-d=0", OPTION_PERMUTE)->target.detach);
}

static void whole_names_may_have_one_dash(void **state unused_parameter)
{
	struct run run;

	assert_true(parse(&run, "-no-wait", OPTION_PERMUTE)->target.quick);
	assert_true(parse(&run, "--no-wait", OPTION_PERMUTE)->target.quick);
	assert_false(parse(&run, "-no-wait=false", OPTION_PERMUTE)->target.quick);
	assert_true(parse(&run, "-detach", OPTION_PERMUTE)->target.detach);
	assert_string_equal(parse(&run, "-bundle /b", OPTION_PERMUTE)->target.bundle, "/b");
	assert_string_equal(parse(&run, "-bundles", OPTION_PERMUTE)->target.bundle, "undles");
}

static void options_follow_other_words(void **state unused_parameter)
{
	struct run run;

	parse(&run, "one --detach two -b /b three", OPTION_PERMUTE);
	assert_int_equal(run.scan.count, 3);
	assert_string_equal(run.words[0], "one");
	assert_string_equal(run.words[2], "three");
	assert_null(run.words[3]);
	assert_true(run.target.detach);
}

static void options_end_after_so_many_words(void **state unused_parameter)
{
	struct run run;

	parse(&run, "-t id sh -d --bundle -- x", 1);
	assert_int_equal(run.result, 0);
	assert_int_equal(run.scan.count, 6);
	assert_string_equal(run.words[1], "sh");
	assert_string_equal(run.words[4], "--");
	assert_true(run.target.tty);
	assert_false(run.target.detach);
}

static void two_dashes_end_the_options(void **state unused_parameter)
{
	struct run run;

	parse(&run, "-t -- -d -", OPTION_PERMUTE);
	assert_int_equal(run.scan.count, 2);
	assert_string_equal(run.words[0], "-d");
	assert_string_equal(run.words[1], "-");
	assert_int_equal(parse(&run, "-", OPTION_PERMUTE)->scan.count, 1);
}

static void a_list_keeps_all_values_in_order(void **state unused_parameter)
{
	struct run run;

	parse(&run, "-e A=1 --env=B=2 -eC", OPTION_PERMUTE);
	assert_int_equal(run.target.env.count, 3);
	assert_string_equal(run.target.env.items[0], "A=1");
	assert_string_equal(run.target.env.items[1], "B=2");
	assert_string_equal(run.target.env.items[2], "C");
	assert_null(run.target.env.items[3]);
	options_done(table, &run.target);
}

static void an_optional_value_takes_only_its_own_words(void **state unused_parameter)
{
	struct run run;

	assert_int_equal(parse(&run, "--rootless run", OPTION_PERMUTE)->scan.count, 1);
	assert_int_equal(parse(&run, "--rootless true run", OPTION_PERMUTE)->scan.count, 1);
	assert_int_equal(parse(&run, "--rootless=false run", OPTION_PERMUTE)->scan.count, 1);
	assert_int_equal(parse(&run, "--rootless", OPTION_PERMUTE)->result, 0);
	expect_error("--rootless=maybe", "option --rootless: 'maybe' is none of auto|true|false");
}

static void errors_name_the_option(void **state unused_parameter)
{
	expect_error("--nothing=3", "unknown option --nothing");
	expect_error("--bundl x", "unknown option --bundl");
	expect_error("-tx", "unknown option -x");
	expect_error("--bundle", "option --bundle requires an argument");
	expect_error("-t -b", "option --bundle requires an argument");
	expect_error("--detach=maybe", "option --detach takes no argument 'maybe'");
	expect_error("--format xml", "option --format: 'xml' is none of table|json");
	expect_error("--format tab", "option --format: 'tab' is none of table|json");
	expect_error("--count -1", "option --count: '-1' is not a number");
	expect_error("--count 3x", "option --count: '3x' is not a number");
	expect_error("--count 99999999999", "option --count: '99999999999' is not a number");
	expect_error("---", "unknown option ---");
}

static void what_came_before_an_error_is_stored(void **state unused_parameter)
{
	struct run run;

	parse(&run, "--bundle /b --nothing", OPTION_PERMUTE);
	assert_string_equal(run.target.bundle, "/b");
}

static void help_is_known_to_every_table(void **state unused_parameter)
{
	struct run run;

	assert_true(parse(&run, "one --help --nothing", OPTION_PERMUTE)->scan.help);
	assert_int_equal(run.result, 0);
	assert_true(parse(&run, "-h", OPTION_PERMUTE)->scan.help);
	assert_true(parse(&run, "-th", OPTION_PERMUTE)->scan.help);
	assert_false(parse(&run, "id --help", 1)->scan.help);
	run.scan.table = NULL;
	assert_false(parse(&run, "", OPTION_PERMUTE)->scan.help);
}

static void a_missing_table_knows_no_option(void **state unused_parameter)
{
	char option[] = "--x", word[] = "word";
	char *words[] = {word, option, NULL};
	struct option_scan scan = {.words = words, .stop_after = OPTION_PERMUTE};
	struct error err = {0};

	assert_int_equal(options_parse(&scan, &err), -22);
	assert_string_equal(err.text, "unknown option --x");
}

static void steps_keep_their_order_and_words(void **state unused_parameter)
{
	static const char *const expected[] = {"bind", "/a",   "/b", "tmpfs", "/c",
	                                       "/c",   "bind", "/d", "/e"};
	struct run run;

	parse(&run, "--bind /a /b -T /c --bind=/d:/e word", OPTION_PERMUTE);
	assert_int_equal(run.result, 0);
	assert_int_equal(run.target.steps.count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(run.target.steps.items[i], expected[i]);
	assert_int_equal(run.scan.count, 1);
	options_done(table, &run.target);
	expect_error("--bind /a", "option --bind requires SRC DEST");
	expect_error("--bind=/a", "option --bind requires SRC DEST");
	expect_error("--tmpfs", "option --tmpfs requires DEST");
}

static void a_choice_may_stand_alone(void **state unused_parameter)
{
	struct run run;

	parse(&run, "--diff json", OPTION_PERMUTE);
	assert_string_equal(run.target.form, "text|json");
	assert_int_equal(run.scan.count, 1);
	assert_string_equal(parse(&run, "--diff=json", OPTION_PERMUTE)->target.form, "json");
	expect_error("--diff=xml", "option --diff: 'xml' is none of text|json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_spellings_of_a_value_are_known),
		cmocka_unit_test(a_value_may_look_like_an_option_or_be_empty),
		cmocka_unit_test(flags_are_bundled_and_take_true_or_false),
		cmocka_unit_test(whole_names_may_have_one_dash),
		cmocka_unit_test(options_follow_other_words),
		cmocka_unit_test(options_end_after_so_many_words),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(a_list_keeps_all_values_in_order),
		cmocka_unit_test(an_optional_value_takes_only_its_own_words),
		cmocka_unit_test(steps_keep_their_order_and_words),
		cmocka_unit_test(a_choice_may_stand_alone),
		cmocka_unit_test(errors_name_the_option),
		cmocka_unit_test(what_came_before_an_error_is_stored),
		cmocka_unit_test(help_is_known_to_every_table),
		cmocka_unit_test(a_missing_table_knows_no_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
