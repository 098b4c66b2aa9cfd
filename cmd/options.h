/*
 * Options of the command line, described by tables: one row an option. The parser, the help texts,
 * the man page and the shell completion all read the same rows.
 *
 * Spellings: "--name value", "--name=value", "-l value", "-lvalue", "-l=value", flags bundled as "-td"
 * and set as "--flag" or "--flag=true|false", "--" before words that are no options. An option with
 * OPTION_SINGLE_DASH is also known as "-name". "-h" and "--help" are known everywhere.
 *
 *	struct kill_arguments arguments = {0};
 *	struct option_scan scan = {.table = kill_options, .target = &arguments, .words = words};
 *	options_parse(&scan, &err);      scan.words now holds the other words, scan.count of them
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
	OPTION_IGNORED /* checked, but kept nowhere: known to other runtimes */
};

enum {
	OPTION_SINGLE_DASH = 1,   /* also "-name" */
	OPTION_VALUE_OPTIONAL = 2 /* of OPTION_IGNORED: "--name", "--name=value", "--name value" */
};

struct option {
	const char *name;    /* without dashes; null ends a table */
	const char *letters; /* the short spellings, the first one is the one shown; "" for none */
	enum option_kind kind;
	unsigned int flags;
	size_t offset;        /* of the member in the target */
	const char *argument; /* "DIR"; "a|b|c": one of these words; null: takes none */
	const char *help;     /* one phrase, begins with a small letter, no full stop */
};

/* The values of a repeatable option; `items` ends with null once there is one. */
struct option_list {
	char **items;
	size_t count;
};
void option_list_done(struct option_list *list);

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

/* Whether `word` is one of "a|b|c"; always true for a metavariable without a '|'. */
bool option_word_allowed(const char *argument, const char *word);

#endif
