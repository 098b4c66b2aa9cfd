/*
 * bench: runs the rows of rows.c, the runtimes in turn in every round, and reports medians and the
 * medians of the round-by-round ratios. Started by the script `bench`, inside the peer root.
 *
 *	bench [--json] [--rounds N] [--rows NAME,NAME...] BUNDLES NAME=PROGRAM=VERSION...
 *
 * BUNDLES holds one directory for each bundle that rows.c names; NAME is lvm-run, crun, runc or
 * floor. The exit status is 0 if every command of lvm-run and the floor succeeded, whatever the figures are;
 * those of the others that failed are named in the report, and their rounds are left out of it.
 */
#include "bench.h"
#include "hold.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND_LOG "/run/bench.log"
#define BURST_RUNS 96
#define WARM_UP 3

/* What the letters of a command stand for (rows.h). */
struct context {
	char *runtime;
	char id[96];
	char bundle[256];
	char rootfs[272];
	char pid_file[128];
	char images[128];
	unsigned int repetition;
};

static char *programs[PEER_COUNT];
static const char *bundles;
static char id_prefix[32];
static volatile sig_atomic_t interrupted;
static FILE *report;

static pid_t read_pid(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		err(2, "read the pid file %s", path);
	close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

static size_t expand_letter(const struct context *c, char letter, char *out, size_t size)
{
	int length = 0;

	switch (letter) {
	case 'R':
		length = snprintf(out, size, "%s", c->runtime);
		break;
	case 'C':
		length = snprintf(out, size, "%s", programs[CRUN]);
		break;
	case 'I':
		length = snprintf(out, size, "%s", c->id);
		break;
	case 'B':
		length = snprintf(out, size, "%s", c->bundle);
		break;
	case 'F':
		length = snprintf(out, size, "%s", c->rootfs);
		break;
	case 'P':
		length = snprintf(out, size, "%s", c->pid_file);
		break;
	case 'D':
		length = snprintf(out, size, "%s", c->images);
		break;
	case 'G':
		length =
			snprintf(out, size, "%s", c->runtime == programs[RUNC] ? "soft" : "ignore");
		break;
	case 'p':
		length = snprintf(out, size, "%d", read_pid(c->pid_file));
		break;
	case 'n':
		length = snprintf(out, size, "%u", c->repetition);
		break;
	default:
		errx(2, "rows.c: unknown letter %%%c", letter);
	}
	if (length < 0 || (size_t)length >= size)
		errx(2, "a command is too long");
	return (size_t)length;
}

/* Fills buffer with the arguments and argv with pointers to them. */
static void expand(const struct context *c, const char *command, char *buffer, size_t size,
                   char *argv[MAX_ARGUMENTS])
{
	size_t at = 0, count = 0;

	argv[count++] = buffer;
	for (; *command; command++) {
		if (at + 2 > size || count + 2 > MAX_ARGUMENTS)
			errx(2, "a command is too long");
		if (*command == '%') {
			at += expand_letter(c, *++command, buffer + at, size - at);
		} else if (*command == ' ') {
			buffer[at++] = '\0';
			argv[count++] = buffer + at;
		} else {
			buffer[at++] = *command;
		}
	}
	buffer[at] = '\0';
	argv[count] = NULL;
}

static void empty_filter_caches(void)
{
	char *argv[] = {"/bin/rm", "-rf", "/run/crun/.cache", "/run/lvm-run/.seccomp", NULL};

	measure_run(argv, NULL);
}

static int wait_ready(pid_t pid)
{
	enum { PAUSE_MS = 2, TURNS = 15000 };
	char path[64], name[16] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	for (int turn = 0; turn < TURNS && strncmp(name, "ready", 5) != 0; turn++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, name, sizeof(name) - 1) <= 0)
			return 1;
		close(fd);
		poll(NULL, 0, PAUSE_MS);
	}
	return strncmp(name, "ready", 5) != 0;
}

/* The process goes on before it is asked: it has seen the pause that is to be told. */
static int read_longest(pid_t pid, struct sample *sum)
{
	enum { PAUSE_MS = 1, TURNS = 10000, TICKS = 3 };
	const uint64_t none = 0;
	struct hold_page page = {0};
	uint64_t first = 0;
	char path[64];
	int fd, status = 1;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (int turn = 0; fd >= 0 && turn < TURNS && status; turn++) {
		if (pread(fd, &page, sizeof(page), HOLD_ADDRESS) != sizeof(page))
			break;
		if (turn == 0)
			first = page.ticks;
		status = page.ticks < first + TICKS;
		poll(NULL, 0, PAUSE_MS);
	}
	if (status == 0 && pwrite(fd, &none, sizeof(none), HOLD_ADDRESS) != sizeof(none))
		status = 1;
	if (fd >= 0)
		close(fd);
	if (sum)
		sum->part_ms = (double)page.longest_ns / 1e6;
	return status;
}

static int read_part(const struct context *c, struct sample *sum)
{
	char path[160], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s-part", c->images);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 1;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	close(fd);
	if (sum)
		sum->part_ms = strtod(text, NULL) / 1e3;
	return text[0] == '\0';
}

static int run_command(const struct context *c, const char *command, struct sample *sum)
{
	char buffer[1024], *argv[MAX_ARGUMENTS];

	if (strcmp(command, "!gone") == 0) {
		measure_wait_gone(read_pid(c->pid_file));
		return 0;
	}
	if (strcmp(command, "!cold") == 0) {
		empty_filter_caches();
		return 0;
	}
	if (strcmp(command, "!ready") == 0)
		return wait_ready(read_pid(c->pid_file));
	if (strcmp(command, "!frozen") == 0)
		return read_longest(read_pid(c->pid_file), sum);
	if (strcmp(command, "!part") == 0)
		return read_part(c, sum);
	expand(c, command, buffer, sizeof(buffer), argv);
	return measure_run(argv, sum);
}

static unsigned int run_commands(const struct context *c, const char *const commands[MAX_COMMANDS],
                                 const char *between, struct sample *sum)
{
	unsigned int failures = 0;

	for (size_t i = 0; i < MAX_COMMANDS && commands[i]; i++) {
		bool last = i + 1 == MAX_COMMANDS || !commands[i + 1];

		if (last && between)
			failures += run_command(c, between, NULL) != 0;
		failures += run_command(c, commands[i], sum) != 0;
	}
	return failures;
}

static void set_context(struct context *c, const struct row *row, enum peer peer)
{
	*c = (struct context){.runtime = programs[peer]};
	snprintf(c->bundle, sizeof(c->bundle), "%s/%s", bundles, row->bundle);
	snprintf(c->rootfs, sizeof(c->rootfs), "%s/rootfs", c->bundle);
	snprintf(c->pid_file, sizeof(c->pid_file), "/run/%s%s-%s.pid", id_prefix, row->name,
	         peer_names[peer]);
	snprintf(c->images, sizeof(c->images), "/run/%s%s-%s.images", id_prefix, row->name,
	         peer_names[peer]);
	snprintf(c->id, sizeof(c->id), "%s%s-%s", id_prefix, row->name, peer_names[peer]);
}

/* A name for each round where the round makes its own container; else the one of the set-up. */
static void set_round(struct context *c, const struct row *row, enum peer peer, size_t round)
{
	if (!row->setup[0])
		snprintf(c->id, sizeof(c->id), "%s%s-%s-%zu", id_prefix, row->name,
		         peer_names[peer], round);
}

static unsigned int measure_round(struct context *c, const struct row *row, enum peer peer,
                                  struct sample *sample)
{
	const char *const floor_timed[MAX_COMMANDS] = {row->floor};
	unsigned int failures;

	*sample = (struct sample){0};
	if (peer == FLOOR)
		return run_commands(c, floor_timed, NULL, sample);
	failures = run_commands(c, row->prepare, NULL, NULL);
	failures += run_commands(c, peer == LVM_RUN && row->own[0] ? row->own : row->timed,
	                         row->between, sample);
	return failures + run_commands(c, row->cleanup, NULL, NULL);
}

static void measure_throughput(struct context *c, const struct row *row, enum peer peer,
                               struct burst *burst)
{
	char buffer[1024], *argv[MAX_ARGUMENTS];
	size_t id_at = 0;

	expand(c, peer == FLOOR ? row->floor : row->timed[0], buffer, sizeof(buffer), argv);
	for (size_t i = 0; argv[i]; i++)
		if (strcmp(argv[i], c->id) == 0)
			id_at = i;
	*burst = measure_burst(argv, id_at, BURST_RUNS, row->width);
}

static void run_rounds(struct results *r, struct context contexts[PEER_COUNT])
{
	size_t warm_up = r->row->width ? 1 : WARM_UP;

	for (size_t i = 0; i < r->rounds + warm_up && !interrupted; i++) {
		size_t slot = i < warm_up ? 0 : i - warm_up;

		for (enum peer peer = 0; peer < PEER_COUNT; peer++) {
			unsigned int failures;

			if (!r->measured[peer] || r->stuck[peer])
				continue;
			set_round(&contexts[peer], r->row, peer, i);
			if (r->row->width) {
				struct burst *burst = &r->bursts[peer][slot];

				measure_throughput(&contexts[peer], r->row, peer, burst);
				failures = burst->failures;
			} else {
				failures = measure_round(&contexts[peer], r->row, peer,
				                         &r->samples[peer][slot]);
				r->samples[peer][slot].failed = failures > 0;
			}
			r->failures[peer] += failures;
		}
	}
}

static unsigned int run_setup(struct context *c, const struct row *row, enum peer peer)
{
	unsigned int failures = 0;

	for (c->repetition = 0; c->repetition < (row->repeat ? row->repeat : 1); c->repetition++)
		failures +=
			run_commands(c, peer == FLOOR ? row->floor_setup : row->setup, NULL, NULL);
	return failures;
}

static unsigned int run_teardown(struct context *c, const struct row *row, enum peer peer)
{
	const char *const floor_teardown[MAX_COMMANDS] = {row->floor_teardown};
	char *remove[] = {"/bin/rm", "-rf", c->images, NULL};
	unsigned int failures = 0;

	measure_run(remove, NULL);

	for (c->repetition = 0; c->repetition < (row->repeat ? row->repeat : 1); c->repetition++)
		failures +=
			run_commands(c, peer == FLOOR ? floor_teardown : row->teardown, NULL, NULL);
	return failures;
}

static bool is_part_of(const struct row *row, enum peer peer)
{
	return peer == FLOOR ? row->floor != NULL : peer == LVM_RUN || row->timed[0];
}

static void run_row(struct results *r)
{
	struct context contexts[PEER_COUNT];

	for (enum peer peer = 0; peer < PEER_COUNT; peer++) {
		r->measured[peer] = programs[peer] && is_part_of(r->row, peer);
		if (!r->measured[peer])
			continue;
		set_context(&contexts[peer], r->row, peer);
		r->failures[peer] += run_setup(&contexts[peer], r->row, peer);
		r->stuck[peer] = r->failures[peer] > 0;
	}
	run_rounds(r, contexts);
	for (enum peer peer = 0; peer < PEER_COUNT; peer++)
		if (r->measured[peer])
			r->failures[peer] += run_teardown(&contexts[peer], r->row, peer);
}

/* --- Leaving nothing behind --------------------------------------------------------------------- */

static int remove_our_cgroup(const char *path, const struct stat *info, int type, struct FTW *at)
{
	char kill_file[4096];
	int fd;

	(void)info;
	if (type != FTW_DP || strncmp(path + at->base, id_prefix, strlen(id_prefix)) != 0)
		return 0;
	snprintf(kill_file, sizeof(kill_file), "%s/cgroup.kill", path);
	fd = open(kill_file, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) == 1)
		for (int tries = 0; rmdir(path) && errno == EBUSY && tries < 200; tries++)
			poll(NULL, 0, 10);
	if (fd >= 0)
		close(fd);
	return 0;
}

static void remove_our_cgroups(void)
{
	nftw("/sys/fs/cgroup", remove_our_cgroup, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void on_signal(int number)
{
	interrupted = number;
}

/* --- The command line --------------------------------------------------------------------------- */

static bool is_chosen(const char *chosen, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = chosen; at && (at = strstr(at, name)); at += length)
		if ((at == chosen || at[-1] == ',') && (at[length] == '\0' || at[length] == ','))
			return true;
	return chosen == NULL;
}

static void list_rows(void)
{
	for (size_t i = 0; i < row_count; i++)
		printf("%-14s %s\n", rows[i].name, rows[i].title);
}

static void take_programs(char **arguments, char *ret_versions[PEER_COUNT])
{
	for (; *arguments; arguments++) {
		char *program = strchr(*arguments, '=');
		char *version = program ? strchr(program + 1, '=') : NULL;
		enum peer peer = 0;

		if (!version)
			errx(2, "expected NAME=PROGRAM=VERSION: %s", *arguments);
		*program++ = '\0';
		*version++ = '\0';
		while (peer < PEER_COUNT && strcmp(peer_names[peer], *arguments) != 0)
			peer++;
		if (peer == PEER_COUNT)
			errx(2, "no runtime is called %s", *arguments);
		programs[peer] = program;
		ret_versions[peer] = version;
	}
}

static bool has_bundle(const struct row *row)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/config.json", bundles, row->bundle);
	return access(path, R_OK) == 0;
}

static size_t rounds_of(const struct row *row, unsigned long rounds)
{
	unsigned long count = row->rounds_percent ? rounds * row->rounds_percent / 100 : rounds;

	return count < 3 ? 3 : count;
}

/* Runs the chosen rows; the number of commands that failed, those of other runtimes left aside. */
static unsigned int run_rows(const char *chosen, unsigned long rounds, bool json)
{
	static struct results results;
	unsigned int failures = 0;

	for (size_t i = 0; i < row_count && !interrupted; i++) {
		if (!is_chosen(chosen, rows[i].name))
			continue;
		if (!has_bundle(&rows[i])) {
			fprintf(stderr, "bench: row %s: no bundle %s\n", rows[i].name,
			        rows[i].bundle);
			failures++;
			continue;
		}
		memset(&results, 0, sizeof(results));
		results.row = &rows[i];
		results.rounds = rounds_of(&rows[i], rounds);
		run_row(&results);
		if (!interrupted)
			report_row(report, json, &results);
		failures += results.failures[LVM_RUN] + results.failures[FLOOR];
	}
	return failures;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"rounds", required_argument, NULL, 'n'},
		{"rows", required_argument, NULL, 'r'},
		{"list", no_argument, NULL, 'l'},
		{0},
	};
	struct sigaction action = {.sa_handler = on_signal};
	char *versions[PEER_COUNT] = {NULL};
	const char *chosen = NULL;
	unsigned long rounds = 40;
	unsigned int failures;
	bool json = false;

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
		if (option == 'j')
			json = true;
		else if (option == 'n')
			rounds = strtoul(optarg, NULL, 10);
		else if (option == 'r')
			chosen = optarg;
		else if (option == 'l')
			return list_rows(), 0;
		else
			return 2;
	}
	if (rounds < 3 || rounds > MAX_ROUNDS || argc - optind < 2)
		errx(2, "usage: bench [--json] [--rounds N] [--rows A,B] BUNDLES "
		        "NAME=PROGRAM=VERSION...");
	bundles = argv[optind];
	take_programs(argv + optind + 1, versions);
	snprintf(id_prefix, sizeof(id_prefix), "bench%d-", getpid());
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	report = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "w");
	if (!report)
		err(2, "open the report");
	measure_begin(COMMAND_LOG);
	report_begin(report, json, versions);
	failures = run_rows(chosen, rounds, json);
	report_end(report, json);
	remove_our_cgroups();
	return interrupted ? 128 + interrupted : failures ? 1 : 0;
}
