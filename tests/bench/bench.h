/*
 * bench: the parts of the benchmark's driver. bench.c runs the rows, report.c says what came out.
 */
#ifndef BENCH_H
#define BENCH_H

#include "measure.h"
#include "rows.h"

#include <stdbool.h>
#include <stdio.h>

#define MAX_ROUNDS 400

struct results {
	const struct row *row;
	size_t rounds;
	bool measured[PEER_COUNT];
	bool stuck[PEER_COUNT]; /* its set-up failed: no rounds */
	unsigned int failures[PEER_COUNT];
	struct sample samples[PEER_COUNT][MAX_ROUNDS];
	struct burst bursts[PEER_COUNT][MAX_ROUNDS]; /* of a throughput row */
};

/* The first lines: the version of each runtime, and of the kernel. */
void report_begin(FILE *out, bool json, char *const versions[PEER_COUNT]);
void report_row(FILE *out, bool json, const struct results *results);
void report_end(FILE *out, bool json);

#endif
