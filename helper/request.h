/* A request as base/helper.h describes it, cut into lines. */
#ifndef LVM_RUN_HELPER_REQUEST_H
#define LVM_RUN_HELPER_REQUEST_H

#include <stddef.h>

#include "base/macro.h"

struct request_line {
	char *key;
	char *value; /* decoded */
};

struct request {
	char *service;
	struct request_line *lines;
	size_t count;
};

/* Cuts `text` in place; −EINVAL for a broken line, −ENOMEM. The lines are the caller's (free). */
int request_parse(char *text, struct request *ret) must_check;

/* The value of the first line with this key, or null. */
const char *request_get(const struct request *request, const char *key);

/* The answers: to standard output. Each ends the conversation. */
void answer_ok(void);
void answer_error(int code, const char *format, ...) printf_like(2, 3);

#endif
