/* How a run ended, in one word, and the report about it. Host side. */
#ifndef LVM_RUN_SANDBOX_VERDICT_H
#define LVM_RUN_SANDBOX_VERDICT_H

#include "cgroups/stats.h"
#include "sandbox/audit.h"
#include "sandbox/outputs.h"
#include "sandbox/view.h"
#include "sandbox/watch.h"

enum verdict_cause {
	CAUSE_OK,      /* exit status 0 */
	CAUSE_EXIT,    /* another exit status */
	CAUSE_SIGNAL,  /* ended by a signal, of its own doing or another's */
	CAUSE_TIMEOUT, /* --timeout */
	CAUSE_SILENT,  /* --max-silent */
	CAUSE_LOG,     /* --max-log */
	CAUSE_OOM,     /* the kernel ended a process for want of memory */
	CAUSE_PIDS,    /* it failed, and new processes were refused */
	CAUSE_DISK,    /* it failed, and the disk was full */
	CAUSE_SECCOMP, /* it, or (seen by --audit) one of its children, was ended by the filter */
	CAUSE_SETUP,   /* it was never started */
	CAUSE_COUNT
};
extern const char *const verdict_cause_names[CAUSE_COUNT];

/* What the counters of the control group say; unset where there is none. */
struct verdict_usage {
	struct arena arena;
	struct cgroup_stats stats;
	struct optional_u64 pids_refused; /* forks that pids.max has refused */
	struct optional_u64 pids_peak;
};

struct verdict {
	enum verdict_cause cause;
	int status;          /* as of waitpid(2); −1: never started */
	int exit;            /* what the command exits with */
	const char *message; /* of a failed set-up; null */
};

/* Reads the counters; `group` may be null. */
void verdict_read_usage(const struct cgroup *group, struct verdict_usage *ret);
void verdict_usage_done(struct verdict_usage *usage);

/* Decides. Pure. */
struct verdict verdict_decide(const struct watch *watch, const struct verdict_usage *usage,
                              const struct audit *audit);

/* Of a sandbox that could not be made; `code` is the errno, `text` what went wrong. Pure. */
struct verdict verdict_of_failure(int code, const char *text);

struct report {
	const struct sandbox_options *options;
	const struct scratch *scratch;
	const struct storage *storage;
	const struct view *view;
	const struct network *network;
	const struct watch *watch;
	const struct verdict_usage *usage;
	const struct audit *audit;
	const struct warm *warm;
	const struct verdict *verdict;
	const struct copy *outputs;    /* null: none were asked for */
	const struct changes *changes; /* null: not asked for */
	const char *id;
	bool limits_enforced;
};

/* The report as JSON (free); null: no memory. */
char *report_write(const struct report *report) must_check;
/* The list of changes for people or as JSON (free); null: no memory. */
char *report_diff(const struct changes *changes, enum sandbox_diff form) must_check;
/* `where`: the number of an open descriptor, or a file's name. */
int report_store(const char *where, const char *text, struct error *err) must_check;

#endif
