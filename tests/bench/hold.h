/*
 * What a ticking hold (hold.c) tells of itself, at a fixed address of its memory, where bench.c reads it.
 */
#ifndef BENCH_HOLD_H
#define BENCH_HOLD_H

#include <stdint.h>

#define HOLD_ADDRESS 0x10000000UL

struct hold_page {
	uint64_t longest_ns; /* between two ticks; whoever has read it writes 0 */
	uint64_t ticks;
};

#endif
