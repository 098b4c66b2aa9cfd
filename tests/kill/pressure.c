/* Full state roots; gc beside commands at work; commands ended while a hook keeps them waiting. */
#include "kill.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void begin(const char *name)
{
	case_begin(name, "--part pressure --seed %lu", (unsigned long)harness.seed);
}

/* --- gc --- */

static bool status_is(const char *expected)
{
	struct outcome outcome;
	char wanted[64];

	(void)snprintf(wanted, sizeof(wanted), "\"status\": \"%s\"", expected);
	command_run("state @", &outcome);
	if (strstr(outcome.output, wanted))
		return true;
	case_fail("the container is not %s: %s", expected, outcome.output);
	return false;
}

/* What others may call at any time while a command works on the container. */
static void look_around(void)
{
	struct outcome outcome;

	(void)command_expect(0, "gc");
	(void)command_expect(0, "list");
	command_run("state @", &outcome);
	if (exit_code(outcome.status) > 1)
		case_fail("state: exit status %d: %s", exit_code(outcome.status), outcome.output);
}

/* True when the command has that many system calls. */
static bool look_during(const char *name, unsigned int number)
{
	const struct scene *scene = scene_find(name);
	struct step step = {.words = scene->victim, .number = number, .act = look_around};
	struct step_result result = {0};
	char text[128];

	(void)snprintf(text, sizeof(text), "gc during %s, at system call %u", name, number);
	begin(text);
	if (scene_set_up(scene)) {
		step_run(&step, &result);
		if (exit_code(result.status) != 0)
			case_fail("before %s; the command failed: %s", call_name(result.call),
			          result.output);
	}
	remains_check_deleted();
	if (result.end == STEP_REACHED)
		(void)case_end();
	else
		case_drop();
	return result.end == STEP_REACHED;
}

static void look_during_all(const char *name, bool all)
{
	unsigned int number = harness.worker;

	if (all) {
		while (look_during(name, number))
			number += harness.workers;
		return;
	}
	for (unsigned int i = 0; i < 15; i++)
		(void)look_during(name, (unsigned int)draw(90));
}

static void gc_leaves_what_is_in_order(void)
{
	static const struct {
		const char *make, *change, *status;
	} orders[] = {
		{"create -b /tmp/bundles/plain @", NULL, "created"},
		{"run -d -b /tmp/bundles/plain @", NULL, "running"},
		{"run -d -b /tmp/bundles/plain @", "pause @", "paused"},
		{"run -d -b /tmp/bundles/brief @", "!stopped", "stopped"},
		{"run -d -b /tmp/bundles/plain @", "!journal", "running"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct scene scene = {.setup = {orders[i].make, orders[i].change}};

		begin("gc leaves containers that are in order");
		if (scene_set_up(&scene) && command_expect(0, "gc"))
			(void)status_is(orders[i].status);
		remains_check_deleted();
		(void)case_end();
	}
}

static void gc_cleans_up_alone(void)
{
	const struct scene *create = scene_find("create");
	unsigned int number = harness.worker;
	struct step_result result = {.end = STEP_REACHED};

	for (unsigned int i = 0; result.end == STEP_REACHED && (harness.all || i < 15); i++) {
		struct step step = {.words = create->victim, .number = number};
		char name[64];

		if (!harness.all)
			step.number = (unsigned int)draw(75);
		(void)snprintf(name, sizeof(name), "gc after create, killed at system call %u",
		               step.number);
		begin(name);
		step_run(&step, &result);
		/* From the record on there is a container, and it is stopped or created. */
		(void)command_expect(0, "gc");
		if (result.end == STEP_REACHED) {
			struct outcome outcome;

			command_run("state @", &outcome);
			if (exit_code(outcome.status) == 0 &&
			    !strstr(outcome.output, "\"created\"") &&
			    !strstr(outcome.output, "\"stopped\""))
				case_fail("after gc: %s", outcome.output);
			if (exit_code(outcome.status) != 0)
				remains_check("after gc");
		}
		remains_check_deleted();
		(void)case_end();
		number += harness.workers;
	}
}

/* --- Full state roots --- */

static bool names_the_cause(const char *output)
{
	return strncmp(output, "lvm-run: ", 9) == 0 && strstr(output, "No space left on device");
}

/* A command that may lack room: it succeeds, or says so and leaves nothing. */
static bool with_little_room(const char *words)
{
	struct outcome outcome;
	struct stat st;
	char path[128];

	command_run(words, &outcome);

	int code = exit_code(outcome.status);

	if (code == 0)
		return true;
	if (code != 1 && code != 255)
		case_fail("%s: exit status %d: %s", words, code, outcome.output);
	if (!names_the_cause(outcome.output))
		case_fail("%s: does not name the cause: %s", words, outcome.output);
	(void)snprintf(path, sizeof(path), STATE "/%s", harness.id);
	if (strncmp(words, "exec", 4) != 0 && stat(path, &st) == 0)
		case_fail("%s: failed and left %s", words, path);
	return false;
}

static void in_small_root(const char *options)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "state root with %s", options);
	begin(name);
	if (mount("small", STATE, "tmpfs", 0, options) < 0) {
		case_fail("set-up: mount tmpfs with %s", options);
		(void)case_end();
		return;
	}
	if (with_little_room("create -b /tmp/bundles/seccomp --pid-file " PID_FILE " @")) {
		if (command_expect(0, "start @"))
			(void)command_expect(0, "exec @ true");
		(void)command_expect(0, "delete --force @");
	}
	if (with_little_room("run -d -b /tmp/bundles/hooks @"))
		(void)command_expect(0, "delete --force @");
	(void)command_expect(0, "gc");
	if (umount2(STATE, 0) < 0)
		case_fail("the state root is busy");
	remains_check("with the small state root unmounted");
	(void)case_end();
}

static void small_roots(void)
{
	char options[64];

	for (unsigned int size = 4 + 4 * harness.worker; size <= 64; size += 4 * harness.workers) {
		(void)snprintf(options, sizeof(options), "size=%uk,mode=700", size);
		in_small_root(options);
	}
	for (unsigned int count = 1 + harness.worker; count <= 32; count += harness.workers) {
		(void)snprintf(options, sizeof(options), "nr_inodes=%u,mode=700", count);
		in_small_root(options);
	}
}

/* The disk fills up while the container lives: it can still be removed. */
static void full_root_with_container(void)
{
	static char noise[65536];
	int fd = -1;

	begin("delete --force in a full state root");
	if (mount("small", STATE, "tmpfs", 0, "size=64k,nr_inodes=16,mode=700") < 0 ||
	    !command_expect(0, "run -d -b /tmp/bundles/plain @"))
		case_fail("set-up");
	fd = open(STATE "/.full", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (fd >= 0 && write(fd, noise, sizeof(noise)) > 0)
		;
	(void)close(fd);
	(void)command_expect(0, "exec @ true");
	(void)command_expect(0, "pause @");
	(void)command_expect(0, "delete --force @");
	(void)umount2(STATE, MNT_DETACH);
	remains_check("with the full state root unmounted");
	(void)case_end();
}

/* --- Commands that a hook keeps waiting --- */

/* Much less than the hook takes, and enough on a busy machine. */
enum { PROMPT_MS = 15000 };

static const struct {
	const char *setup, *victim;
} slow[] = {
	{NULL, "create -b /tmp/bundles/slow-prestart @"},
	{NULL, "create -b /tmp/bundles/slow-createRuntime @"},
	{NULL, "create -b /tmp/bundles/slow-createContainer @"},
	{"create -b /tmp/bundles/slow-startContainer @", "start @"},
	{"create -b /tmp/bundles/slow-poststart @", "start @"},
	{"create -b /tmp/bundles/slow-poststop @", "delete @"},
	{NULL, "run -d -b /tmp/bundles/slow-createContainer @"},
	{NULL, "run -d -b /tmp/bundles/slow-startContainer @"},
	{NULL, "run -b /tmp/bundles/slow-createRuntime @"},
	{NULL, "run -b /tmp/bundles/slow-createContainer @"},
};

/* The hook of the bundle makes this file when it runs. */
static bool wait_for_hook(void)
{
	for (unsigned int i = 0; i < 20000; i++) {
		if (access("/tmp/parking/hook", F_OK) == 0)
			return true;
		sleep_us(1000);
	}
	case_fail("set-up: the hook did not run");
	return false;
}

static void end_during_hook(size_t index, int signal)
{
	struct scene scene = {.setup = {slow[index].setup}};
	char name[160];
	char text[1024];
	int output = output_open();
	int status = 0;

	(void)snprintf(name, sizeof(name), "%s, signal %d while its hook runs", slow[index].victim,
	               signal);
	begin(name);
	if (!scene_set_up(&scene)) {
		(void)case_end();
		return;
	}

	pid_t pid = command_spawn(slow[index].victim, output, false);

	(void)wait_for_hook();
	(void)kill(pid, signal);
	if (!await(pid, PROMPT_MS * (int)harness.slow, &status))
		case_fail("it did not end within %u ms", PROMPT_MS * harness.slow);
	else if (exit_code(status) == 0)
		case_fail("it succeeded");
	(void)unlink("/tmp/parking/hook");
	remains_check_deleted();
	output_read(output, text, sizeof(text));
	if (!case_end())
		(void)printf("    output: %s\n", text);
}

static void end_during_hooks(void)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGINT};

	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		for (size_t s = 0; s < ARRAY_SIZE(signals); s++)
			if ((i + s) % harness.workers == harness.worker)
				end_during_hook(i, signals[s]);
}

void pressure_run(void)
{
	gc_leaves_what_is_in_order();
	gc_cleans_up_alone();
	look_during_all("create", true);
	look_during_all("run --detach", harness.all);
	small_roots();
	full_root_with_container();
	end_during_hooks();
}
