/*
 * What a person or an engine is told besides the result: warnings and debug lines. The target is
 * set once by cmd/; below cmd/ nothing prints. Host side; a child sends its error over the sync socket.
 */
#ifndef LVM_RUN_BASE_LOG_H
#define LVM_RUN_BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_DEBUG };

enum log_form {
	LOG_FORM_TEXT,    /* a line */
	LOG_FORM_JSON,    /* one object {"msg","level","time"} a line */
	LOG_FORM_JOURNAL, /* a datagram of systemd's journal (systemd.io, "Native Journal Protocol") */
	LOG_FORM_SYSLOG /* a datagram of syslog (RFC 3164 without a time, as on /dev/log) */
};

struct log_target {
	int fd; /* −1: nothing is written */
	enum log_form form;
	enum log_level level;   /* what is less important than this is dropped */
	const char *identifier; /* of the last two forms: who speaks */
};

/*
 * Connects to the journal or to syslog, by the form. The socket or −errno with *err naming the address.
 */
int log_connect(enum log_form form, struct error *err) must_check;

/* Takes over the target (the fd stays open for the life of the process). */
void log_set_target(const struct log_target *target);
const struct log_target *log_get_target(void);

/* One record; the newline is added. */
void log_write(enum log_level level, const char *format, ...) printf_like(2, 3);

#endif
