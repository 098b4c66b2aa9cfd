/*
 * The parser of the command line, with the real tables: the input is words that end with NUL; the
 * first one picks the verb (none: the global options).
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "cmd/options.h"
#include "cmd/verbs.h"

enum { MAX_WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words point into `text`, which ends with NUL. */
static size_t split(char *text, size_t size, char **words)
{
	size_t count = 0;

	for (char *at = text; at < text + size && count < MAX_WORDS; at += strlen(at) + 1)
		words[count++] = at;
	return count;
}

static void parse(const struct option *table, int stop_after, char **words)
{
	union {
		union verb_arguments verb;
		struct global_options global;
	} target = {0};
	struct option_scan scan = {
		.table = table, .target = &target, .words = words, .stop_after = stop_after};
	struct error err;
	int before = 0;

	while (words[before])
		before++;
	if (options_parse(&scan, &err) == 0 && (scan.count > before || words[scan.count]))
		abort();
	options_done(table, &target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *words[MAX_WORDS + 1] = {0};
	const struct verb *verb;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	if (split(text, size, words) > 0) {
		verb = verb_find(words[0]);
		if (verb)
			parse(verb->options, verb->flags & VERB_REST ? 1 : OPTION_PERMUTE,
			      words + 1);
		else
			parse(global_options, 1, words);
	}
	free(text);
	return 0;
}
