#include "helper/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* %XX to its byte, in place. */
static int decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '%') {
			int high = hex_digit(text[1]);
			int low = high < 0 ? -1 : hex_digit(text[2]);

			if (low < 0 || (high == 0 && low == 0))
				return -EINVAL;
			*to++ = (char)(high * 16 + low);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

int request_parse(char *text, struct request *ret)
{
	size_t capacity = count_lines(text);
	struct request request = {.lines = calloc(capacity + 1, sizeof(*request.lines))};
	char *line;

	if (!request.lines)
		return -ENOMEM;
	request.service = strsep(&text, "\n");
	while ((line = strsep(&text, "\n")) && *line) {
		struct request_line *to = &request.lines[request.count];

		to->key = line;
		to->value = strchr(line, '=');
		if (!to->value || request.count == capacity) {
			free(request.lines);
			return -EINVAL;
		}
		*to->value++ = '\0';
		if (decode(to->value) < 0) {
			free(request.lines);
			return -EINVAL;
		}
		request.count++;
	}
	*ret = request;
	return 0;
}

const char *request_get(const struct request *request, const char *key)
{
	for (size_t i = 0; i < request->count; i++) {
		if (strcmp(request->lines[i].key, key) == 0)
			return request->lines[i].value;
	}
	return NULL;
}

void answer_ok(void)
{
	(void)fputs("ok\n", stdout);
}

void answer_error(int code, const char *format, ...)
{
	char text[700];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	(void)printf("error %d %s\n", code, text);
}
