#include "checkpoint/mountinfo.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

enum { LIMIT = 16 * 1024 * 1024 };

static bool is_octal(const char *text)
{
	for (int i = 0; i < 3; i++)
		if (text[i] < '0' || text[i] > '7')
			return false;
	return true;
}

/* Blanks, tabs, newlines and backslashes are written \ooo. */
static char *unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && is_octal(from + 1)) {
			int byte = (from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0');

			*to = (char)(unsigned char)byte;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
	return text;
}

static bool parse_line(char *line, struct mountinfo *ret)
{
	char *rest = strstr(line, " - ");
	char *fields[6];

	if (!rest)
		return false;
	*rest = '\0';
	rest += strlen(" - ");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = strsep(&line, " ");
		if (!fields[i])
			return false;
	}
	*ret = (struct mountinfo){
		.id = fields[0],
		.parent = fields[1],
		.device = fields[2],
		.root = unescape(fields[3]),
		.path = unescape(fields[4]),
		.options = fields[5],
		.propagation = line ? line : "",
		.type = strsep(&rest, " "),
	};
	ret->name = rest ? unescape(strsep(&rest, " ")) : "";
	ret->super = rest ? rest : "";
	return true;
}

int mountinfo_parse(char *text, struct arena *arena, struct mountinfo_list *ret, struct error *err)
{
	size_t lines = 1;
	struct mountinfo_list list = {0};

	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	list.items = arena_alloc(arena, lines, sizeof(*list.items));
	if (!list.items)
		return error_code(err, ENOMEM, "mountinfo");
	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n"))
		list.count += parse_line(line, &list.items[list.count]);
	*ret = list;
	return 0;
}

int mountinfo_read(int proc_fd, struct arena *arena, struct mountinfo_list *ret, struct error *err)
{
	scoped_str text = NULL;
	int r = file_read(proc_fd, "mountinfo", LIMIT, &text, NULL, err);

	if (r < 0)
		return r;

	char *copy = arena_strdup(arena, text);

	return copy ? mountinfo_parse(copy, arena, ret, err) : error_code(err, ENOMEM, "mountinfo");
}
