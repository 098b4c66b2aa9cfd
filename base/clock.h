/*
 * The time of day as RFC 3339 text in UTC (glibc's gmtime would read the time zone's file first), and the time
 * since some moment for measuring.
 */
#ifndef LVM_RUN_BASE_CLOCK_H
#define LVM_RUN_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* "2026-11-22T03:35:56.877555932Z" and NUL. */
enum { CLOCK_TEXT_SIZE = 31 };

/* Formats `when` (seconds since 1970, not before); returns `ret`. */
char *clock_format(const struct timespec *when, char ret[static CLOCK_TEXT_SIZE]);

/* The present. */
char *clock_format_now(char ret[static CLOCK_TEXT_SIZE]);

/* CLOCK_MONOTONIC. */
int64_t clock_monotonic_ns(void);

#endif
