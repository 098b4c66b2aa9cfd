/*
 * Bytes from one descriptor to another through a buffer, without ever blocking. What is not begun has no buffer: most
 * sandboxes hand their streams on as they are. Host side.
 */
#ifndef LVM_RUN_SANDBOX_PUMP_H
#define LVM_RUN_SANDBOX_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

enum { PUMP_SIZE = 16384 };

struct pump {
	int from, to; /* −1: there is none; owned by the caller */
	size_t start, end;
	bool closed; /* nothing more comes in */
	char *data;
};
#define PUMP_NONE                                                                                  \
	{                                                                                          \
		.from = -1, .to = -1, .closed = true                                               \
	}

/* −ENOMEM: it stays as it was. */
int pump_begin(struct pump *ret, int from, int to) must_check;
/* Frees the buffer; the descriptors stay open. */
void pump_done(struct pump *pump);

/* What to wait for: reading when there is room, writing when there is something. */
void pump_poll(const struct pump *pump, struct pollfd ret[2]);
/* Does what poll(2) found possible; how many bytes were read. */
size_t pump_step(struct pump *pump, const struct pollfd fds[2]);
/* Nothing is left to do. */
bool pump_is_done(const struct pump *pump);

#endif
