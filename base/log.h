/*
 * What a person or an engine is told besides the result: warnings and debug lines. The target is
 * set once by cmd/; below cmd/ nothing prints. Host side; a child sends its error over the sync socket.
 */
#ifndef LVM_RUN_BASE_LOG_H
#define LVM_RUN_BASE_LOG_H

#include <stdbool.h>

#include "base/macro.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_DEBUG };

struct log_target {
	int fd;               /* −1: nothing is written */
	bool json;            /* one object {"msg","level","time"} a line, else plain text */
	enum log_level level; /* what is less important than this is dropped */
};

/* Takes over the target (the fd stays open for the life of the process). */
void log_set_target(const struct log_target *target);
const struct log_target *log_get_target(void);

/* One record; the newline is added. */
void log_write(enum log_level level, const char *format, ...) printf_like(2, 3);

#endif
