/* SIGKILL at random times, and at one system call after another. */
#include "kill.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { PROCESSES = 3, SIGNAL_TIMEOUT_MS = 20000, DELAY_US = 4000 };

/* A scene that begins with nothing ends with nothing when its command fails. */
static bool begins_empty(const struct scene *scene)
{
	return !scene->setup[0] || scene->setup[0][0] == '!';
}

static void check_end(const struct scene *scene, bool was_killed, int status, const char *output)
{
	int code = exit_code(status);

	if (was_killed)
		return;
	if (code == -1)
		case_fail("the command hung when a child of it was killed: %s", output);
	else if (WIFSIGNALED(status))
		case_fail("the command crashed, signal %d: %s", WTERMSIG(status), output);
	else if (code != 0 && begins_empty(scene))
		remains_check("after the failed command, which undoes what it did");
}

/* --- Step by step --- */

/* True when the boundary was reached: there may be more. */
static bool kill_at(const struct scene *scene, unsigned int process, unsigned int number,
                    uint64_t delay_us)
{
	struct step step = {
		.words = scene->victim,
		.process = process,
		.number = number,
		.endless = scene->traits & ENDLESS,
		.delay_us = delay_us,
	};
	struct step_result result;
	char name[128];

	(void)snprintf(name, sizeof(name), "%s, killed at system call %u of process %u",
	               scene->name, number, process);
	case_begin(name, "--scene '%s' --process %u --step %u --us %lu", scene->name, process,
	           number, (unsigned long)delay_us);
	if (!scene_set_up(scene)) {
		(void)case_end();
		return true;
	}
	step_run(&step, &result);
	/* An endless one that never came there was ended by us. */
	if (result.end == STEP_REACHED || !step.endless)
		check_end(scene, process == 0, result.status, result.output);
	remains_check_deleted();
	if (result.end == STEP_BEYOND) {
		case_drop();
		return false;
	}
	if (!case_end())
		(void)printf("    the call that was not made: %s\n    output: %s\n",
		             call_name(result.call), result.output);
	return true;
}

static unsigned int count_calls(const struct scene *scene, unsigned int process)
{
	struct step step = {
		.words = scene->victim,
		.process = process,
		.number = UINT32_MAX,
		.endless = scene->traits & ENDLESS,
	};
	struct step_result result = {0};

	case_begin("the number of system calls", "--scene '%s' --process %u", scene->name, process);
	if (scene_set_up(scene))
		step_run(&step, &result);
	remains_check_deleted();
	case_drop();
	return result.calls;
}

static unsigned long kill_everywhere(const struct scene *scene, unsigned int process)
{
	unsigned long count = 0;

	unsigned int number = harness.worker;

	for (; kill_at(scene, process, number, 0); number += harness.workers)
		count++;
	return count;
}

/* --- At a time --- */

/* Microseconds from its start to its end. */
static uint64_t measure(const struct scene *scene)
{
	struct outcome outcome;
	uint64_t begin = 0;
	uint64_t end = 0;

	case_begin("the length of a command", "--scene '%s'", scene->name);
	if (scene_set_up(scene)) {
		begin = now_us();
		command_run(scene->victim, &outcome);
		end = now_us();
		if (exit_code(outcome.status) != 0)
			case_fail("%s: exit status %d: %s", scene->victim,
			          exit_code(outcome.status), outcome.output);
	}
	remains_check_deleted();
	case_drop();
	return end - begin;
}

/* False when it had ended before. */
static bool kill_after(const struct scene *scene, uint64_t us, int signal)
{
	int output = output_open();
	uint64_t end = now_us() + us;
	siginfo_t info = {0};
	char text[1024];
	char name[128];
	int status = 0;

	(void)snprintf(name, sizeof(name), "%s, signal %d after %lu us", scene->name, signal,
	               (unsigned long)us);
	case_begin(name, "--scene '%s' --signal %d --us %lu", scene->name, signal,
	           (unsigned long)us);
	if (!scene_set_up(scene))
		return case_end();
	end = now_us() + us;

	pid_t pid = command_spawn(scene->victim, output, false);

	if (end > now_us())
		sleep_us(end - now_us());
	(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);

	bool hit = info.si_pid == 0;

	(void)kill(pid, signal);
	if (!await(pid, SIGNAL_TIMEOUT_MS * (int)harness.slow, &status))
		case_fail("it did not end within %u ms", SIGNAL_TIMEOUT_MS * harness.slow);
	output_read(output, text, sizeof(text));
	remains_check_deleted();
	if (!hit) {
		case_drop();
		return false;
	}
	if (!case_end())
		(void)printf("    output: %s\n", text);
	return true;
}

static int choose_signal(const struct scene *scene)
{
	static const int others[] = {SIGTERM, SIGINT};

	return (scene->traits & ENDLESS) || draw(8) > 0 ? SIGKILL
	                                                : others[draw(ARRAY_SIZE(others))];
}

static size_t draw_scene(void)
{
	for (;;) {
		size_t i = (size_t)draw(scene_count);

		if (scene_fits(&scenes[i]))
			return i;
	}
}

static unsigned long kill_at_random_times(unsigned long count)
{
	static uint64_t lengths[64];
	unsigned long done = 0;
	unsigned long misses = 0;

	while (done < count && misses < 10 * count + 100) {
		size_t i = draw_scene();

		if (lengths[i] == 0)
			lengths[i] = (scenes[i].traits & ENDLESS) ? 30000 * harness.slow
			                                          : measure(&scenes[i]) + 1;
		if (kill_after(&scenes[i], draw(lengths[i]), choose_signal(&scenes[i])))
			done++;
		else
			misses++;
	}
	return done;
}

/* --- The whole --- */

static unsigned long kill_at_random_steps(unsigned long count)
{
	static unsigned int calls[64][PROCESSES];
	unsigned long done = 0;

	for (unsigned long tries = 0; done < count && tries < 10 * count + 100; tries++) {
		size_t i = draw_scene();
		uint64_t which = draw(10);
		unsigned int process = which < 7 ? 0 : which < 9 ? 1 : 2;

		if (calls[i][process] == 0)
			calls[i][process] = 1 + count_calls(&scenes[i], process);
		if (calls[i][process] > 1 &&
		    kill_at(&scenes[i], process, (unsigned int)draw(calls[i][process] - 1),
		            draw(2) ? draw(DELAY_US) : 0))
			done++;
	}
	return done;
}

void kills_run(void)
{
	unsigned long steps = 0;
	unsigned long samples = 0;
	unsigned long times = harness.count / 2;
	/* All of even two scenes is more than a small number. */
	bool core = harness.count * harness.workers >= 500;

	for (size_t i = 0; i < scene_count; i++)
		for (unsigned int process = 0; process < PROCESSES; process++)
			if (scene_fits(&scenes[i]) &&
			    (harness.all || (core && (scenes[i].traits & CORE) && process == 0)))
				steps += kill_everywhere(&scenes[i], process);
	if (!harness.all) {
		unsigned long rest = harness.count > steps ? harness.count - steps : 0;

		times = rest / 2;
		samples = kill_at_random_steps(rest - times);
	}
	times = kill_at_random_times(times);
	(void)printf("  kills at every system call %lu, at sampled ones %lu, at random times %lu\n",
	             steps, samples, times);
}

void kills_repeat(const struct scene *scene, unsigned int process, long step, uint64_t us,
                  int signal)
{
	if (step >= 0) {
		if (!kill_at(scene, process, (unsigned int)step, us))
			(void)printf("  it makes fewer system calls\n");
	} else if (us > 0) {
		if (!kill_after(scene, us, signal))
			(void)printf("  it had ended by then\n");
	} else {
		(void)printf("  %lu boundaries\n", kill_everywhere(scene, process));
	}
}
