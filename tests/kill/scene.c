#include "kill.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUNDLES "/tmp/bundles/"
#define CREATE(variant) "create -b " BUNDLES variant " --pid-file " PID_FILE " @"
#define RUN(variant) "run -d -b " BUNDLES variant " --pid-file " PID_FILE " @"
#define STORE "--store /tmp/store "
#define LAYERS "--overlay /tmp/rootfs "
#define TERMINAL " --console-socket " CONSOLE " "

/* Variants are written by tests/kill/run: plain sleeps for ever, brief ends at once. */
const struct scene scenes[] = {
	{"create", {NULL}, CREATE("plain"), CORE},
	{"delete --force", {RUN("plain")}, "delete --force @", CORE},
	{"start", {CREATE("plain")}, "start @", 0},
	{"exec", {RUN("plain")}, "exec --pid-file " PID_FILE " @ true", 0},
	{"exec --detach", {RUN("plain")}, "exec --detach --pid-file " PID_FILE " @ sleep 1000", 0},
	{"exec that waits", {RUN("plain")}, "exec @ sleep 1000", ENDLESS},
	{"run", {NULL}, "run -b " BUNDLES "brief @", 0},
	{"run --detach", {NULL}, RUN("plain"), 0},
	{"run that waits", {NULL}, "run -b " BUNDLES "plain @", ENDLESS},
	{"delete", {CREATE("plain")}, "delete @", 0},
	{"delete of stopped", {RUN("brief"), "!stopped"}, "delete @", 0},
	{"delete --force of paused", {RUN("plain"), "pause @"}, "delete --force @", 0},
	{"delete --force of half-made", {CREATE("plain"), "!unrecord"}, "delete --force @", 0},
	{"delete --force after exec, half-made",
         {RUN("plain"), "exec -d @ sleep 1000", "!unrecord"},
         "delete --force @",
         0},
	{"kill", {RUN("plain")}, "kill @ KILL", 0},
	{"kill --all", {RUN("plain")}, "kill --all @ KILL", 0},
	{"pause", {RUN("plain")}, "pause @", 0},
	{"resume", {RUN("plain"), "pause @"}, "resume @", 0},
	{"gc", {CREATE("plain"), "!unrecord"}, "gc", 0},
	{"create, user namespace", {NULL}, CREATE("user"), 0},
	{"exec, user namespace", {RUN("user")}, "exec --detach @ sleep 1000", 0},
	{"run, user namespace", {NULL}, RUN("user"), 0},
	{"create, hooks", {NULL}, CREATE("hooks"), 0},
	{"start, hooks", {CREATE("hooks")}, "start @", 0},
	{"run, hooks", {NULL}, RUN("hooks"), 0},
	{"delete --force, hooks", {RUN("hooks")}, "delete --force @", 0},
	{"create, forking hooks", {NULL}, CREATE("forking"), 0},
	{"start, forking hooks", {CREATE("forking")}, "start @", 0},
	{"run, forking hooks", {NULL}, RUN("forking"), 0},
	{"delete, forking hooks", {CREATE("forking")}, "delete @", 0},
	{"delete --force, forking hooks", {RUN("forking")}, "delete --force @", 0},
	{"create, console socket",
         {NULL},
         "create -b " BUNDLES "terminal" TERMINAL "--pid-file " PID_FILE " @",
         0},
	{"exec, console socket", {RUN("plain")}, "exec -t -d" TERMINAL "@ sleep 1000", 0},
	{"create, seccomp", {"!uncached"}, CREATE("seccomp"), 0},
	{"run, seccomp", {"!uncached"}, RUN("seccomp"), 0},
	{"exec, seccomp", {RUN("seccomp"), "!uncached"}, "exec -d @ sleep 1000", 0},
	{"create, time offsets", {NULL}, CREATE("time"), 0},
	{"run, time offsets", {NULL}, RUN("time"), 0},
	{"create, nested cgroup", {NULL}, CREATE("nested"), 0},
	{"create, deep cgroup", {NULL}, CREATE("deep"), 0},
	{"run, deep cgroup", {NULL}, RUN("deep"), 0},
	{"create, overlay", {NULL}, STORE "create " LAYERS "-b " BUNDLES "plain @", 0},
	{"run, overlay", {NULL}, STORE "run -d " LAYERS "-b " BUNDLES "plain @", 0},
	{"delete --force, overlay",
         {STORE "run -d " LAYERS "-b " BUNDLES "plain @"},
         "delete --force @",
         0},
	{"snapshot of stopped",
         {STORE "run -d " LAYERS "-b " BUNDLES "brief @", "!stopped"},
         "snapshot create @",
         0},
	{"revert of stopped",
         {STORE "run -d " LAYERS "-b " BUNDLES "brief @", "!stopped", "snapshot create @ one"},
         "revert @ one",
         0},
	{"create, limits", {NULL}, CREATE("limited"), LIMITS},
	{"run, limits", {NULL}, RUN("limited"), LIMITS},
	{"exec, limits", {RUN("limited")}, "exec -d @ sleep 1000", LIMITS},
	{"update, limits", {RUN("limited")}, "update --pids-limit 90 --memory 90M @", LIMITS},
	{"delete, limits", {CREATE("limited")}, "delete @", LIMITS},
	{"delete --force, limits", {RUN("limited")}, "delete --force @", LIMITS},
	{"create, no cgroup", {NULL}, "--cgroup-manager disabled " CREATE("plain"), 0},
	{"run, no cgroup", {NULL}, "--cgroup-manager disabled " RUN("plain"), 0},
	{"delete --force, no cgroup",
         {"--cgroup-manager disabled " RUN("plain"), 0},
         "delete --force @",
         0},
	{"delete --force after exec, no cgroup",
         {"--cgroup-manager disabled " RUN("plain"), "exec -d @ sleep 1000"},
         "delete --force @",
         0},
};
const size_t scene_count = ARRAY_SIZE(scenes);

bool scene_fits(const struct scene *scene)
{
	return !harness.no_limits || !(scene->traits & LIMITS);
}

const struct scene *scene_find(const char *name)
{
	for (size_t i = 0; i < scene_count; i++)
		if (strcmp(scenes[i].name, name) == 0)
			return &scenes[i];
	return NULL;
}

static bool wait_stopped(void)
{
	pid_t pids[4];

	for (unsigned int i = 0; i < 20000; i++) {
		if (remains_processes(pids, ARRAY_SIZE(pids)) == 0)
			return true;
		sleep_us(1000);
	}
	case_fail("set-up: the program did not end");
	return false;
}

static bool drop(const char *file)
{
	char path[128];

	(void)snprintf(path, sizeof(path), STATE "/%s/%s", harness.id, file);
	if (unlink(path) == 0)
		return true;
	case_fail("set-up: %s cannot be removed", path);
	return false;
}

static bool set_up_one(const char *words)
{
	if (strcmp(words, "!stopped") == 0)
		return wait_stopped();
	if (strcmp(words, "!unrecord") == 0)
		return drop("record.json");
	if (strcmp(words, "!journal") == 0)
		return drop("journal");
	if (strcmp(words, "!uncached") == 0) {
		remove_tree(STATE "/.seccomp");
		return true;
	}
	return command_expect(0, words);
}

bool scene_set_up(const struct scene *scene)
{
	for (size_t i = 0; i < ARRAY_SIZE(scene->setup) && scene->setup[i]; i++)
		if (!set_up_one(scene->setup[i]))
			return false;
	(void)unlink(PID_FILE);
	return true;
}
