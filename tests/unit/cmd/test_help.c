#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "cmd/help.h"

static void assert_contains(const struct strbuf *text, const char *wanted)
{
	if (!strstr(text->data, wanted))
		fail_msg("not there: %s", wanted);
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");

		longest = length > longest ? length : longest;
		text += length + (text[length] == '\n');
	}
	return longest;
}

static void overview_names_every_verb_and_global_option(void **state unused_parameter)
{
	scoped_strbuf text = {0};

	help_overview(&text);
	for (const struct verb *verb = verbs; verb->name; verb++)
		assert_contains(&text, verb->summary);
	for (const struct option *option = global_options; option->name; option++)
		assert_contains(&text, option->name);
	assert_true(longest_line(text.data) <= 100);
}

static void help_of_a_verb_says_all_that_the_table_does(void **state unused_parameter)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		scoped_strbuf text = {0};

		help_verb(&text, verb);
		assert_contains(&text, verb->name);
		assert_contains(&text, verb->summary);
		assert_contains(&text, verb->words);
		assert_contains(&text, verb->example);
		for (const struct option *option = verb->options; option && option->name; option++)
			assert_contains(&text, option->name);
		assert_true(longest_line(text.data) <= 100);
	}
}

/* The name as roff wants it: with dashes that are minus signs. */
static void escape_dashes(const char *name, struct strbuf *escaped)
{
	strbuf_adds(escaped, "\\fB\\-\\-");
	for (; *name; name++) {
		if (*name == '-')
			strbuf_adds(escaped, "\\-");
		else
			strbuf_add(escaped, name, 1);
	}
	strbuf_adds(escaped, "\\fR");
}

static void assert_options_in_page(const struct strbuf *page, const struct option *table)
{
	for (; table && table->name; table++) {
		scoped_strbuf escaped = {0};

		escape_dashes(table->name, &escaped);
		assert_contains(page, escaped.data);
	}
}

static void manual_page_has_every_verb_and_option(void **state unused_parameter)
{
	scoped_strbuf page = {0};

	manual_page(&page);
	assert_true(strncmp(page.data, ".TH ", 4) == 0);
	assert_contains(&page, "\n.SH EXIT STATUS\n");
	assert_options_in_page(&page, global_options);
	for (const struct verb *verb = verbs; verb->name; verb++) {
		scoped_strbuf heading = {0};

		strbuf_addf(&heading, "\n.SS \"%s\"\n", verb->name);
		assert_contains(&page, heading.data);
		assert_options_in_page(&page, verb->options);
	}
}

/* Each line that begins with a dot is a request we use: text was escaped. */
static void manual_page_has_no_stray_requests(void **state unused_parameter)
{
	static const char *const requests[] = {".TH ", ".SH ",  ".SS ",  ".TP\n", ".B ",   ".BR ",
	                                       ".I ",  ".PP\n", ".nf\n", ".fi\n", ".RS\n", ".RE\n"};
	scoped_strbuf page = {0};
	size_t seen = 0;

	manual_page(&page);
	for (const char *line = page.data; line; line = strchr(line, '\n')) {
		size_t matches = 0;

		line += *line == '\n';
		if (*line != '.' && *line != '\'')
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
			matches += strncmp(line, requests[i], strlen(requests[i])) == 0;
		assert_int_equal(matches, 1);
		seen++;
	}
	assert_true(seen > 100);
}

static void completion_has_every_verb_and_option(void **state unused_parameter)
{
	scoped_strbuf script = {0};

	completion_bash(&script);
	assert_contains(&script, "complete -o default -F _lvm_run lvm-run\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		scoped_strbuf wanted = {0};

		strbuf_addf(&wanted, "\n\t%s) options='", verb->name);
		assert_contains(&script, wanted.data);
		for (const struct option *option = verb->options; option && option->name;
		     option++) {
			scoped_strbuf spelling = {0};

			strbuf_addf(&spelling, "--%s ", option->name);
			assert_contains(&script, spelling.data);
		}
	}
}

/* Single quotes delimit all words in the script; none of the words may have one. */
static void completion_quotes_are_balanced(void **state unused_parameter)
{
	scoped_strbuf script = {0};
	size_t quotes = 0;

	completion_bash(&script);
	for (const char *at = script.data; *at; at++) {
		quotes += *at == '\'';
		if (*at == '\n')
			assert_int_equal(quotes % 2, 0);
	}
	assert_true(quotes > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overview_names_every_verb_and_global_option),
		cmocka_unit_test(help_of_a_verb_says_all_that_the_table_does),
		cmocka_unit_test(manual_page_has_every_verb_and_option),
		cmocka_unit_test(manual_page_has_no_stray_requests),
		cmocka_unit_test(completion_has_every_verb_and_option),
		cmocka_unit_test(completion_quotes_are_balanced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
