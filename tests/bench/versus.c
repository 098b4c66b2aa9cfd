/*
 * versus: two or more commands beside each other, in turn in every round.
 *
 *	versus ROUNDS BAR NAME COMMAND… [: NAME COMMAND…]…
 *
 * For each the median of the wall time, the shortest, and the median of the round-by-round ratios to the
 * first. Not the processor time: who does not wait for all his processes is not told what they took. The exit status is 1 when the wall ratio of the second is above BAR.
 * A command's first word is a path.
 */
#include "measure.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_COMMANDS = 8, MAX_ROUNDS = 2000, WARM_UP = 5 };

struct contender {
	const char *name;
	char **argv;
	struct sample samples[MAX_ROUNDS];
};

static struct contender contenders[MAX_COMMANDS];
static size_t count;
static size_t rounds;

static void read_contenders(char **argv)
{
	while (*argv) {
		if (count == MAX_COMMANDS || !argv[1])
			errx(2, "at most %d times NAME COMMAND", MAX_COMMANDS);
		contenders[count++] = (struct contender){.name = argv[0], .argv = argv + 1};
		while (*argv && strcmp(*argv, ":") != 0)
			argv++;
		if (*argv)
			*argv++ = NULL;
	}
}

static void run(struct contender *c, struct sample *sample)
{
	int status = measure_run(c->argv, sample);

	if (status != 0)
		errx(2, "%s failed (%d)", c->name, status);
}

/* Of the wall times themselves, or of their ratios to the first contender's. */
static double middle(const struct contender *c, int is_ratio)
{
	static double values[MAX_ROUNDS];

	for (size_t i = 0; i < rounds; i++) {
		values[i] = c->samples[i].wall_ms;
		if (is_ratio)
			values[i] /= contenders[0].samples[i].wall_ms;
	}
	return median(values, rounds);
}

static double shortest(const struct contender *c)
{
	double least = c->samples[0].wall_ms;

	for (size_t i = 1; i < rounds; i++)
		if (c->samples[i].wall_ms < least)
			least = c->samples[i].wall_ms;
	return least;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "usage: versus ROUNDS BAR NAME COMMAND... [: NAME COMMAND...]...");
	rounds = strtoul(argv[1], NULL, 10);
	if (rounds < 1 || rounds > MAX_ROUNDS)
		errx(2, "1 to %d rounds", MAX_ROUNDS);

	const double bar = strtod(argv[2], NULL);
	FILE *report = fdopen(dup(STDOUT_FILENO), "w");

	if (!report)
		err(2, "report");
	read_contenders(argv + 3);
	measure_begin("/dev/stderr");
	for (size_t i = 0; i < WARM_UP * count; i++)
		run(&contenders[i % count], NULL);
	for (size_t i = 0; i < rounds; i++)
		for (size_t k = 0; k < count; k++) /* nobody is always the first */
			run(&contenders[(i + k) % count], &contenders[(i + k) % count].samples[i]);
	for (size_t k = 0; k < count; k++) {
		const struct contender *c = &contenders[k];

		fprintf(report,
		        "  %-28s %6.2f ms, shortest %6.2f; x %s %5.2f, of the shortest %5.2f\n",
		        c->name, middle(c, 0), shortest(c), contenders[0].name, middle(c, 1),
		        shortest(c) / shortest(&contenders[0]));
	}
	fclose(report);
	return count > 1 && middle(&contenders[1], 1) > bar;
}
