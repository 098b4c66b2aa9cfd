/* Numbers as people write them on the command line. Pure. */
#ifndef LVM_RUN_CMD_UNITS_H
#define LVM_RUN_CMD_UNITS_H

#include <stdint.h>

#include "base/macro.h"

/*
 * A count of bytes: "1048576", "50M", "50MB", "50MiB", "1.5g" (k, m, g, t and p, in any case; always
 * powers of 1024), and -1 for no limit. −EINVAL or −ERANGE with *ret untouched.
 */
int units_parse_bytes(const char *text, int64_t *ret) must_check;

/*
 * A duration as Go writes it: "1s", "100ms", "1.5h", "1m30s", "500us" (also "µs"), "20ns", "0".
 * In nanoseconds, never negative. −EINVAL or −ERANGE with *ret untouched.
 */
int units_parse_duration(const char *text, uint64_t *ret_ns) must_check;

/* "512B", "1.5KiB", "20GiB" into `ret`; returns it. */
enum { UNITS_TEXT_SIZE = 16 };
char *units_format_bytes(uint64_t bytes, char ret[static UNITS_TEXT_SIZE]);

/* A time as "12.3 ms" into `ret`; returns it. */
enum { UNITS_MS_SIZE = 32 };
char *units_format_ms(uint64_t us, char ret[static UNITS_MS_SIZE]);

#endif
