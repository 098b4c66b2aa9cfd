/*
 * measure: start programs and say what they took.
 *
 * The process is the subreaper of all that it starts: a container's init that outlives the command
 * that made it is reaped here, at once, as an init system would do it. Programs are
 * started by vfork, which copies nothing, with the standard files that the process itself has.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MAX_ARGUMENTS 32

struct sample {
	double wall_ms;
	double cpu_ms;
	double rss_kib; /* of the largest process */
	double faults;  /* minor page faults, the command and the children it waited for */
	double part_ms; /* what the row is about, where that is a part of the whole (rows.h) */
	bool failed;    /* some command of it: the figures say nothing */
};

struct burst {
	double runs_per_second;
	double latency_ms; /* median */
	double latency_max_ms;
	unsigned int failures;
};

/* To be called once, first: gives this process, and so every command, /dev/null as standard input
 * and output and the file log as standard error. */
void measure_begin(const char *log);

/* Runs the command (argv[0] is its path) and adds what it took to *sum, which may be null. Returns
 * its exit status, 127 if it could not be executed, or 128 and the signal's number. */
int measure_run(char *const argv[], struct sample *sum);

/* Waits until the process, a descendant that nobody else waits for, is gone. */
void measure_wait_gone(pid_t pid);

/* Runs a command total times, width at a time. The argument at argv[id_at] is the prefix of a name
 * that is different for each; id_at 0: no such argument. */
struct burst measure_burst(char *argv[], size_t id_at, unsigned int total, unsigned int width);

/* Sorts values; of an even count the mean of the two in the middle. */
double median(double *values, size_t count);

#endif
