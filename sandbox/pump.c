#include "sandbox/pump.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

int pump_begin(struct pump *ret, int from, int to)
{
	char *data = malloc(PUMP_SIZE);

	if (!data)
		return -ENOMEM;
	*ret = (struct pump){.from = from, .to = to, .data = data};
	return 0;
}

void pump_done(struct pump *pump)
{
	free(pump->data);
	*pump = (struct pump)PUMP_NONE;
}

static bool has_data(const struct pump *pump)
{
	return pump->start < pump->end;
}

bool pump_is_done(const struct pump *pump)
{
	return pump->from < 0 || (pump->closed && !has_data(pump));
}

void pump_poll(const struct pump *pump, struct pollfd ret[2])
{
	bool reads = pump->from >= 0 && !pump->closed && !has_data(pump);

	ret[0] = (struct pollfd){.fd = reads ? pump->from : -1, .events = POLLIN};
	ret[1] = (struct pollfd){.fd = has_data(pump) ? pump->to : -1, .events = POLLOUT};
}

static size_t take_in(struct pump *pump)
{
	ssize_t count = read(pump->from, pump->data, PUMP_SIZE);

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	pump->start = 0;
	pump->end = count > 0 ? (size_t)count : 0;
	pump->closed = count <= 0;
	return pump->end;
}

/*
 * A pipe that poll(2) calls writable takes this much at once. Where nobody reads any more what comes in is
 * dropped: the program must not hang on it.
 */
static void give_out(struct pump *pump)
{
	size_t left = pump->end - pump->start;
	ssize_t count =
		write(pump->to, pump->data + pump->start, left < PIPE_BUF ? left : PIPE_BUF);

	if (count > 0)
		pump->start += (size_t)count;
	else if (count < 0 && errno != EAGAIN && errno != EINTR)
		pump->start = pump->end = 0;
}

size_t pump_step(struct pump *pump, const struct pollfd fds[2])
{
	size_t count = fds[0].revents ? take_in(pump) : 0;

	if (fds[1].revents)
		give_out(pump);
	return count;
}
