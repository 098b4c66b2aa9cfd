#include "kill.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct harness harness;

/* Hanging commands take their time limit each. */
enum { FAILURES_MAX = 30 };

static struct {
	char name[128];
	char reproduce[256];
	unsigned int failures; /* of this case */
	unsigned long passed;
	unsigned long failed;
} current;

/* xorshift64*: the same cases from the same seed on every machine. */
uint64_t draw(uint64_t limit)
{
	static uint64_t state;

	if (state == 0)
		state = (harness.seed + harness.worker) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return limit == 0 ? 0 : ((state * UINT64_C(0x2545f4914f6cdd1d)) >> 16) % limit;
}

uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void sleep_us(uint64_t us)
{
	struct timespec time = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000,
	};

	while (nanosleep(&time, &time) < 0)
		;
}

void case_begin(const char *name, const char *reproduce_format, ...)
{
	va_list arguments;

	(void)snprintf(current.name, sizeof(current.name), "%s", name);
	va_start(arguments, reproduce_format);
	(void)vsnprintf(current.reproduce, sizeof(current.reproduce), reproduce_format, arguments);
	va_end(arguments);
	current.failures = 0;
	if (harness.verbose)
		(void)printf("    %s: %s\n", current.name, current.reproduce);
}

void case_fail(const char *format, ...)
{
	va_list arguments;

	if (current.failures++ == 0)
		(void)printf("FAILED %s\n    again: tests/kill/run %s\n", current.name,
		             current.reproduce);
	va_start(arguments, format);
	(void)printf("    ");
	(void)vprintf(format, arguments);
	(void)printf("\n");
	va_end(arguments);
	(void)fflush(stdout);
}

bool case_end(void)
{
	if (current.failures > 0) {
		current.failed++;
		remains_sweep();
		if (current.failed >= FAILURES_MAX) {
			(void)printf("too many failures: the rest is left out\n");
			exit(case_summary());
		}
		return false;
	}
	current.passed++;
	return true;
}

void case_drop(void)
{
	if (current.failures > 0)
		(void)case_end();
}

int case_summary(void)
{
	(void)printf("part: %lu %lu\n", current.passed, current.failed);
	(void)fflush(stdout);
	return current.failed > 0 || current.passed == 0;
}
