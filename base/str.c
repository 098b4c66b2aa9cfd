#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and a NUL; false (and failed) when memory runs out. */
static bool reserve(struct strbuf *buffer, size_t more)
{
	if (buffer->failed)
		return false;

	size_t need = buffer->length + more + 1;
	size_t capacity = buffer->capacity ? buffer->capacity : 256;

	if (need <= buffer->capacity)
		return true;
	while (capacity < need)
		capacity *= 2;

	char *grown = realloc(buffer->data, capacity);

	if (!grown) {
		buffer->failed = true;
		return false;
	}
	buffer->data = grown;
	buffer->capacity = capacity;
	return true;
}

void strbuf_done(struct strbuf *buffer)
{
	free(buffer->data);
	*buffer = (struct strbuf){0};
}

void strbuf_add(struct strbuf *buffer, const char *data, size_t size)
{
	if (!reserve(buffer, size))
		return;
	if (size > 0)
		memcpy(buffer->data + buffer->length, data, size);
	buffer->length += size;
	buffer->data[buffer->length] = '\0';
}

void strbuf_adds(struct strbuf *buffer, const char *text)
{
	strbuf_add(buffer, text, strlen(text));
}

void strbuf_addf(struct strbuf *buffer, const char *format, ...)
{
	va_list args;
	va_list again;

	va_start(args, format);
	va_copy(again, args);

	int size = vsnprintf(NULL, 0, format, args);

	va_end(args);
	if (size < 0) {
		buffer->failed = true;
	} else if (reserve(buffer, (size_t)size)) {
		(void)vsnprintf(buffer->data + buffer->length, (size_t)size + 1, format, again);
		buffer->length += (size_t)size;
	}
	va_end(again);
}

void strbuf_add_escaped(struct strbuf *buffer, const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte < ' ' || byte == 0x7f || byte == '\\')
			strbuf_addf(buffer, "\\%03o", byte);
		else
			strbuf_add(buffer, text, 1);
	}
}

char *strbuf_take(struct strbuf *buffer)
{
	char *data = NULL;

	if (reserve(buffer, 0)) {
		data = buffer->data;
		data[buffer->length] = '\0';
		*buffer = (struct strbuf){0};
	}
	return data;
}

void str_free(char **text)
{
	free(*text);
	*text = NULL;
}

char *str_take(char **text)
{
	char *taken = *text;

	*text = NULL;
	return taken;
}

char *str_format(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int size = vasprintf(&text, format, args);
	va_end(args);
	return size < 0 ? NULL : text;
}

bool str_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text);
	size_t tail = strlen(suffix);

	return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

int parse_u64(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;

		uint64_t digit = (uint64_t)(*text - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

int parse_i64(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	uint64_t magnitude = 0;
	int r = parse_u64(negative ? text + 1 : text, &magnitude);

	if (r < 0)
		return r;
	if (magnitude > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return 0;
}

int parse_int(const char *text, int min, int max, int *ret)
{
	int64_t value = 0;
	int r = parse_i64(text, &value);

	if (r < 0)
		return r;
	if (value < min || value > max)
		return -ERANGE;
	*ret = (int)value;
	return 0;
}

int parse_id(const char *text, uint32_t *ret)
{
	uint64_t value = 0;
	int r = parse_u64(text, &value);

	if (r < 0)
		return r;
	if (value >= UINT32_MAX)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}
