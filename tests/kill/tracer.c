/* Follows lvm-run with ptrace(2) up to a system call and kills it there. */
#include "kill.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written by tests/kill/run. */
#include "syscall-names.h"

enum {
	TRACED_MAX = 64, /* hooks have children */
	QUIET_MS = 300,  /* a command that stands still for so long waits for its program */
};

struct traced {
	pid_t pid;
	unsigned int calls; /* entries so far */
	bool alive;
};

struct tracer {
	const struct step *step;
	struct step_result *result;
	struct traced traced[TRACED_MAX];
	size_t count;
	bool done; /* the kill or act has happened */
};

const char *call_name(long number)
{
	if (number < 0 || (size_t)number >= ARRAY_SIZE(syscall_names) || !syscall_names[number])
		return "?";
	return syscall_names[number];
}

static struct traced *find(struct tracer *tracer, pid_t pid)
{
	for (size_t i = 0; i < tracer->count; i++)
		if (tracer->traced[i].pid == pid)
			return &tracer->traced[i];
	return NULL;
}

static void resume(pid_t pid, int signal)
{
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)signal);
}

/* At the boundary that was asked for: the call has not been made yet, and will not be. */
static void arrive(struct tracer *tracer, struct traced *traced)
{
	tracer->done = true;
	tracer->result->end = STEP_REACHED;
	if (tracer->step->delay_us)
		sleep_us(tracer->step->delay_us);
	if (tracer->step->act) {
		tracer->step->act();
		(void)ptrace(PTRACE_DETACH, traced->pid, NULL, NULL);
		return;
	}
	(void)kill(traced->pid, SIGKILL);
}

static void at_call(struct tracer *tracer, struct traced *traced)
{
	struct __ptrace_syscall_info info;
	bool target = traced == &tracer->traced[tracer->step->process];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, traced->pid, (void *)sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_ENTRY && traced->calls++ == tracer->step->number &&
	    target && !tracer->done) {
		tracer->result->call = (long)info.entry.nr;
		arrive(tracer, traced);
		return;
	}
	resume(traced->pid, 0);
}

/* One stop or end of any traced process. True when lvm-run itself has ended. */
static bool take(struct tracer *tracer, pid_t pid, int status)
{
	struct traced *traced = find(tracer, pid);

	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		if (traced)
			traced->alive = false;
		if (traced == &tracer->traced[0])
			tracer->result->status = status;
		return traced == &tracer->traced[0];
	}
	if (!traced && tracer->count < TRACED_MAX) {
		traced = &tracer->traced[tracer->count++];
		*traced = (struct traced){.pid = pid, .alive = true};
	}
	if (traced && WSTOPSIG(status) == (SIGTRAP | 0x80)) {
		at_call(tracer, traced);
		return false;
	}

	bool event = (unsigned int)status >> 16 != 0;
	bool own = event || WSTOPSIG(status) == SIGSTOP || WSTOPSIG(status) == SIGTRAP;

	resume(pid, own ? 0 : WSTOPSIG(status));
	return false;
}

/* waitpid with a time limit; 0: nothing happened for so long. */
static pid_t wait_any(int *ret_status, int timeout_ms)
{
	uint64_t end = now_us() + (uint64_t)timeout_ms * 1000;
	unsigned int turns = 0;

	for (;;) {
		pid_t pid = waitpid(-1, ret_status, WNOHANG | __WALL);

		if (pid != 0)
			return pid;
		if (now_us() > end)
			return 0;
		if (turns++ > 200)
			sleep_us(50);
	}
}

static void trace(struct tracer *tracer)
{
	int status = 0;

	for (;;) {
		bool waits = !tracer->done && tracer->step->endless;
		int limit = (waits ? QUIET_MS : COMMAND_TIMEOUT_MS) * (int)harness.slow;
		pid_t pid = wait_any(&status, limit);

		if (pid > 0 && take(tracer, pid, status))
			return;
		if (pid > 0)
			continue;
		/* It stands still: where an endless one ends; a hang after the boundary was met. */
		if (tracer->done)
			tracer->result->status = -1;
		(void)kill(tracer->traced[0].pid, SIGKILL);
		if (tracer->done) {
			(void)waitpid(tracer->traced[0].pid, &status, __WALL);
			return;
		}
		tracer->done = true;
	}
}

/* What we still hold must not stay stopped by us. */
static void let_go(struct tracer *tracer)
{
	for (size_t i = 1; i < tracer->count; i++)
		if (tracer->traced[i].alive)
			(void)kill(tracer->traced[i].pid, SIGKILL);
}

void step_run(const struct step *step, struct step_result *ret)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
	int output = output_open();
	struct tracer tracer = {.step = step, .result = ret};
	int status = 0;

	*ret = (struct step_result){.end = STEP_BEYOND, .call = -1};
	if (step->process > 0)
		options |= PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;

	pid_t pid = command_spawn(step->words, output, true);

	(void)waitpid(pid, &status, WUNTRACED);
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(intptr_t)options) < 0) {
		perror("ptrace");
		exit(2);
	}
	tracer.traced[tracer.count++] = (struct traced){.pid = pid, .alive = true};
	resume(pid, 0);
	trace(&tracer);
	let_go(&tracer);
	ret->calls = tracer.traced[step->process].calls;
	output_read(output, ret->output, sizeof(ret->output));
}
