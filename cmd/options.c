#include "cmd/options.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static void *member(const struct option *option, void *target)
{
	return (char *)target + option->offset;
}

void options_done(const struct option *table, void *target)
{
	for (; table && table->name; table++) {
		if (table->kind == OPTION_LIST || table->kind == OPTION_STEP) {
			struct option_list *list = member(table, target);

			free(list->items);
			*list = (struct option_list){0};
		}
	}
}

static int list_add(struct option_list *list, char *value, struct error *err)
{
	char **grown = realloc(list->items, (list->count + 2) * sizeof(*grown));

	if (!grown)
		return error_code(err, ENOMEM, "options");
	grown[list->count++] = value;
	grown[list->count] = NULL;
	list->items = grown;
	return 0;
}

bool option_value_optional(const struct option *option)
{
	return (option->kind == OPTION_IGNORED && option->argument) ||
	       option->kind == OPTION_CHOICE;
}

bool option_word_allowed(const char *argument, const char *word)
{
	size_t length = strlen(word);

	if (!strchr(argument, '|'))
		return true;
	while (*argument) {
		size_t choice = strcspn(argument, "|");

		if (choice == length && memcmp(argument, word, length) == 0)
			return true;
		argument += choice + (argument[choice] == '|');
	}
	return false;
}

static const struct option *find_long(const struct option *table, const char *name, size_t length)
{
	for (; table && table->name; table++) {
		if (strlen(table->name) == length && memcmp(table->name, name, length) == 0)
			return table;
	}
	return NULL;
}

static const struct option *find_letter(const struct option *table, char letter)
{
	for (; table && table->name; table++) {
		if (strchr(table->letters, letter))
			return table;
	}
	return NULL;
}

static int parse_bool(const char *text, bool *ret)
{
	static const char *const words[] = {"false", "true", "0", "1", "f", "t"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret = i % 2 == 1;
			return 0;
		}
	}
	return -EINVAL;
}

static int store_flag(const struct option *option, const char *value, void *target,
                      struct error *err)
{
	bool on = true;

	if (value && parse_bool(value, &on) < 0)
		return error_set(err, EINVAL, "option --%s takes no argument '%s'", option->name,
		                 value);
	if (option->kind == OPTION_FLAG)
		*(bool *)member(option, target) = on;
	return 0;
}

static int store_number(const struct option *option, const char *value, void *target,
                        struct error *err)
{
	uint64_t number;

	if (parse_u64(value, &number) < 0 || number > INT_MAX)
		return error_set(err, EINVAL, "option --%s: '%s' is not a number", option->name,
		                 value);
	*(unsigned int *)member(option, target) = (unsigned int)number;
	return 0;
}

static int store_value(const struct option *option, char *value, void *target, struct error *err)
{
	if (!option_word_allowed(option->argument, value))
		return error_set(err, EINVAL, "option --%s: '%s' is none of %s", option->name,
		                 value, option->argument);
	switch (option->kind) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
		*(const char **)member(option, target) = value;
		return 0;
	case OPTION_NUMBER:
		return store_number(option, value, target, err);
	case OPTION_LIST:
		return list_add(member(option, target), value, err);
	case OPTION_FLAG:
	case OPTION_STEP:
	case OPTION_IGNORED:
		break;
	}
	return 0;
}

/* "--bind SRC DEST", "--bind=SRC:DEST", "--tmpfs DEST". */
static int take_step(const struct option_scan *scan, const struct option *option, char *first,
                     char *second, struct error *err)
{
	struct option_list *list = member(option, scan->target);
	char *name = (char *)(uintptr_t)option->name;
	int r = list_add(list, name, err);

	if (r == 0)
		r = list_add(list, first, err);
	return r < 0 ? r : list_add(list, second, err);
}

static int take_step_words(const struct option_scan *scan, const struct option *option,
                           char *attached, char ***next, struct error *err)
{
	bool two = option->argument && strchr(option->argument, ' ') != NULL;
	char *first = attached ? attached : **next, *second = first;

	if (!attached && first)
		(*next)++;
	if (two && attached) {
		second = strchr(attached, ':');
		if (second)
			*second++ = '\0';
	} else if (two && first) {
		second = **next;
		*next += second != NULL;
	}
	if (!first || !second)
		return error_set(err, EINVAL, "option --%s requires %s", option->name,
		                 option->argument ? option->argument : "a word");
	return take_step(scan, option, first, second, err);
}

/* The option's value is `attached` (null: none was), else the next word at *next. */
static int take(const struct option_scan *scan, const struct option *option, char *attached,
                char ***next, struct error *err)
{
	if (option->kind == OPTION_CHOICE && !attached) {
		*(const char **)member(option, scan->target) = option->argument;
		return 0;
	}
	if (option->kind == OPTION_STEP)
		return take_step_words(scan, option, attached, next, err);
	if (!option->argument)
		return store_flag(option, attached, scan->target, err);
	if (!attached && option_value_optional(option)) {
		if (**next && option_word_allowed(option->argument, **next))
			(*next)++;
		return 0;
	}
	if (!attached) {
		if (!**next)
			return error_set(err, EINVAL, "option --%s requires an argument",
			                 option->name);
		attached = *(*next)++;
	}
	return store_value(option, attached, scan->target, err);
}

static int take_long(const struct option_scan *scan, char *name, char ***next, struct error *err)
{
	size_t length = strcspn(name, "=");
	const struct option *option = find_long(scan->table, name, length);

	if (!option)
		return error_set(err, EINVAL, "unknown option --%.*s", (int)length, name);
	return take(scan, option, name[length] ? name + length + 1 : NULL, next, err);
}

static int take_letters(struct option_scan *scan, char *letters, char ***next, struct error *err)
{
	for (; *letters; letters++) {
		const struct option *option = find_letter(scan->table, *letters);
		char *attached = letters[1] == '=' ? letters + 2 : NULL;

		if (!option && *letters == 'h') {
			scan->help = true;
			return 0;
		}
		if (!option)
			return error_set(err, EINVAL, "unknown option -%c", *letters);
		if (!attached && option->argument && letters[1])
			attached = letters + 1;

		int r = take(scan, option, attached, next, err);

		if (r < 0 || attached || option->argument)
			return r;
	}
	return 0;
}

static int take_option(struct option_scan *scan, char *word, char ***next, struct error *err)
{
	if (str_equal(word, "--help") || str_equal(word, "-help")) {
		scan->help = true;
		return 0;
	}
	if (word[1] == '-')
		return take_long(scan, word + 2, next, err);
	/* "-no-subreaper", as programs that know Go's flag package write it. */
	if (find_long(scan->table, word + 1, strcspn(word + 1, "=")))
		return take_long(scan, word + 1, next, err);
	return take_letters(scan, word + 1, next, err);
}

int options_parse(struct option_scan *scan, struct error *err)
{
	char **next = scan->words;
	bool only_words = false;

	scan->count = 0;
	scan->help = false;
	while (*next && !scan->help) {
		char *word = *next++;

		if (only_words || word[0] != '-' || word[1] == '\0') {
			scan->words[scan->count++] = word;
			only_words = only_words || scan->count == scan->stop_after;
		} else if (str_equal(word, "--")) {
			only_words = true;
		} else {
			int r = take_option(scan, word, &next, err);

			if (r < 0)
				return r;
		}
	}
	scan->words[scan->count] = NULL;
	return 0;
}
