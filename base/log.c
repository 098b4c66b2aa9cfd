#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

static struct log_target target = {.fd = STDERR_FILENO, .level = LOG_LEVEL_WARNING};

void log_set_target(const struct log_target *new_target)
{
	target = *new_target;
}

const struct log_target *log_get_target(void)
{
	return &target;
}

static void add_json_string(struct strbuf *line, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			strbuf_addf(line, "\\%c", c);
		else if (c < 0x20)
			strbuf_addf(line, "\\u%04x", c);
		else
			strbuf_add(line, text, 1);
	}
}

static void format_json(struct strbuf *line, const char *level, const char *message)
{
	char now[CLOCK_TEXT_SIZE];

	strbuf_adds(line, "{\"msg\":\"");
	add_json_string(line, message);
	strbuf_addf(line, "\",\"level\":\"%s\",\"time\":\"%s\"}\n", level, clock_format_now(now));
}

void log_write(enum log_level level, const char *format, ...)
{
	static const char *const names[] = {"error", "warning", "debug"};
	scoped_strbuf line = {0};
	char message[ERROR_TEXT_SIZE + 256];
	va_list args;

	if (target.fd < 0 || level > target.level)
		return;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (target.json)
		format_json(&line, names[level], message);
	else if (level == LOG_LEVEL_ERROR)
		strbuf_addf(&line, "lvm-run: %s\n", message);
	else
		strbuf_addf(&line, "lvm-run: %s: %s\n", names[level], message);
	if (!line.failed)
		(void)!fd_write_all(target.fd, line.data, line.length);
}
