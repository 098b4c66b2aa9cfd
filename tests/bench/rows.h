/*
 * rows: what is measured, and what must come of it. One table; usage and report come from it.
 *
 * A command is one string, its arguments separated by single spaces. In an argument these stand
 * for: %R the runtime, %C crun (for the floor, which keeps no state), %I the container's name
 * (different for each runtime, row and round), %B the bundle, %F its root file system, %P a pid
 * file, %p the pid in it, %n the number of the repetition, %D a directory for images, one for each
 * runtime and row, on a tmpfs; %G what becomes of control groups in a checkpoint: "ignore", without which crun fails on
 * hybrid hosts, and "soft" for runc, which has no such word. Commands of the benchmark itself:
 *
 *	!gone	wait until the process of the pid file is gone
 *	!cold	empty every runtime's cache of compiled seccomp filters
 *	!ready	wait until the process of the pid file calls itself "ready" (hold.c)
 *	!frozen	ask the ticking hold of the pid file for its longest pause since the last time: the row's part
 *	!part	read the row's part, in microseconds, from the file %D-part
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stddef.h>

enum peer { LVM_RUN, CRUN, RUNC, FLOOR, PEER_COUNT };

extern const char *const peer_names[PEER_COUNT];

enum metric { WALL, RSS, THROUGHPUT, PART };

/* What the ratio of lvm-run to a peer must be at most (throughput: at least), and what it aims at;
 * aim 0: no aim beyond. With the peer LVM_RUN no ratio, but the figure itself. */
struct bar {
	enum peer peer;
	enum metric metric;
	double must;
	double aim;
};

#define MAX_COMMANDS 4

struct row {
	const char *name;
	const char *title;
	const char *bundle;
	const char *setup[MAX_COMMANDS];   /* once for each runtime, `repeat` times */
	const char *prepare[MAX_COMMANDS]; /* before each round */
	const char *timed[MAX_COMMANDS];   /* the sum of these is one measurement */
	const char *own[MAX_COMMANDS]; /* what lvm-run does instead of `timed`, if anything; without
	                                     * `timed` nobody else does anything */
	const char *part;              /* title of the part (measure.h); null: there is none */
	const char *between;           /* before the last timed command */
	const char *cleanup[MAX_COMMANDS];  /* after each round */
	const char *teardown[MAX_COMMANDS]; /* once for each runtime, `repeat` times */
	const char *floor_setup[MAX_COMMANDS];
	const char *floor; /* the floor's one timed command, or null: the floor is not measured */
	const char *floor_teardown;
	unsigned int repeat;         /* 0 is 1 */
	unsigned int rounds_percent; /* of the rounds asked for; 0 is 100 */
	unsigned int width;          /* not 0: a throughput row, so many at a time */
	struct bar bars[4];
};

extern const struct row rows[];
extern const size_t row_count;

#endif
