#include "measure.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_BURST 512

extern char **environ;

static void redirect(int fd, const char *path, int flags)
{
	int to = open(path, flags | O_CLOEXEC, 0600);

	if (to < 0 || dup2(to, fd) < 0)
		err(2, "open %s", path);
	close(to);
}

void measure_begin(const char *log)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		err(2, "become the subreaper");
	redirect(0, "/dev/null", O_RDONLY);
	redirect(1, "/dev/null", O_WRONLY);
	redirect(2, log, O_WRONLY | O_CREAT | O_APPEND);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double to_ms(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* vfork and nothing between it and the exec: what is done here counts as the command's. */
static pid_t start(char *const argv[])
{
	pid_t pid = vfork();

	if (pid == 0) {
		execve(argv[0], argv, environ);
		_exit(127);
	}
	if (pid < 0)
		err(2, "start %s", argv[0]);
	return pid;
}

int measure_run(char *const argv[], struct sample *sum)
{
	struct rusage usage;
	double begin = now_ms();
	pid_t pid = start(argv), gone;
	int status;

	do {
		gone = wait4(-1, &status, 0, &usage);
	} while (gone != pid && (gone > 0 || errno == EINTR));
	if (gone != pid)
		err(2, "wait for %s", argv[0]);
	if (sum) {
		sum->wall_ms += now_ms() - begin;
		sum->cpu_ms += to_ms(usage.ru_utime) + to_ms(usage.ru_stime);
		if (sum->rss_kib < (double)usage.ru_maxrss)
			sum->rss_kib = (double)usage.ru_maxrss;
		sum->faults += (double)usage.ru_minflt;
	}
	return exit_status(status);
}

void measure_wait_gone(pid_t pid)
{
	int status;

	while (kill(pid, 0) == 0)
		if (waitpid(-1, &status, 0) < 0 && errno != EINTR)
			return;
}

struct burst measure_burst(char *argv[], size_t id_at, unsigned int total, unsigned int width)
{
	static pid_t pids[MAX_BURST];
	static double begun[MAX_BURST], took[MAX_BURST];
	const char *prefix = id_at ? argv[id_at] : NULL;
	struct burst burst = {0};
	unsigned int started = 0, ended = 0, at;
	double begin = now_ms();
	char id[128];
	int status;

	if (total > MAX_BURST)
		errx(2, "a burst has at most %d runs", MAX_BURST);
	while (ended < total) {
		pid_t gone;

		while (started < total && started - ended < width) {
			if (id_at) {
				snprintf(id, sizeof(id), "%s-%u", prefix, started);
				argv[id_at] = id;
			}
			begun[started] = now_ms();
			pids[started++] = start(argv);
		}
		gone = waitpid(-1, &status, 0);
		for (at = 0; at < started && pids[at] != gone; at++)
			;
		if (gone <= 0 || at == started)
			continue;
		pids[at] = -1;
		took[ended++] = now_ms() - begun[at];
		burst.failures += exit_status(status) != 0;
	}
	burst.runs_per_second = total / (now_ms() - begin) * 1e3;
	burst.latency_ms = median(took, total);
	burst.latency_max_ms = took[total - 1];
	return burst;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, size_t count)
{
	if (count == 0)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
