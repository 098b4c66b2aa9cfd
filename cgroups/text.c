#include "cgroups/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

bool text_has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		text += strspn(text, " \t\n");

		size_t size = strcspn(text, " \t\n");

		if (size == 0)
			return false;
		if (size == length && memcmp(text, word, size) == 0)
			return true;
		text += size;
	}
}

bool text_list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (;;) {
		size_t size = strcspn(list, ",");

		if (size == length && memcmp(list, word, size) == 0)
			return true;
		if (!list[size])
			return false;
		list += size + 1;
	}
}

/* A short decimal number at the start of `text`, followed by one of `ends` or the end; else −1. */
static int leading_number(const char *text, const char *ends)
{
	char digits[12];
	size_t size = strspn(text, "0123456789");
	int value = 0;

	if (size == 0 || size >= sizeof(digits) || (text[size] && !strchr(ends, text[size])))
		return -1;
	memcpy(digits, text, size);
	digits[size] = '\0';
	return parse_int(digits, 0, 0x7fffffff, &value) < 0 ? -1 : value;
}

int text_flat_key(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (*text) {
		if (strncmp(text, key, length) == 0 && text[length] == ' ')
			return leading_number(text + length + 1, "\n");
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return -1;
}

char *text_next_line(char **cursor)
{
	char *line = *cursor;

	if (!line || !*line)
		return NULL;
	*cursor = line + strcspn(line, "\n");
	if (**cursor)
		*(*cursor)++ = '\0';
	return line;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes blank, tab, newline and backslash as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] <= '3' && is_octal(text[1]) && is_octal(text[2]) &&
		    is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 +
			               (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/*
 * Fields: 1 id, 2 parent, 3 device, 4 root, 5 mount point, 6 options, optional fields, "-", type,
 * source, super options.
 */
bool text_parse_mountinfo(char *line, struct mountinfo_line *ret)
{
	struct mountinfo_line found = {0};
	char *rest = line;
	char *field;
	int number = 0;
	int after = -1; /* fields since the "-" */

	while ((field = strsep(&rest, " "))) {
		number++;
		if (after >= 0)
			after++;
		else if (number > 6 && str_equal(field, "-"))
			after = 0;
		if (number == 4)
			found.root = field;
		else if (number == 5)
			found.mount_point = field;
		else if (after == 1)
			found.type = field;
		else if (after == 3)
			found.super_options = field;
	}
	if (!found.super_options || !*found.mount_point)
		return false;
	unescape((char *)(size_t)found.root);
	unescape((char *)(size_t)found.mount_point);
	*ret = found;
	return true;
}

bool text_own_group(const char *text, char *ret, size_t size)
{
	while (*text) {
		size_t length = strcspn(text, "\n");

		if (length > 3 && memcmp(text, "0::/", 4) == 0) {
			if (length - 3 >= size)
				return false;
			memcpy(ret, text + 3, length - 3);
			ret[length - 3] = '\0';
			return true;
		}
		text += length;
		text += *text == '\n';
	}
	return false;
}

bool text_find_controller(const char *text, const char *name, struct controller_line *ret)
{
	size_t length = strlen(name);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		if (strncmp(text, name, length) != 0 || text[length] != '\t')
			continue;

		const char *hierarchy = text + length + 1;
		const char *count = hierarchy + strspn(hierarchy, "0123456789");
		const char *enabled = count;

		if (*count == '\t') {
			enabled = count + 1;
			enabled += strspn(enabled, "0123456789");
		}

		int number = leading_number(hierarchy, "\t");

		if (number < 0 || *enabled != '\t')
			return false;
		*ret = (struct controller_line){.hierarchy = number, .enabled = enabled[1] == '1'};
		return true;
	}
	return false;
}
