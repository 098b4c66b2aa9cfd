#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Appends to a text of ERROR_TEXT_SIZE bytes; what does not fit is dropped. */
static void text_append(char *text, const char *more)
{
	size_t used = strnlen(text, ERROR_TEXT_SIZE - 1);
	size_t room = ERROR_TEXT_SIZE - 1 - used;
	size_t size = strnlen(more, room);

	memcpy(text + used, more, size);
	text[used + size] = '\0';
}

static int printf_like(3, 0) fill(struct error *err, int code, const char *format, va_list args)
{
	if (code <= 0) /* a bug elsewhere must not turn a failure into success */
		code = EIO;
	err->code = code;
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	return -code;
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = fill(err, code, format, args);
	va_end(args);
	return r;
}

int error_errno(struct error *err, const char *format, ...)
{
	int code = errno;
	va_list args;

	va_start(args, format);
	int r = fill(err, code, format, args);
	va_end(args);
	text_append(err->text, ": ");
	text_append(err->text, error_describe(code));
	return r;
}

int error_code(struct error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = fill(err, code, format, args);
	va_end(args);
	text_append(err->text, ": ");
	text_append(err->text, error_describe(code));
	return r;
}

int error_wrap(struct error *err, const char *format, ...)
{
	char inner[ERROR_TEXT_SIZE];
	va_list args;

	memcpy(inner, err->text, sizeof(inner));
	inner[sizeof(inner) - 1] = '\0';
	va_start(args, format);
	int r = fill(err, err->code, format, args);
	va_end(args);
	text_append(err->text, ": ");
	text_append(err->text, inner);
	return r;
}
