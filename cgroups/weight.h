/* The arithmetic of cpu.weight, without libm. Pure. */
#ifndef LVM_RUN_CGROUPS_WEIGHT_H
#define LVM_RUN_CGROUPS_WEIGHT_H

#include <stdint.h>

/*
 * cpu.shares (2 … 262144, default 1024) to cpu.weight (1 … 10000, default 100) by the curve through
 * (2, 1), (1024, 100) and (262144, 10000): ⌈10^((l² + 125l)/612 − 7/34)⌉ with l = log2(shares). 0 for
 * 0; what lies outside the range counts as its end.
 */
uint64_t weight_of_shares(uint64_t shares);

#endif
