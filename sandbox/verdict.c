#include "sandbox/verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "cgroups/legacy.h"

const char *const verdict_cause_names[CAUSE_COUNT] = {
	[CAUSE_OK] = "ok",           [CAUSE_EXIT] = "exit",     [CAUSE_SIGNAL] = "signal",
	[CAUSE_TIMEOUT] = "timeout", [CAUSE_SILENT] = "silent", [CAUSE_LOG] = "log",
	[CAUSE_OOM] = "oom",         [CAUSE_PIDS] = "pids",     [CAUSE_DISK] = "disk",
	[CAUSE_SECCOMP] = "seccomp", [CAUSE_SETUP] = "setup",
};

void verdict_usage_done(struct verdict_usage *usage)
{
	arena_done(&usage->arena);
}

/* A counter of a flat keyed file ("max 12"), or a file that is one number (`key` null). */
static struct optional_u64 read_counter(int dirfd, const char *file, const char *key)
{
	struct optional_u64 counter = {0};
	struct error ignored;
	char text[256];

	if (file_read_kernel(dirfd, file, text, sizeof(text), &ignored) < 0)
		return counter;

	char *number = key ? strstr(text, key) : text;

	if (!number)
		return counter;
	number += key ? strlen(key) : 0;
	number[strcspn(number, "\n")] = '\0';
	counter.set = parse_u64(number, &counter.value) == 0;
	return counter;
}

/* The first reading that there is. */
static void take(struct optional_u64 *counter, struct optional_u64 other)
{
	if (!counter->set)
		*counter = other;
}

/* Where the controllers are bound to v1 their groups tell the same by other names. */
static void read_legacy(const struct cgroup *group, struct verdict_usage *usage)
{
	struct cgroup_stats *stats = &usage->stats;
	scoped_fd memory = legacy_open(group, "memory");
	scoped_fd pids = legacy_open(group, "pids");

	if (memory >= 0) {
		take(&stats->oom_kills, read_counter(memory, "memory.oom_control", "oom_kill "));
		take(&stats->memory_peak, read_counter(memory, "memory.max_usage_in_bytes", NULL));
		take(&stats->memory_limit, read_counter(memory, "memory.limit_in_bytes", NULL));
		take(&stats->memory_limit_hits, read_counter(memory, "memory.failcnt", NULL));
	}
	if (pids >= 0) {
		take(&usage->pids_refused, read_counter(pids, "pids.events", "max "));
		take(&usage->pids_peak, read_counter(pids, "pids.peak", NULL));
		take(&stats->pids_limit, read_counter(pids, "pids.max", NULL));
	}
}

void verdict_read_usage(const struct cgroup *group, struct verdict_usage *ret)
{
	struct error ignored;

	*ret = (struct verdict_usage){0};
	if (!group || cgroup_dirfd(group) < 0)
		return;
	if (cgroup_stats_read(group, &ret->arena, &ret->stats, &ignored) < 0)
		ret->stats = (struct cgroup_stats){0};
	ret->pids_refused = read_counter(cgroup_dirfd(group), "pids.events", "max ");
	ret->pids_peak = read_counter(cgroup_dirfd(group), "pids.peak", NULL);
	read_legacy(group, ret);
}

/* --- The decision --- */

static bool counted(const struct optional_u64 *counter)
{
	return counter->set && counter->value > 0;
}

/* An auditor has seen it, or not; without one the signal says it, which others could have sent. */
static bool was_filtered(const struct watch *watch, const struct audit *audit)
{
	if (audit->denials && !audit->broken)
		return audit->table->killed > 0;
	return WIFSIGNALED(watch->status) && WTERMSIG(watch->status) == SIGSYS;
}

/* Of a failed run: the first that explains it. A limit that was met and survived is no cause. */
static enum verdict_cause why_failed(const struct watch *watch, const struct verdict_usage *usage,
                                     const struct audit *audit)
{
	if (counted(&usage->stats.oom_kills))
		return CAUSE_OOM;
	if (was_filtered(watch, audit))
		return CAUSE_SECCOMP;
	if (counted(&usage->pids_refused))
		return CAUSE_PIDS;
	if (watch->disk_was_full)
		return CAUSE_DISK;
	return WIFSIGNALED(watch->status) ? CAUSE_SIGNAL : CAUSE_EXIT;
}

static enum verdict_cause decide_cause(const struct watch *watch, const struct verdict_usage *usage,
                                       const struct audit *audit)
{
	switch (watch->stop) {
	case WATCH_TIMEOUT:
		return CAUSE_TIMEOUT;
	case WATCH_SILENT:
		return CAUSE_SILENT;
	case WATCH_LOG:
		return CAUSE_LOG;
	case WATCH_NONE:
	case WATCH_INTERRUPTED:
		break;
	}
	return watch->status == 0 ? CAUSE_OK : why_failed(watch, usage, audit);
}

struct verdict verdict_decide(const struct watch *watch, const struct verdict_usage *usage,
                              const struct audit *audit)
{
	struct verdict verdict = {
		.cause = decide_cause(watch, usage, audit),
		.status = watch->status,
		.exit = process_exit_code(watch->status),
	};

	if (verdict.cause == CAUSE_TIMEOUT || verdict.cause == CAUSE_SILENT)
		verdict.exit = SANDBOX_EXIT_TIME;
	return verdict;
}

/* The runtime's error about the program itself has these words; all else is the sandbox's. */
static bool is_about_command(const char *text)
{
	return strstr(text, "executable file not found") || strstr(text, "open executable") ||
	       strstr(text, "is not a regular file");
}

struct verdict verdict_of_failure(int code, const char *text)
{
	struct verdict verdict = {
		.cause = CAUSE_SETUP,
		.status = -1,
		.exit = SANDBOX_EXIT_ERROR,
		.message = text,
	};

	if (is_about_command(text))
		verdict.exit = code == ENOENT ? SANDBOX_EXIT_NOT_FOUND : SANDBOX_EXIT_NOT_RUN;
	return verdict;
}
