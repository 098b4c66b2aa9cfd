/*
 * Options of the command line, described by tables: one row an option. The parser, the help texts,
 * the man page and the shell completion all read the same rows.
 *
 * Spellings: "--name value", "--name=value", "-l value", "-lvalue", "-l=value", flags bundled as "-td"
 * and set as "--flag" or "--flag=true|false", "-name" for a whole name (which goes before bundled
 * letters), "--" before words that are no options. "-h" and "--help" are known everywhere.
 *
 *	struct kill_arguments arguments = {0};
 *	struct option_scan scan = {.table = kill_options, .target = &arguments, .words = words};
 *	options_parse(&scan, &err);      scan.words now holds the other words, scan.count of them
 *	options_done(kill_options, &arguments);
 */
#ifndef LVM_RUN_CMD_OPTIONS_H
#define LVM_RUN_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char *, the last one wins */
	OPTION_NUMBER, /* unsigned int */
	OPTION_LIST,   /* struct option_list, may be repeated */
	/*
	 * struct option_list shared by several rows, in the order of the command line: three items each,
	 * the option's name, its word, and its second word where `argument` has two ("SRC DEST"), else
	 * the first again.
	 */
	OPTION_STEP,
	OPTION_CHOICE, /* const char *; "--name=word", or "--name" alone for all of "a|b|c" */
	OPTION_IGNORED /* kept nowhere, known to other runtimes; a value may be missing, or be one of
	                  its words: "--name", "--name=value", "--name value" */
};

struct option {
	const char *name;    /* without dashes; null ends a table */
	const char *letters; /* the short spellings, the first one is the one shown; "" for none */
	enum option_kind kind;
	size_t offset;        /* of the member in the target */
	const char *argument; /* "DIR"; "a|b|c": one of these words; null: takes none */
	const char *help;     /* one phrase, begins with a small letter, no full stop */
};

/* The values of a repeatable option; `items` ends with null once there is one. */
struct option_list {
	char **items;
	size_t count;
};

enum { OPTION_PERMUTE = -1 };

struct option_scan {
	const struct option *table; /* may be null */
	void *target;               /* what the offsets count from */
	char **words; /* in: all words, ends with null; out: those that are no options */
	/* After so many words that are no options the rest is left alone; OPTION_PERMUTE: never. */
	int stop_after;
	int count; /* out: of words */
	bool help; /* out: help was asked for; what follows was not looked at */
};

/*
 * Sorts the words into options, stored in the target, and others, moved together in place. Texts
 * point into the words. −EINVAL with an error that names the option; what came before it is stored.
 */
int options_parse(struct option_scan *scan, struct error *err) must_check;

/* Frees what the options of the table keep in the target: the lists. */
void options_done(const struct option *table, void *target);

/* Whether the option may stand without its value. */
bool option_value_optional(const struct option *option);

/* Whether `word` is one of "a|b|c"; always true for a metavariable without a '|'. */
bool option_word_allowed(const char *argument, const char *word);

#endif
