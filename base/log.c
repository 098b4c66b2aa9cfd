#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
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

static const char *const level_names[] = {"error", "warning", "debug"};

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

static void format_json(struct strbuf *line, enum log_level level, const char *message)
{
	char now[CLOCK_TEXT_SIZE];

	strbuf_adds(line, "{\"msg\":\"");
	add_json_string(line, message);
	strbuf_addf(line, "\",\"level\":\"%s\",\"time\":\"%s\"}\n", level_names[level],
	            clock_format_now(now));
}

/* What stands for one message in a protocol that ends it with a newline. */
static void add_plain(struct strbuf *line, const char *text)
{
	for (; *text; text++)
		strbuf_add(line, (unsigned char)*text < ' ' ? " " : text, 1);
}

/* syslog(3): errors 3, warnings 4, debug 7; the facility of daemons is 3. */
static const int priorities[] = {3, 4, 7};
enum { FACILITY_DAEMON = 3 << 3 };

static void format_journal(struct strbuf *line, enum log_level level, const char *message)
{
	strbuf_addf(line, "PRIORITY=%d\nSYSLOG_IDENTIFIER=", priorities[level]);
	add_plain(line, target.identifier);
	strbuf_adds(line, "\nMESSAGE=");
	add_plain(line, message);
	strbuf_adds(line, "\n");
}

static void format_syslog(struct strbuf *line, enum log_level level, const char *message)
{
	strbuf_addf(line, "<%d>", FACILITY_DAEMON | priorities[level]);
	add_plain(line, target.identifier);
	strbuf_adds(line, ": ");
	add_plain(line, message);
}

static void format_text(struct strbuf *line, enum log_level level, const char *message)
{
	if (level == LOG_LEVEL_ERROR)
		strbuf_addf(line, "lvm-run: %s\n", message);
	else
		strbuf_addf(line, "lvm-run: %s: %s\n", level_names[level], message);
}

static void (*const formats[])(struct strbuf *, enum log_level, const char *) = {
	[LOG_FORM_TEXT] = format_text,
	[LOG_FORM_JSON] = format_json,
	[LOG_FORM_JOURNAL] = format_journal,
	[LOG_FORM_SYSLOG] = format_syslog,
};

int log_connect(enum log_form form, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	scoped_fd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	               form == LOG_FORM_JOURNAL ? "/run/systemd/journal/socket" : "/dev/log");
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_errno(err, "connect to %s", address.sun_path);
	return fd_take(&fd);
}

void log_write(enum log_level level, const char *format, ...)
{
	scoped_strbuf line = {0};
	char message[ERROR_TEXT_SIZE + 256];
	va_list args;

	if (target.fd < 0 || level > target.level)
		return;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	formats[target.form](&line, level, message);
	if (!line.failed)
		(void)!fd_write_all(target.fd, line.data, line.length);
}
