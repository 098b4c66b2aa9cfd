/* The completion script for bash. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/help.h"
#include "cmd/output.h"

/* All spellings of a table's options, separated by blanks. */
static void add_option_words(struct strbuf *script, const struct option *table)
{
	for (; table && table->name; table++) {
		strbuf_addf(script, "--%s ", table->name);
		for (const char *letter = table->letters; *letter; letter++)
			strbuf_addf(script, "-%c ", *letter);
	}
	strbuf_adds(script, "--help -h");
}

static bool is_any_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (str_equal(words[i], word))
			return true;
	}
	return false;
}

/* What may stand after an option, as bash's compgen(1) makes it. */
static void add_value_action(struct strbuf *script, const struct option *option)
{
	static const char *const paths[] = {"FILE", "SOCKET"};

	if (strchr(option->argument, '|')) {
		strbuf_adds(script, "words='");
		for (const char *at = option->argument; *at; at++)
			strbuf_add(script, *at == '|' ? " " : at, 1);
		strbuf_adds(script, "'");
	} else if (str_equal(option->argument, "DIR")) {
		strbuf_adds(script, "_lvm_run_reply -d; return");
	} else if (is_any_of(option->argument, paths, ARRAY_SIZE(paths))) {
		strbuf_adds(script, "_lvm_run_reply -f; return");
	} else {
		strbuf_adds(script, "return");
	}
}

/* Cases for the word before the one that is completed: "verb:--option". */
static void add_value_cases(struct strbuf *script, const char *verb, const struct option *table)
{
	for (; table && table->name; table++) {
		if (!table->argument || option_value_optional(table))
			continue;
		strbuf_addf(script, "\t%s:--%s", verb, table->name);
		for (const char *letter = table->letters; *letter; letter++)
			strbuf_addf(script, " | %s:-%c", verb, *letter);
		strbuf_adds(script, ") ");
		add_value_action(script, table);
		strbuf_adds(script, " ;;\n");
	}
}

/* Options before the verb whose value is a word of its own, for finding the verb. */
static void add_global_takers(struct strbuf *script)
{
	const char *separator = "";

	for (const struct option *option = global_options; option->name; option++) {
		if (option->argument && !(option_value_optional(option)) &&
		    !str_equal(option->name, "root")) {
			strbuf_addf(script, "%s--%s", separator, option->name);
			separator = " | ";
		}
	}
}

static void add_verb_names(struct strbuf *script)
{
	const char *separator = "";

	for (const struct verb *verb = verbs; verb->name; verb++) {
		strbuf_addf(script, "%s%s", separator, verb->name);
		separator = " ";
	}
}

/* What may stand where no option does. */
static void add_word_cases(struct strbuf *script)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		strbuf_addf(script, "\t%s) options='", verb->name);
		add_option_words(script, verb->options);
		strbuf_adds(script, "'");
		if ((verb->flags & (VERB_ID | VERB_NEW)) == VERB_ID)
			strbuf_adds(script, "; ids=1");
		if (str_equal(verb->words, "[VERB]"))
			strbuf_adds(script, "; words=$verbs");
		else if (verb->words[0] && !(verb->flags & VERB_ID))
			strbuf_addf(script, "; words='%s'", verb->words);
		strbuf_adds(script, " ;;\n");
	}
}

static const char find_verb[] =
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--root) root=(--root \"${COMP_WORDS[i + 1]}\"); i=$((i + 1)) ;;\n";

static const char find_verb_end[] = ") i=$((i + 1)) ;;\n"
				    "\t\t-*) ;;\n"
				    "\t\t=) ;;\n"
				    "\t\t*) verb=${COMP_WORDS[i]}; break ;;\n"
				    "\t\tesac\n"
				    "\tdone\n";

static const char conclusion[] =
	"\tif [[ $cur == -* ]]; then\n"
	"\t\twords=$options\n"
	"\telif [[ $ids ]]; then\n"
	"\t\twords=$(\"${COMP_WORDS[0]}\" \"${root[@]}\" list --quiet 2>/dev/null)\n"
	"\tfi\n"
	"\t_lvm_run_reply -W \"$words\"\n"
	"}\n"
	"complete -o default -F _lvm_run lvm-run\n";

void completion_bash(struct strbuf *script)
{
	strbuf_adds(script,
	            "# bash completion for lvm-run; printed by: lvm-run completion bash\n"
	            "_lvm_run_reply() { mapfile -t COMPREPLY < <(compgen \"$@\" -- \"$cur\"); }\n"
	            "_lvm_run() {\n"
	            "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb='' i words='' options='' ids=''\n"
	            "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]} root=() verbs='");
	add_verb_names(script);
	strbuf_adds(script, "'\n\tCOMPREPLY=()\n");
	strbuf_adds(script, find_verb);
	strbuf_adds(script, "\t\t");
	add_global_takers(script);
	strbuf_adds(script, find_verb_end);
	strbuf_adds(script, "\tcase $verb:$prev in\n");
	add_value_cases(script, "", global_options);
	for (const struct verb *verb = verbs; verb->name; verb++)
		add_value_cases(script, verb->name, verb->options);
	strbuf_adds(script, "\tesac\n"
	                    "\tif [[ $words ]]; then\n"
	                    "\t\t_lvm_run_reply -W \"$words\"\n"
	                    "\t\treturn\n"
	                    "\tfi\n"
	                    "\tcase $verb in\n"
	                    "\t'') words=$verbs; options='");
	add_option_words(script, global_options);
	strbuf_adds(script, "' ;;\n");
	add_word_cases(script);
	strbuf_adds(script, "\tesac\n");
	strbuf_adds(script, conclusion);
}

int completion_main(const struct call *call, struct error *err)
{
	scoped_strbuf script = {0};

	if (!str_equal(call->words[0], "bash"))
		return call_usage_error(call, err, "no completion for '%s', only for bash",
		                        call->words[0]);
	completion_bash(&script);
	return output_buffer(&script, err);
}
