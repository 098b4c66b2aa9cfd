#include <inttypes.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>

#include "spec/sections.h"
#include "spec/validate.h"

enum {
	CONSOLE_SIDE_LIMIT = 65535, /* struct winsize, ioctl_tty(2) */
	OOM_SCORE_LIMIT = 1000,     /* proc(5), oom_score_adj */
	NICE_MIN = -20,
	NICE_MAX = 19,
	REAL_TIME_PRIORITY_MAX = 99, /* sched(7) */
	GROUP_LIMIT = 65536,         /* setgroups(2) */
	DEADLINE_RUNTIME_MIN = 1024  /* sched(7) */
};

static int check_cwd(const struct spec_process *process, const struct spec_sink *out)
{
	if (process->cwd[0] == '\0')
		return spec_invalid(out, "process.cwd", "is missing");
	if (process->cwd[0] != '/')
		return spec_invalid(out, "process.cwd", "\"%.200s\" is not absolute", process->cwd);
	return 0;
}

static int check_args(const struct spec_process *process, const struct spec_sink *out)
{
	return process->args.count == 0 ? spec_invalid(out, "process.args", "is empty") : 0;
}

/*
 * Environment entries without '=' pass: programs may be given such, other runtimes disagree on them,
 * and nothing here depends on it.
 */

static int check_console_size(const struct spec_process *process, const struct spec_sink *out)
{
	if (!process->terminal)
		return 0;
	if (process->console_height > CONSOLE_SIDE_LIMIT)
		return spec_invalid(out, "process.consoleSize.height", "is above %d",
		                    CONSOLE_SIDE_LIMIT);
	if (process->console_width > CONSOLE_SIDE_LIMIT)
		return spec_invalid(out, "process.consoleSize.width", "is above %d",
		                    CONSOLE_SIDE_LIMIT);
	return 0;
}

static int check_user(const struct spec_process *process, const struct spec_sink *out)
{
	const struct spec_user *user = &process->user;

	if (user->umask.set && user->umask.value > 0777)
		return spec_invalid(out, "process.user.umask", "is above 511 (octal 777)");
	if (user->additional_gid_count > GROUP_LIMIT)
		return spec_invalid(out, "process.user.additionalGids", "has more than %d entries",
		                    GROUP_LIMIT);
	return 0;
}

static int check_rlimits(const struct spec_process *process, const struct spec_sink *out)
{
	char path[50];
	int r = 0;

	for (size_t i = 0; r == 0 && i < process->rlimit_count; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];

		snprintf(path, sizeof(path), "process.rlimits[%zu].soft", i);
		if (limit->soft > limit->hard)
			r = spec_invalid(out, path, "is above the hard limit of %s",
			                 spec_rlimit_name(limit->resource));
	}
	return r;
}

static int check_oom_score(const struct spec_process *process, const struct spec_sink *out)
{
	int64_t score = process->oom_score_adj.value;

	if (process->oom_score_adj.set && (score < -OOM_SCORE_LIMIT || score > OOM_SCORE_LIMIT))
		return spec_invalid(out, "process.oomScoreAdj", "is not within -%d and %d",
		                    OOM_SCORE_LIMIT, OOM_SCORE_LIMIT);
	return 0;
}

/* sched(7), "SCHED_DEADLINE", and what the kernel's __checkparam_dl refuses. */
static int check_deadline(const struct spec_scheduler *s, const struct spec_sink *out)
{
	if (s->runtime == 0)
		return spec_invalid(out, "process.scheduler.runtime",
		                    "is missing, SCHED_DEADLINE needs it");
	if (s->deadline == 0)
		return spec_invalid(out, "process.scheduler.deadline",
		                    "is missing, SCHED_DEADLINE needs it");
	if (s->runtime < DEADLINE_RUNTIME_MIN)
		return spec_invalid(out, "process.scheduler.runtime",
		                    "%" PRIu64 " ns is less than the %d ns that the kernel takes",
		                    s->runtime, DEADLINE_RUNTIME_MIN);
	if (s->runtime > s->deadline)
		return spec_invalid(out, "process.scheduler.runtime",
		                    "%" PRIu64 " ns is more than the deadline (%" PRIu64 " ns)",
		                    s->runtime, s->deadline);
	if (s->period != 0 && s->deadline > s->period)
		return spec_invalid(out, "process.scheduler.deadline",
		                    "%" PRIu64 " ns is more than the period (%" PRIu64 " ns)",
		                    s->deadline, s->period);
	if (s->deadline > INT64_MAX || s->period > INT64_MAX)
		return spec_invalid(out, "process.scheduler.deadline",
		                    "deadline and period are below 2^63 ns");
	return 0;
}

/* sched(7): which parameter goes with which policy. */
static int check_scheduler(const struct spec_process *process, const struct spec_sink *out)
{
	const struct spec_scheduler *s = &process->scheduler;
	bool real_time = s->policy == SCHED_FIFO || s->policy == SCHED_RR;
	bool deadline = s->policy == SCHED_DEADLINE;

	if (!s->set)
		return 0;
	if (s->nice < NICE_MIN || s->nice > NICE_MAX)
		return spec_invalid(out, "process.scheduler.nice", "is not within %d and %d",
		                    NICE_MIN, NICE_MAX);
	if (!real_time && s->priority != 0)
		return spec_invalid(out, "process.scheduler.priority",
		                    "goes only with SCHED_FIFO and SCHED_RR");
	if (real_time && (s->priority < 1 || s->priority > REAL_TIME_PRIORITY_MAX))
		return spec_invalid(out, "process.scheduler.priority", "is not within 1 and %d",
		                    REAL_TIME_PRIORITY_MAX);
	if (!deadline && (s->runtime || s->deadline || s->period))
		return spec_invalid(out, "process.scheduler",
		                    "runtime, deadline and period go only with SCHED_DEADLINE");
	return deadline ? check_deadline(s, out) : 0;
}

static int check_cpu_list(const char *path, const char *list, const struct spec_sink *out)
{
	if (list && list[strspn(list, "0123456789,- ")] != '\0')
		return spec_invalid(out, path, "\"%.100s\" is no list of CPUs (0-3,7)", list);
	return 0;
}

static int check_affinity(const struct spec_process *process, const struct spec_sink *out)
{
	int r = check_cpu_list("process.execCPUAffinity.initial",
	                       process->exec_cpu_affinity_initial, out);

	if (r < 0)
		return r;
	return check_cpu_list("process.execCPUAffinity.final", process->exec_cpu_affinity_final,
	                      out);
}

static int (*const checks[])(const struct spec_process *, const struct spec_sink *) = {
	check_cwd,     check_args,      check_console_size, check_user,
	check_rlimits, check_oom_score, check_scheduler,    check_affinity,
};

int spec_check_process(const struct spec_process *process, const struct spec_sink *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(checks); i++)
		r = checks[i](process, out);
	return r;
}

int spec_validate_process(const struct spec_process *process, struct error *err)
{
	return spec_check_process(process, &(struct spec_sink){.err = err});
}
