/*
 * count: how much a command asks of the kernel.
 *
 *	count trace [--by-name] COMMAND...	system calls, successful execs after the starting one
 *						and processes of the command and all its
 *						descendants, exact
 *	count faults COMMAND...			page faults of the command and the children it waited
 *						for, not traced
 *
 * Prints "name number" lines; the command's standard output is discarded. The exit status is the
 * command's. A descendant that outlives the command (a container's init) is counted until it has
 * made no system call for a while, and goes on untraced.
 */
#include "measure.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "syscall-names.h" /* static const char *const syscall_names[], made by the script build */

#define MAX_SYSCALL (sizeof(syscall_names) / sizeof(syscall_names[0]))
#define QUIET_MS 100
#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |  \
	 PTRACE_O_TRACEEXEC)

static unsigned long calls[MAX_SYSCALL], failed[MAX_SYSCALL];
static unsigned long total, execs, processes = 1;

static void count_call(pid_t pid)
{
	static struct __ptrace_syscall_info info;

	/* The number of the call is known on entry, its success on exit. A call during which the
	 * process dies has no exit. */
	static uint64_t last_by_pid[1 << 22];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
		return;
	/* What the child does before its own execve is ours. */
	if (total == 0 && (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_execve))
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		total++;
		if (info.entry.nr < MAX_SYSCALL)
			calls[info.entry.nr]++;
		last_by_pid[pid] = info.entry.nr;
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.is_error &&
	           last_by_pid[pid] < MAX_SYSCALL) {
		failed[last_by_pid[pid]]++;
	}
}

/* One stop of a tracee: counts it and lets it go on, with its signal if that is what stopped it. */
static void handle_stop(pid_t pid, int status)
{
	int number = WSTOPSIG(status), event = status >> 16, deliver = 0;

	if (number == (SIGTRAP | 0x80))
		count_call(pid);
	else if (event == PTRACE_EVENT_EXEC)
		execs++;
	else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
	         event == PTRACE_EVENT_CLONE)
		processes++;
	else if (event == 0 && number != SIGSTOP && number != SIGTRAP)
		deliver = number;
	ptrace(PTRACE_SYSCALL, pid, NULL, (long)deliver);
}

/* The next event of any tracee, or 0 if there is none for QUIET_MS. */
static pid_t next_event_if_any(int *status)
{
	struct timespec tick = {.tv_nsec = 1000000};

	for (int i = 0; i < QUIET_MS; i++) {
		pid_t pid = waitpid(-1, status, __WALL | WNOHANG);

		if (pid != 0)
			return pid;
		nanosleep(&tick, NULL);
	}
	return 0;
}

static int trace(char **argv)
{
	int status, result = -1;
	pid_t child = fork(), pid;

	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[0], argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		err(2, "start %s", argv[0]);
	ptrace(PTRACE_SETOPTIONS, child, NULL, (long)OPTIONS);
	ptrace(PTRACE_SYSCALL, child, NULL, 0L);
	for (;;) {
		pid = result < 0 ? waitpid(-1, &status, __WALL) : next_event_if_any(&status);
		if (pid <= 0)
			break;
		if (WIFSTOPPED(status))
			handle_stop(pid, status);
		else if (pid == child)
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
	return result < 0 ? 125 : result;
}

static int compare(const void *a, const void *b)
{
	unsigned long x = calls[*(const size_t *)a], y = calls[*(const size_t *)b];

	return (x < y) - (x > y);
}

static void print_by_name(FILE *out)
{
	size_t order[MAX_SYSCALL];

	for (size_t i = 0; i < MAX_SYSCALL; i++)
		order[i] = i;
	qsort(order, MAX_SYSCALL, sizeof(order[0]), compare);
	for (size_t i = 0; i < MAX_SYSCALL && calls[order[i]]; i++) {
		fprintf(out, "  %5lu %s", calls[order[i]],
		        syscall_names[order[i]] ? syscall_names[order[i]] : "unknown");
		if (failed[order[i]])
			fprintf(out, " (%lu failed)", failed[order[i]]);
		fputc('\n', out);
	}
}

int main(int argc, char **argv)
{
	bool by_name = argc > 2 && strcmp(argv[2], "--by-name") == 0;
	char **command = argv + 2 + by_name;
	struct sample sample = {0};
	FILE *out;
	int status;

	if (argc - by_name < 3)
		errx(2, "usage: count trace [--by-name] COMMAND... | count faults COMMAND...");
	out = fdopen(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), "w");
	if (!out)
		err(2, "open the output");
	measure_begin("/dev/stderr");
	if (strcmp(argv[1], "faults") == 0) {
		status = measure_run(command, &sample);
		fprintf(out, "faults %.0f\n", sample.faults);
	} else if (strcmp(argv[1], "trace") == 0) {
		status = trace(command);
		fprintf(out, "syscalls %lu\nexecs %lu\nprocesses %lu\n", total, execs - 1,
		        processes);
		if (by_name)
			print_by_name(out);
	} else {
		errx(2, "unknown: %s", argv[1]);
	}
	fclose(out);
	return status;
}
