#include "kill.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char usage[] =
	"usage: harness --id ID [--count N] [--seed S] [--all] [--part kills|damage|pressure]\n"
	"               [--scene NAME [--process P] [--step N] [--us N] [--signal N]] [--list]\n"
	"               [--systemd] [--slow FACTOR] [--verbose]\n";

struct arguments {
	const char *part;
	const struct scene *scene;
	unsigned int process;
	long step;
	uint64_t us;
	int signal;
};

static const struct option options[] = {
	{"id", required_argument, NULL, 'i'},
	{"count", required_argument, NULL, 'n'},
	{"seed", required_argument, NULL, 'e'},
	{"all", no_argument, NULL, 'a'},
	{"part", required_argument, NULL, 'p'},
	{"scene", required_argument, NULL, 's'},
	{"process", required_argument, NULL, 'c'},
	{"step", required_argument, NULL, 't'},
	{"us", required_argument, NULL, 'u'},
	{"signal", required_argument, NULL, 'g'},
	{"worker", required_argument, NULL, 'w'},
	{"list", no_argument, NULL, 'l'},
	{"verbose", no_argument, NULL, 'v'},
	{"systemd", no_argument, NULL, 'd'},
	{"no-limits", no_argument, NULL, 'L'},
	{"slow", required_argument, NULL, 'o'},
	{NULL, 0, NULL, 0},
};

static _Noreturn void fail(const char *text)
{
	(void)fprintf(stderr, "%s", text);
	exit(2);
}

static void list_scenes(void)
{
	for (size_t i = 0; i < scene_count; i++)
		(void)printf("%-28s lvm-run %s\n", scenes[i].name, scenes[i].victim);
	exit(0);
}

static void take_option(int option, struct arguments *arguments)
{
	switch (option) {
	case 'i':
		(void)snprintf(harness.id, sizeof(harness.id), "%s", optarg);
		break;
	case 'n':
		harness.count = strtoul(optarg, NULL, 10);
		break;
	case 'e':
		harness.seed = strtoull(optarg, NULL, 10);
		break;
	case 'a':
		harness.all = true;
		break;
	case 'p':
		arguments->part = optarg;
		break;
	case 's':
		arguments->scene = scene_find(optarg);
		if (!arguments->scene)
			fail("no such scene; see --list\n");
		break;
	case 'c':
		arguments->process = (unsigned int)strtoul(optarg, NULL, 10);
		break;
	case 't':
		arguments->step = strtol(optarg, NULL, 10);
		break;
	case 'u':
		arguments->us = strtoull(optarg, NULL, 10);
		break;
	case 'g':
		arguments->signal = (int)strtol(optarg, NULL, 10);
		break;
	case 'w':
		if (sscanf(optarg, "%u/%u", &harness.worker, &harness.workers) != 2)
			fail(usage);
		break;
	case 'l':
		list_scenes();
		break;
	case 'd':
		harness.systemd = true;
		break;
	case 'L':
		harness.no_limits = true;
		break;
	case 'o':
		harness.slow = (unsigned int)strtoul(optarg, NULL, 10);
		break;
	case 'v':
		harness.verbose = true;
		break;
	default:
		fail(usage);
	}
}

static void run_parts(const char *part)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {{"kills", kills_run}, {"damage", damage_run}, {"pressure", pressure_run}};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		uint64_t begin = now_us();

		if (part && strcmp(part, parts[i].name) != 0)
			continue;
		parts[i].run();
		(void)printf("  %s: %.1f s\n", parts[i].name, (double)(now_us() - begin) / 1e6);
		(void)fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.step = -1, .signal = SIGKILL};
	int option = 0;

	harness.seed = 1;
	harness.workers = 1;
	harness.count = 500;
	harness.slow = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		take_option(option, &arguments);
	if (!harness.id[0] || optind < argc)
		fail(usage);
	if (harness.systemd && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		fail("harness: cannot become the reaper\n");
	if ((getpid() != 1 && !harness.systemd) || !cgroup_mount()[0])
		fail("harness: needs namespaces of its own and a cgroup v2 (tests/kill/run)\n");
	console_begin();
	remains_baseline();
	if (arguments.scene)
		kills_repeat(arguments.scene, arguments.process, arguments.step, arguments.us,
		             arguments.signal);
	else
		run_parts(arguments.part);
	return case_summary();
}
