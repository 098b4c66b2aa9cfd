/*
 * A build that nobody trusts: a container that we make around the host's own files, run once, and
 * judge.
 *
 *	struct sandbox_options options = {.command = …};
 *	sandbox_run(store, &options, &status, &err);      or sandbox_print_config for the bundle alone
 *
 * The pieces: scratch.h (a private corner of the host for everything that is written), view.h (which
 * files the program sees), secrets.h (which it never sees), profile.h (its system calls), config.h
 * (all of it as an OCI configuration), watch.h (clocks, output and limits while it runs), verdict.h
 * (how it ended, and the report), outputs.h (what it leaves), warm.h (starts from a template).
 * What exec brings into a running sandbox is the caller's own and has no filter: the profile is handed to init, and
 * is not in the configuration that is kept.
 * Host side; only for a process of its own, whose namespaces it changes.
 */
#ifndef LVM_RUN_SANDBOX_SANDBOX_H
#define LVM_RUN_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "runtime/runtime.h"

/* Exit statuses besides the program's own and 128 + signal. */
enum {
	SANDBOX_EXIT_TIME = 124,    /* ended by --timeout or --max-silent */
	SANDBOX_EXIT_ERROR = 125,   /* the sandbox itself failed */
	SANDBOX_EXIT_NOT_RUN = 126, /* the command was found but could not be executed */
	SANDBOX_EXIT_NOT_FOUND = 127,
};

enum sandbox_step_kind {
	SANDBOX_RO_BIND,
	SANDBOX_BIND,
	SANDBOX_DEV_BIND,
	SANDBOX_TMPFS,
	SANDBOX_OVERLAY, /* writable, what is written is discarded */
	SANDBOX_HIDE,
};

/* A change of the default view; later ones cover earlier ones. */
struct sandbox_step {
	enum sandbox_step_kind kind;
	const char *source; /* absolute; of the binds and overlays */
	const char *target; /* absolute */
};

struct sandbox_output {
	const char *path;        /* absolute, as the command sees it */
	const char *destination; /* absolute, on the host */
};

/* --reproducible: when everything is from, unless SOURCE_DATE_EPOCH says it (1980-01-01). */
#define SANDBOX_EPOCH 315532800

enum sandbox_diff { SANDBOX_DIFF_NONE, SANDBOX_DIFF_TEXT, SANDBOX_DIFF_JSON };

struct sandbox_options {
	char **command; /* ends with null */

	/* Files */
	const struct sandbox_step *steps;
	size_t step_count;
	const char *directory; /* where the command starts; null: the present directory */
	bool read_only;        /* no overlays: the host's files cannot be written at all */
	bool show_secrets;     /* nothing is hidden */
	uint64_t disk_limit;   /* bytes; 0: half of the memory, the default of tmpfs */
	const char
		*keep; /* a directory for the layers, which a later run goes on with; null: none */

	/* Warm starts (warm.h) */
	const char *template;      /* start from it; null: cold */
	const char *save_template; /* the command starts daemons that become it; null: no */
	const char *store_path;    /* where templates are; null: the default */

	/* Environment */
	char *const
		*env;  /* "NAME=value" or "NAME" (as it is outside); may be null; ends with null */
	bool keep_env; /* all of the caller's, not the harmless part */

	/* Isolation */
	bool share_net;
	const char *const *net_allow; /* each as allow.h says; not with share_net */
	size_t net_allow_count;
	const char *profile; /* a seccomp section instead of the built-in one; null: that */
	bool allow_userns;   /* nested sandboxes, at the price of much more of the kernel */
	bool reproducible;
	bool terminal;        /* a pty of its own */
	const char *hostname; /* null: "sandbox" */

	/* Limits; 0: none */
	int64_t memory;
	int64_t swap; /* bytes besides memory; −1: not asked */
	uint64_t cpu_millis;
	int64_t pids;
	uint64_t timeout_ms;
	uint64_t grace_ms; /* between SIGTERM and SIGKILL */
	uint64_t silent_ms;
	uint64_t log_limit; /* bytes of output */
	bool best_effort;

	/* Results */
	const struct sandbox_output *outputs;
	size_t output_count;
	const char *const
		*commits; /* absolute paths: what changed below them is kept after success */
	size_t commit_count;
	enum sandbox_diff diff;  /* what was changed is listed on standard output */
	bool audit;              /* the report lists denied system calls */
	const char *learn;       /* a seccomp section of what ran goes there; null: none */
	const char *report;      /* a file, or the number of a descriptor; null: none */
	const char *status_fd;   /* of bubblewrap's --json-status-fd; null: none */
	const char *stdout_file; /* null: inherited */
	const char *stderr_file;

	enum cgroup_driver driver;
};

/* *ret_exit is what the command should exit with. An error is a failure of the sandbox. */
int sandbox_run(struct store *store, const struct sandbox_options *options, int *ret_exit,
                struct error *err) must_check;

/* The bundle's config.json as text (free); nothing is run. */
int sandbox_print_config(struct store *store, const struct sandbox_options *options, char **ret,
                         struct error *err) must_check;

#endif
