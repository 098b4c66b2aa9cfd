#include "spec/findings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { TEXT_SIZE = 600 };

void findings_done(struct findings *findings)
{
	arena_done(&findings->arena);
	free(findings->items);
	findings->items = NULL;
	findings->count = findings->capacity = 0;
}

static char *copy_printable(struct arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *c = copy; c && *c; c++) {
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	}
	return copy;
}

static struct finding *new_item(struct findings *findings)
{
	enum { FIRST = 16 };

	if (findings->count == findings->capacity) {
		size_t capacity = findings->capacity ? 2 * findings->capacity : FIRST;
		struct finding *items = realloc(findings->items, capacity * sizeof(*items));

		if (!items)
			return NULL;
		findings->items = items;
		findings->capacity = capacity;
	}
	return &findings->items[findings->count];
}

/* Whether something is wrong already with what the path leads through, or with itself. */
static bool is_follow_up(const struct findings *findings, const char *path)
{
	for (size_t i = 0; i < findings->count; i++) {
		const char *known = findings->items[i].path;
		size_t length = strlen(known);

		if (findings->items[i].level == FINDING_ERROR && str_starts(path, known) &&
		    (length == 0 || path[length] == '\0' || path[length] == '.' ||
		     path[length] == '['))
			return true;
	}
	return false;
}

static void add(struct findings *findings, enum finding_level level, const char *path,
                const char *text)
{
	struct finding *item;

	if (is_follow_up(findings, path))
		return;
	item = new_item(findings);
	if (item)
		*item = (struct finding){
			.level = level,
			.path = copy_printable(&findings->arena, path),
			.text = copy_printable(&findings->arena, text),
		};
	if (item && item->path && item->text)
		findings->count++;
	else
		findings->failed = true;
}

void finding_add(struct findings *findings, enum finding_level level, const char *path,
                 const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	add(findings, level, path, text);
}

size_t findings_count(const struct findings *findings, enum finding_level level)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].level == level;
	return count;
}

/* --- Checks --- */

static int report(const struct spec_sink *out, int code, const char *path, const char *text)
{
	if (!out->all)
		return error_set(out->err, code, "%s: %s", path, text);
	add(out->all, FINDING_ERROR, path, text);
	return 0;
}

int spec_invalid(const struct spec_sink *out, const char *path, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return report(out, EINVAL, path, text);
}

int spec_refuse(const struct spec_sink *out, int code, const char *path, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return report(out, code, path, text);
}
