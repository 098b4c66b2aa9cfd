/*
 * Lists of CPUs and memory nodes as cpuset(7) "List format" has them: "0-3,7,9-11", as a bitmap.
 * Either side.
 */
#ifndef LVM_RUN_BASE_CPULIST_H
#define LVM_RUN_BASE_CPULIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

enum { CPULIST_BITS = 8192, CPULIST_BYTES = CPULIST_BITS / 8 };

/* Bit n%8 of byte n/8 stands for number n. */
struct cpulist {
	uint8_t bytes[CPULIST_BYTES];
	size_t used; /* bytes up to the last one that is not 0 */
};

/*
 * −EINVAL for broken text, −ERANGE for a number of CPULIST_BITS or more, *ret then untouched. An empty
 * text and blanks around items are allowed, as by the kernel; also "A-B:USED/GROUP".
 */
int cpulist_parse(const char *text, struct cpulist *ret) must_check;

#endif
