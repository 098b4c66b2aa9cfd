#include <errno.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <linux/sched/types.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macro.h"
#include "base/str.h"
#include "security/limits.h"

enum { SCHED_ISO_NUMBER = 4 };
#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

/* Names for messages; below `tight` a limit would hinder the runtime itself. Indexed by resource. */
static const struct {
	const char *name;
	uint64_t tight;
} resources[] = {
	[RLIMIT_CPU] = {"RLIMIT_CPU", 60},          [RLIMIT_FSIZE] = {"RLIMIT_FSIZE", 1 << 20},
	[RLIMIT_DATA] = {"RLIMIT_DATA", 64 << 20},  [RLIMIT_STACK] = {"RLIMIT_STACK", 1 << 20},
	[RLIMIT_CORE] = {"RLIMIT_CORE", 0},         [RLIMIT_RSS] = {"RLIMIT_RSS", 0},
	[RLIMIT_NPROC] = {"RLIMIT_NPROC", 64},      [RLIMIT_NOFILE] = {"RLIMIT_NOFILE", 512},
	[RLIMIT_MEMLOCK] = {"RLIMIT_MEMLOCK", 0},   [RLIMIT_AS] = {"RLIMIT_AS", 64 << 20},
	[RLIMIT_LOCKS] = {"RLIMIT_LOCKS", 0},       [RLIMIT_SIGPENDING] = {"RLIMIT_SIGPENDING", 0},
	[RLIMIT_MSGQUEUE] = {"RLIMIT_MSGQUEUE", 0}, [RLIMIT_NICE] = {"RLIMIT_NICE", 0},
	[RLIMIT_RTPRIO] = {"RLIMIT_RTPRIO", 0},     [RLIMIT_RTTIME] = {"RLIMIT_RTTIME", 0},
};

static bool is_tight(const struct spec_rlimit *limit)
{
	return limit->resource >= 0 && (size_t)limit->resource < ARRAY_SIZE(resources) &&
	       limit->soft < resources[limit->resource].tight;
}

static int set_failed(const struct spec_rlimit *limit, pid_t pid, struct error *err)
{
	const int code = errno;
	const char *name = "rlimit";
	struct rlimit now = {0};

	if (limit->resource >= 0 && (size_t)limit->resource < ARRAY_SIZE(resources))
		name = resources[limit->resource].name;
	if (code != EPERM || syscall(SYS_prlimit64, pid, limit->resource, NULL, &now) < 0)
		return error_code(err, code, "set %s to %" PRIu64 ":%" PRIu64, name, limit->soft,
		                  limit->hard);
	if (limit->hard <= now.rlim_max) /* NOFILE above fs.nr_open */
		return error_set(err, EPERM,
		                 "set %s to %" PRIu64 ":%" PRIu64
		                 ": Operation not permitted (above the "
		                 "kernel's own maximum, sysctl fs.nr_open?)",
		                 name, limit->soft, limit->hard);
	return error_set(
		err, EPERM,
		"set %s to %" PRIu64 ":%" PRIu64 ": Operation not permitted (the hard limit is "
		"%" PRIu64 " now; raising it needs CAP_SYS_RESOURCE, which this process does "
		"not have on the host)",
		name, limit->soft, limit->hard, (uint64_t)now.rlim_max);
}

static int set_rlimits(const struct spec_process *process, pid_t pid, bool tight, struct error *err)
{
	for (size_t i = 0; i < process->rlimit_count; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];
		const struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};

		if (is_tight(limit) != tight)
			continue;
		if (syscall(SYS_prlimit64, pid, limit->resource, &value, NULL) < 0)
			return set_failed(limit, pid, err);
	}
	return 0;
}

int limits_enter_rlimits(const struct spec_process *process, pid_t pid, struct error *err)
{
	return set_rlimits(process, pid, false, err);
}

int limits_enter_tight(const struct spec_process *process, pid_t pid, struct error *err)
{
	return set_rlimits(process, pid, true, err);
}

/* sched(7), "SCHED_DEADLINE": why it is refused although the numbers fit each other. */
static int explain_deadline(const struct spec_scheduler *s, struct error *err)
{
	uint64_t period = s->period ? s->period : s->deadline;

	if (errno == EBUSY)
		return error_set(
			err, EBUSY,
			"process.scheduler: SCHED_DEADLINE: the CPUs cannot promise %" PRIu64
			" ns of every %" PRIu64
			" ns beside what they have promised to others (sysctl "
			"kernel.sched_rt_runtime_us bounds the whole)",
			s->runtime, period);
	if (errno == EPERM)
		return error_set(
			err, EPERM,
			"process.scheduler: SCHED_DEADLINE: Operation not permitted (it needs "
			"CAP_SYS_NICE on the host, and a process that may run on all CPUs: "
			"linux.resources.cpu.cpus excludes it unless the cpuset is exclusive)");
	if (errno == EINVAL)
		return error_set(
			err, EINVAL,
			"process.scheduler: SCHED_DEADLINE: Invalid argument (is the period of "
			"%" PRIu64
			" ns within sysctl kernel.sched_deadline_period_min_us and _max_us?)",
			period);
	return error_errno(err, "process.scheduler: SCHED_DEADLINE");
}

static int explain_scheduler(const struct spec_scheduler *s, struct error *err)
{
	if (errno == EPERM)
		return error_set(
			err, EPERM,
			"set the scheduler: Operation not permitted (real-time and "
			"deadline policies and a lower nice value need CAP_SYS_NICE on the "
			"host; a control group can have no time for real-time policies)");
	if (errno == EINVAL && s->policy == SCHED_ISO_NUMBER)
		return error_set(
			err, EINVAL,
			"process.scheduler.policy: Linux has no SCHED_ISO, only its number");
	if (errno == EOPNOTSUPP)
		return error_set(err, EOPNOTSUPP,
		                 "process.scheduler.flags: this kernel has no utilization clamping "
		                 "(CONFIG_UCLAMP_TASK)");
	return error_errno(err, "set the scheduler (policy %u, nice %d, priority %d)", s->policy,
	                   s->nice, s->priority);
}

int limits_enter_scheduler(const struct spec_scheduler *scheduler, pid_t pid, struct error *err)
{
	const struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = scheduler->policy,
		.sched_flags = scheduler->flags,
		.sched_nice = scheduler->nice,
		.sched_priority = (uint32_t)scheduler->priority,
		.sched_runtime = scheduler->runtime,
		.sched_deadline = scheduler->deadline,
		.sched_period = scheduler->period,
	};

	if (!scheduler->set || syscall(SYS_sched_setattr, pid, &attr, 0) == 0)
		return 0;
	return scheduler->policy == SCHED_DEADLINE ? explain_deadline(scheduler, err)
	                                           : explain_scheduler(scheduler, err);
}

int limits_enter_io_priority(const struct spec_io_priority *io_priority, pid_t pid,
                             struct error *err)
{
	const int value = (int)((unsigned int)io_priority->class << IOPRIO_CLASS_SHIFT |
	                        (unsigned int)io_priority->priority);

	if (!io_priority->set || syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, value) == 0)
		return 0;
	if (errno == EPERM)
		return error_set(
			err, EPERM,
			"set the I/O priority: Operation not permitted (IOPRIO_CLASS_RT needs "
			"CAP_SYS_ADMIN or CAP_SYS_NICE on the host)");
	return error_errno(err, "set the I/O priority (class %d, level %d)", io_priority->class,
	                   io_priority->priority);
}

static bool oom_score_is(int proc_fd, const char *path, int64_t wanted)
{
	struct error ignored = {0};
	int64_t now;
	char text[32];

	return file_read_kernel(proc_fd, path, text, sizeof(text), &ignored) >= 0 &&
	       parse_i64(text, &now) == 0 && now == wanted;
}

int limits_enter_oom_score(const struct optional_i64 *score, int proc_fd, pid_t pid,
                           struct error *err)
{
	char path[48] = "self/oom_score_adj", text[24];
	struct error failure = {0};
	int r;

	if (!score->set)
		return 0;
	if (pid != 0)
		snprintf(path, sizeof(path), "%ld/oom_score_adj", (long)pid);
	snprintf(text, sizeof(text), "%" PRId64, score->value);
	r = file_write_kernel(proc_fd, path, text, &failure);
	if (r >= 0)
		return 0;
	if ((r == -EACCES || r == -EPERM) && oom_score_is(proc_fd, path, score->value))
		return 0;
	*err = failure;
	return error_wrap(err, "process.oomScoreAdj%s",
	                  r == -EACCES ? " (lowering it needs CAP_SYS_RESOURCE on the host)" : "");
}
