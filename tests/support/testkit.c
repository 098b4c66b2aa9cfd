/*
 * What integration tests need and no shell has: a static program that runs on the host and inside
 * containers (copy it there). testkit APPLET ARGUMENT…; each applet is described where it begins,
 * here or in the testkit_*.c beside.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testkit.h"

void say(const char *format, ...)
{
	char text[4096];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length > 0 && write(STDOUT_FILENO, text, (size_t)length) < 0)
		_exit(4);
}

int die(const char *what)
{
	fprintf(stderr, "testkit: %s: %s\n", what, strerror(errno));
	exit(3);
}

int number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- memory MIB: fills so much, says "ready", then again and again whether it is as it was --- */

static uint64_t mixed(uint64_t number)
{
	number = (number ^ number >> 31) * 0x9e3779b97f4a7c15U;
	return number ^ number >> 29;
}

static int memory_main(char **words)
{
	const struct timespec pause_time = {0, 50000000};
	size_t count = (size_t)number(words[0]) * 1024 * 1024 / sizeof(uint64_t);
	uint64_t *memory = malloc(count * sizeof(*memory));

	if (!memory)
		return die("malloc");
	for (size_t i = 0; i < count; i++)
		memory[i] = mixed(i + 1);
	say("ready\n");
	for (;;) {
		size_t bad = 0;

		for (size_t i = 0; i < count; i++)
			bad += memory[i] != mixed(i + 1);
		if (bad)
			say("%zu words are bad\n", bad);
		else
			say("good\n");
		nanosleep(&pause_time, NULL);
	}
}

/* --- count [FILE]: a number a line, about fifty a second; also into FILE, which stays open --- */

static int count_main(char **words)
{
	const struct timespec pause_time = {0, 20000000};
	int file = words[0] ? open(words[0], O_RDWR | O_CREAT | O_APPEND, 0644) : -1;

	if (words[0] && file < 0)
		return die(words[0]);
	for (unsigned long n = 1; n; n++) {
		say("%lu\n", n);
		if (file >= 0 && dprintf(file, "%lu\n", n) < 0)
			return die(words[0]);
		nanosleep(&pause_time, NULL);
	}
	return 0;
}

/* --- pause: an idle program that ends at every signal with a default action --- */

static int pause_main(char **words)
{
	(void)words;
	while (pause() < 0)
		;
	return 0;
}

/* --- clock ID: the seconds of that clock --- */

static int clock_main(char **words)
{
	struct timespec time;

	if (!words[0] || clock_gettime(number(words[0]), &time) < 0)
		return die("clock");
	say("%lld\n", (long long)time.tv_sec);
	return 0;
}

/* --- sys NAME|NUMBER ARGUMENT…: one system call; "ok RESULT" or the name of its error.
 *     An argument is a number, or @TEXT for a pointer to it. int80: the same as i386 does --- */

static const struct {
	const char *name;
	long number;
} calls[] = {
	{"getppid", SYS_getppid},
	{"getpriority", SYS_getpriority},
	{"mkdirat", SYS_mkdirat},
	{"personality", SYS_personality},
	{"socket", SYS_socket},
	{"sync", SYS_sync},
	{"umask", SYS_umask},
	{"unshare", SYS_unshare},
	{"clone3", SYS_clone3},
	{"keyctl", SYS_keyctl},
	{"ioprio_get", SYS_ioprio_get},
	{"sched_getscheduler", SYS_sched_getscheduler},
	{"mount", SYS_mount},
	{"open_by_handle_at", SYS_open_by_handle_at},
	{"bpf", SYS_bpf},
	{"io_uring_setup", SYS_io_uring_setup},
};

static long find_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return strtol(name, NULL, 0);
}

static int show_result(long result, int error)
{
	if (result >= 0)
		say("ok %ld\n", result);
	else
		say("%s\n", strerrorname_np(error));
	return result >= 0 ? 0 : 1;
}

static int sys_main(char **words)
{
	long values[6] = {0};

	if (!words[0])
		return 2;
	for (size_t i = 0; i < 6 && words[i + 1]; i++)
		values[i] = words[i + 1][0] == '@' ? (long)(words[i + 1] + 1)
		                                   : (long)strtoull(words[i + 1], NULL, 0);
	errno = 0;

	long result = syscall(find_call(words[0]), values[0], values[1], values[2], values[3],
	                      values[4], values[5]);

	return show_result(result, errno);
}

static int int80_main(char **words)
{
#ifdef __x86_64__
	int result = (int)strtol(words[0], NULL, 0);

	/* The numbers of i386, entered the way its programs do. */
	__asm__ volatile("int $0x80"
	                 : "+a"(result)
	                 : "b"(0), "c"(0), "d"(0)
	                 : "memory", "r8", "r9", "r10", "r11");
	return show_result(result < 0 ? -1 : result, -result);
#else
	(void)words;
	say("no i386\n");
	return 77;
#endif
}

/* --- careless COMMAND…: runs it, and leaves unreaped whatever of it loses its parent --- */

static int careless_main(char **words)
{
	int status = 0;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return die("prctl");

	pid_t pid = fork();

	if (pid == 0) {
		(void)execvp(words[0], words);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return die(words[0]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- */

int main(int count, char **words)
{
	static const struct {
		const char *name;
		int (*run)(char **words);
		int least;
	} applets[] = {
		{"agent", agent_main, 2},       {"clock", clock_main, 1},
		{"console", console_main, 1},   {"int80", int80_main, 1},
		{"pause", pause_main, 0},       {"count", count_main, 0},
		{"busy", busy_main, 0},         {"pidfd", pidfd_main, 1},
		{"pty", pty_main, 3},           {"snoop", snoop_main, 1},
		{"sys", sys_main, 1},           {"stall", stall_main, 1},
		{"notified", notified_main, 1}, {"notify", notify_main, 1},
		{"memory", memory_main, 1},     {"careless", careless_main, 1},
		{"hold", hold_main, 0},         {"sink", sink_main, 1},
		{"pages", pages_main, 2},
	};

	for (size_t i = 0; count > 1 && i < sizeof(applets) / sizeof(applets[0]); i++)
		if (strcmp(applets[i].name, words[1]) == 0 && count - 2 >= applets[i].least)
			return applets[i].run(words + 2);
	fprintf(stderr, "testkit: unknown applet, or words are missing\n");
	return 2;
}
