/*
 * The verbs of the command line: one table, from which the dispatcher, the help texts, the man page
 * and the shell completion are made. A row names the verb, its words and options, what is said about
 * it, and the function that does it.
 *
 * Such a function gets a parsed call. It returns the exit status (≥ 0), or −errno with *err; printing
 * the error is main's.
 */
#ifndef LVM_RUN_CMD_VERBS_H
#define LVM_RUN_CMD_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/clone.h"
#include "checkpoint/snapshot.h"
#include "cmd/options.h"
#include "runtime/runtime.h"

/* --- What the options of the verbs fill in --- */

struct global_options {
	const char *root;
	const char *store;
	const char *log;
	const char *log_format;
	const char *log_level;
	const char *cgroup_manager;
	bool systemd_cgroup;
	bool debug;
	bool version;
};

struct exec_arguments {
	struct exec_options options;
	struct option_list env;
	struct option_list capabilities;
	struct option_list additional_gids;
};

struct kill_arguments {
	bool all;
	bool regex;
};

struct delete_arguments {
	bool force;
	bool regex;
};

struct list_arguments {
	bool quiet;
	const char *format;
};

struct ps_arguments {
	const char *format;
};

/* The options of update that stand for one property each. */
enum update_value {
	UPDATE_MEMORY,
	UPDATE_MEMORY_RESERVATION,
	UPDATE_MEMORY_SWAP,
	UPDATE_KERNEL_MEMORY,
	UPDATE_KERNEL_MEMORY_TCP,
	UPDATE_CPU_PERIOD,
	UPDATE_CPU_QUOTA,
	UPDATE_CPU_BURST,
	UPDATE_CPU_SHARE,
	UPDATE_CPU_IDLE,
	UPDATE_CPU_RT_PERIOD,
	UPDATE_CPU_RT_RUNTIME,
	UPDATE_CPUSET_CPUS,
	UPDATE_CPUSET_MEMS,
	UPDATE_PIDS_LIMIT,
	UPDATE_BLKIO_WEIGHT,
	UPDATE_VALUE_COUNT
};

struct update_arguments {
	const char *resources;
	const char *values[UPDATE_VALUE_COUNT];
	const char *l3_cache_schema;
	const char *mem_bw_schema;
};

struct wait_arguments {
	const char *timeout;
};

struct events_arguments {
	bool stats;
	const char *interval;
};

struct stats_arguments {
	bool no_stream;
	const char *format;
	const char *interval;
};

struct spec_arguments {
	const char *bundle;
	const char *file;
	bool rootless;
};

struct validate_arguments {
	const char *config;
	const char *format;
};

struct doctor_arguments {
	bool json;
};

struct checkpoint_arguments { /* of checkpoint and restore */
	struct checkpoint_options options;
	struct create_options create;
	const char *ghost_limit;
	const char *network_lock;
	const char *cgroups_mode;
	char *page_server;
	const char *status_fd;
	const char *empty_ns;
	const char *format;
};

struct sandbox_arguments {
	struct option_list steps;
	struct option_list env;
	struct option_list outputs, commits;
	struct option_list net_allow;
	const char *diff;
	const char *directory;
	const char *disk, *keep, *memory, *swap, *cpus, *pids;
	const char *timeout, *grace, *max_silent, *max_log;
	const char *report, *statistics, *status_fd, *out, *err;
	const char *hostname, *profile, *learn;
	const char *template, *save_template;
	bool audit;
	bool read_only, show_secrets, keep_env, share_net, allow_userns, reproducible, interactive;
	bool best_effort, print_config, ignored;
};

struct clone_arguments {
	struct clone_options options;
};

struct template_arguments {
	struct clone_options options;
	const char *format;
};

struct snapshot_arguments { /* of snapshot and revert */
	struct snapshot_options options;
	const char *format;
	bool tree;
};

union verb_arguments {
	struct sandbox_arguments sandbox;
	struct create_options create; /* of create and run */
	struct exec_arguments exec;
	struct kill_arguments kill;
	struct delete_arguments delete;
	struct list_arguments list;
	struct ps_arguments ps;
	struct update_arguments update;
	struct wait_arguments wait;
	struct events_arguments events;
	struct stats_arguments stats;
	struct spec_arguments spec;
	struct validate_arguments validate;
	struct doctor_arguments doctor;
	struct checkpoint_arguments checkpoint;
	struct snapshot_arguments snapshot;
	struct clone_arguments clone;
	struct template_arguments template;
};

/* --- The table --- */

struct call {
	const struct verb *verb;
	const struct global_options *global;
	const char *program; /* the name it was called by: "lvm-run", "runc", "crun" */
	union verb_arguments *arguments;
	char **words; /* the words that are no options; ends with null */
	int count;
};

typedef int verb_function(const struct call *call, struct error *err);

enum verb_group {
	VERB_GROUP_LIFE,
	VERB_GROUP_ACT,
	VERB_GROUP_LOOK,
	VERB_GROUP_HOST,
	VERB_GROUP_ABOUT,
	VERB_GROUP_COUNT
};

enum {
	VERB_SEALED =
		1,   /* starts a program inside a container: runs from a sealed copy of itself */
	VERB_ID = 2, /* the first word is a container id (errors name it, the shell completes it) */
	VERB_REST = 4,  /* what follows the first word belongs to another program */
	VERB_NEW = 8,   /* that id names a container that does not exist yet */
	VERB_QUIET = 16 /* callers read both its outputs as one text: no warnings unless --debug */
};

struct verb {
	const char *name;
	const char *alias; /* null: none */
	enum verb_group group;
	unsigned int flags;
	int min_words;
	int max_words;                /* −1: any number */
	const char *words;            /* "ID [SIGNAL]" */
	const char *summary;          /* begins with a small letter, no full stop */
	const char *details;          /* whole sentences; paragraphs are separated by a newline */
	const char *example;          /* one line of shell; null: none */
	const struct option *options; /* null: none */
	verb_function *run;
};

struct verb_group_text {
	const char *title;
	const char *example;
};

extern const struct verb verbs[]; /* ends with a null name */
extern const struct verb_group_text verb_groups[VERB_GROUP_COUNT];
extern const struct option global_options[];

/* By name or alias; null when there is none. */
const struct verb *verb_find(const char *name);

/* --- For the functions --- */

/* The state root of this call. */
int call_open_store(const struct call *call, struct store **ret, struct error *err) must_check;

/* The cgroup driver that the global options name. */
int call_cgroup_driver(const struct call *call, enum cgroup_driver *ret,
                       struct error *err) must_check;

/* −EINVAL with a text that ends in where to read about the verb. */
int call_usage_error(const struct call *call, struct error *err, const char *format, ...)
	printf_like(3, 4);

/* --interval of events and stats: a duration above 0 (cmd/units.h), in milliseconds, rounded up. */
int interval_parse(const char *text, int *ret_ms, struct error *err) must_check;

/* --- The functions and their option tables, one file a verb or a few that belong together --- */

extern const struct option run_options[], exec_options[], kill_options[], delete_options[];
extern const struct option update_options[], wait_options[], events_options[], stats_options[];
extern const struct option list_options[], ps_options[], spec_options[], doctor_options[];
extern const struct option validate_options[];
extern const struct option checkpoint_options[], restore_options[], snapshot_options[];
extern const struct option clone_options[], template_options[];
/* revert knows what snapshot knows but its first rows. */
enum { SNAPSHOT_ONLY_OPTIONS = 4 };
extern const struct option sandbox_options[];
/* create knows what run knows but its first rows. */
enum { RUN_ONLY_OPTIONS = 2 };

verb_function create_main, run_main, exec_main, start_main, pause_main, resume_main, gc_main;
verb_function update_main, mounts_main, wait_main, events_main, stats_main;
verb_function checkpoint_main, restore_main, sandbox_main;
verb_function snapshot_main, revert_main, clone_main, template_main;
verb_function kill_main, delete_main, state_main, list_main, ps_main, spec_main, features_main;
verb_function validate_main, doctor_main, help_main, manual_main, completion_main, version_main;

/* --- Shared by checkpoint and restore --- */

int checkpoint_parse_lock(const char *word, enum criu_network_lock *ret) must_check;
/* Options that both know, checked and put into arguments->options. */
int checkpoint_check_common(struct checkpoint_arguments *arguments, struct error *err) must_check;

#endif
