#include "cmd/help.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/output.h"
#include "cmd/version.h"

enum { HELP_WIDTH = 96, HELP_INDENT = 2, OPTION_TEXT_INDENT = 8 };

/* "  -b, --bundle DIR" and its explanation below. */
static void add_option(struct strbuf *text, const struct option *option)
{
	const char *separator = option_value_optional(option) ? "[=" : " ";

	if (option->letters[0])
		strbuf_addf(text, "  -%c, --%s", option->letters[0], option->name);
	else
		strbuf_addf(text, "  --%s", option->name);
	if (option->argument)
		strbuf_addf(text, "%s%s%s", separator, option->argument, separator[1] ? "]" : "");
	strbuf_adds(text, "\n");
	output_wrapped(text, option->help, OPTION_TEXT_INDENT, HELP_WIDTH);
}

static void add_options(struct strbuf *text, const char *title, const struct option *table)
{
	if (!table)
		return;
	strbuf_addf(text, "\n%s:\n", title);
	for (; table->name; table++)
		add_option(text, table);
}

static void add_group(struct strbuf *text, enum verb_group group)
{
	strbuf_addf(text, "\n%s:\n", verb_groups[group].title);
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (verb->group == group)
			strbuf_addf(text, "  %-11s %s\n", verb->name, verb->summary);
	}
	strbuf_addf(text, "      $ %s\n", verb_groups[group].example);
}

void help_overview(struct strbuf *text)
{
	strbuf_addf(text, "lvm-run %s runs OCI containers.\n\n", version_number);
	strbuf_adds(text, "usage: lvm-run [GLOBAL OPTION...] VERB [OPTION...] [WORD...]\n");
	for (int group = 0; group < VERB_GROUP_COUNT; group++)
		add_group(text, (enum verb_group)group);
	add_options(text, "Global options, before the verb", global_options);
	strbuf_adds(text, "\nlvm-run VERB --help explains a verb, lvm-run doctor this host.\n");
}

void help_verb(struct strbuf *text, const struct verb *verb)
{
	strbuf_addf(text, "usage: lvm-run %s%s%s%s\n\n", verb->name,
	            verb->options ? " [OPTION...]" : "", verb->words[0] ? " " : "", verb->words);
	strbuf_addf(text, "lvm-run %s: %s.\n", verb->name, verb->summary);
	if (verb->alias)
		strbuf_addf(text, "Also known as lvm-run %s.\n", verb->alias);
	strbuf_adds(text, "\n");
	output_wrapped(text, verb->details, 0, HELP_WIDTH);
	add_options(text, "Options", verb->options);
	if (verb->example)
		strbuf_addf(text, "\nExample:\n      $ %s\n", verb->example);
}

int help_print_overview(struct error *err)
{
	scoped_strbuf text = {0};

	help_overview(&text);
	return output_buffer(&text, err);
}

int help_print_verb(const struct verb *verb, struct error *err)
{
	scoped_strbuf text = {0};

	help_verb(&text, verb);
	return output_buffer(&text, err);
}

int help_main(const struct call *call, struct error *err)
{
	const char *name = call->words[0];

	if (!name)
		return help_print_overview(err);

	const struct verb *verb = verb_find(name);

	if (!verb)
		return error_set(err, EINVAL, "unknown verb '%s'; see 'lvm-run --help'", name);
	return help_print_verb(verb, err);
}
