#include "cmd/signals.h"

#include <signal.h>
#include <string.h>

#include "base/str.h"

/* Realtime signals as the kernel counts them: the C library keeps the first ones for itself. */
enum { KERNEL_RTMIN = 34, KERNEL_RTMAX = 64 };

/* Those of the kernel, the same on every architecture that this program is built for. */
static const char *const names[KERNEL_RTMIN] = {
	[SIGHUP] = "HUP",   [SIGINT] = "INT",       [SIGQUIT] = "QUIT", [SIGILL] = "ILL",
	[SIGTRAP] = "TRAP", [SIGABRT] = "ABRT",     [SIGBUS] = "BUS",   [SIGFPE] = "FPE",
	[SIGKILL] = "KILL", [SIGUSR1] = "USR1",     [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE", [SIGALRM] = "ALRM",     [SIGTERM] = "TERM", [SIGSTKFLT] = "STKFLT",
	[SIGCHLD] = "CHLD", [SIGCONT] = "CONT",     [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN", [SIGTTOU] = "TTOU",     [SIGURG] = "URG",   [SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ", [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
	[SIGPOLL] = "POLL", [SIGPWR] = "PWR",       [SIGSYS] = "SYS",
};

/* Second names. */
static const struct {
	const char *name;
	int number;
} aliases[] = {
	{"CLD", SIGCHLD}, {"IOT", SIGABRT}, {"POLL", SIGPOLL}, {"IO", SIGIO}, {"UNUSED", SIGSYS},
};

static int in_realtime_range(int number)
{
	return number >= KERNEL_RTMIN && number <= KERNEL_RTMAX ? number : -1;
}

/* `rest` is what follows RTMIN ("", "+N") or RTMAX ("", "-N"). */
static int realtime(int base, char sign, const char *rest)
{
	int offset;

	if (rest[0] == '\0')
		return base;
	if (rest[0] != sign || parse_int(rest + 1, 0, KERNEL_RTMAX, &offset) < 0)
		return -1;
	return in_realtime_range(sign == '+' ? base + offset : base - offset);
}

static int named(const char *name)
{
	for (int number = 1; number < KERNEL_RTMIN; number++) {
		if (names[number] && strcasecmp(names[number], name) == 0)
			return number;
	}
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (strcasecmp(aliases[i].name, name) == 0)
			return aliases[i].number;
	}
	return -1;
}

int signal_parse(const char *text)
{
	int number;

	if (parse_int(text, 0, KERNEL_RTMAX, &number) == 0)
		return number;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncasecmp(text, "RTMIN", 5) == 0)
		return realtime(KERNEL_RTMIN, '+', text + 5);
	if (strncasecmp(text, "RTMAX", 5) == 0)
		return realtime(KERNEL_RTMAX, '-', text + 5);
	return named(text);
}
