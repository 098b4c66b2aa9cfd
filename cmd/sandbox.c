/* sandbox: words and options into what sandbox/ takes. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/str.h"
#include "cmd/output.h"
#include "cmd/units.h"
#include "cmd/verbs.h"
#include "rootfs/path.h"
#include "sandbox/sandbox.h"

#define SANDBOX(member) offsetof(struct sandbox_arguments, member)

/* Grouped as people ask: files, time and size, results, isolation, what others call the same. */
const struct option sandbox_options[] = {
	{"chdir", "W", OPTION_TEXT, SANDBOX(directory), "DIR",
         "start the command in DIR (the present directory)"},
	{"writable", "w", OPTION_STEP, SANDBOX(steps), "PATH",
         "what the command writes below PATH stays: the same as --bind PATH PATH"},
	{"bind", "", OPTION_STEP, SANDBOX(steps), "SRC DEST",
         "show SRC of this host as DEST; what is written there stays"},
	{"ro-bind", "", OPTION_STEP, SANDBOX(steps), "SRC DEST",
         "show SRC of this host as DEST, read-only"},
	{"dev-bind", "", OPTION_STEP, SANDBOX(steps), "SRC DEST",
         "the same as --bind, and device nodes below it can be used"},
	{"overlay", "", OPTION_STEP, SANDBOX(steps), "SRC DEST",
         "show the directory SRC as DEST; what is written there is discarded"},
	{"tmpfs", "e", OPTION_STEP, SANDBOX(steps), "DEST", "an empty directory as DEST"},
	{"hide", "", OPTION_STEP, SANDBOX(steps), "PATH", "show PATH empty"},
	{"show-secrets", "", OPTION_FLAG, SANDBOX(show_secrets), NULL,
         "do not hide keys, tokens and the like"},
	{"read-only", "", OPTION_FLAG, SANDBOX(read_only), NULL,
         "no layers over the host's files: writing to them fails"},
	{"timeout", "T", OPTION_TEXT, SANDBOX(timeout), "TIME",
         "end the command after TIME: seconds, or as 90s, 10m, 1h30m"},
	{"grace", "t", OPTION_TEXT, SANDBOX(grace), "TIME",
         "first ask it to end (SIGTERM), and kill it TIME later (5s; 0: at once)"},
	{"max-silent", "", OPTION_TEXT, SANDBOX(max_silent), "TIME",
         "end the command when it has written nothing for TIME"},
	{"max-log", "", OPTION_TEXT, SANDBOX(max_log), "SIZE",
         "kill the command when it has written more than SIZE to its output"},
	{"memory", "m", OPTION_TEXT, SANDBOX(memory), "SIZE",
         "all its processes together may have SIZE of memory"},
	{"swap", "", OPTION_TEXT, SANDBOX(swap), "SIZE",
         "and besides SIZE of swap; needs --memory"},
	{"cpus", "", OPTION_TEXT, SANDBOX(cpus), "N", "and N processors, as 2 or 0.5"},
	{"pids", "", OPTION_TEXT, SANDBOX(pids), "N",
         "and there may be N of them, threads included"},
	{"disk", "", OPTION_TEXT, SANDBOX(disk), "SIZE",
         "what it writes and is discarded may be SIZE (half of this host's memory)"},
	{"keep", "", OPTION_TEXT, SANDBOX(keep), "DIR",
         "keep in DIR what it writes to this host's directories: the next run with DIR goes on "
         "with that"},
	{"save-template", "", OPTION_TEXT, SANDBOX(save_template), "NAME",
         "when the command, which starts daemons, has ended with 0, save what runs and what was "
         "written as the template NAME (see the verb template)"},
	{"template", "", OPTION_TEXT, SANDBOX(template), "NAME",
         "start from the template NAME: its daemons run, and the command beside them"},
	{"best-effort", "", OPTION_FLAG, SANDBOX(best_effort), NULL,
         "run without the limits that this host cannot enforce, instead of not at all"},
	{"report", "", OPTION_TEXT, SANDBOX(report), "FD/FILE",
         "write how it ended and what it used there, as JSON"},
	{"out", "o", OPTION_LIST, SANDBOX(outputs), "PATH[=DEST]",
         "afterwards copy PATH out, to the same place of this host or to DEST; may be repeated"},
	{"commit", "", OPTION_LIST, SANDBOX(commits), "PATH",
         "when it has ended with 0, make on this host what it changed below PATH; may be repeated"},
	{"diff", "", OPTION_CHOICE, SANDBOX(diff), "text|json",
         "afterwards list what was added, modified and deleted on standard output"},
	{"stdout", "l", OPTION_TEXT, SANDBOX(out), "FILE", "standard output goes to FILE"},
	{"stderr", "L", OPTION_TEXT, SANDBOX(err), "FILE", "standard error goes to FILE"},
	{"interactive", "i", OPTION_FLAG, SANDBOX(interactive), NULL,
         "a terminal of its own, with job control"},
	{"env", "", OPTION_LIST, SANDBOX(env), "NAME[=VALUE]",
         "a variable more for the command; without VALUE as it is here"},
	{"keep-env", "", OPTION_FLAG, SANDBOX(keep_env), NULL, "hand on the whole environment"},
	{"hostname", "", OPTION_TEXT, SANDBOX(hostname), "NAME",
         "the host's name inside (sandbox)"},
	{"reproducible", "R", OPTION_FLAG, SANDBOX(reproducible), NULL,
         "the same ids, names, environment and addresses everywhere, time stamps by "
         "SOURCE_DATE_EPOCH"},
	{"net-allow", "", OPTION_LIST, SANDBOX(net_allow), "HOST[:PORT]",
         "let the command reach HOST (name, address, range as 10.1.0.0/16) and there PORT or "
         "FIRST-LAST, by /tcp or /udp behind it; nothing else; may be repeated"},
	{"share-net", "", OPTION_FLAG, SANDBOX(share_net), NULL, "use this host's network"},
	{"seccomp", "", OPTION_TEXT, SANDBOX(profile), "FILE",
         "system calls by the seccomp section (as in config.json) in FILE, instead of the "
         "built-in"},
	{"audit", "", OPTION_FLAG, SANDBOX(audit), NULL,
         "the report lists the system calls denied"},
	{"learn", "", OPTION_TEXT, SANDBOX(learn), "FILE",
         "afterwards write to FILE a seccomp section that allows what ran and no more; slow"},
	{"allow-userns", "", OPTION_FLAG, SANDBOX(allow_userns), NULL,
         "allow namespaces and mounts inside, as other sandboxes need them"},
	{"print-config", "", OPTION_FLAG, SANDBOX(print_config), NULL,
         "print the OCI configuration of the sandbox and run nothing"},
	{"statistics", "S", OPTION_TEXT, SANDBOX(statistics), "FILE", "the same as --report"},
	{"json-status-fd", "", OPTION_TEXT, SANDBOX(status_fd), "FD",
         "write the exit status there as bubblewrap does"},
	{"unshare-net", "N", OPTION_FLAG, SANDBOX(ignored), NULL, "no network: always so"},
	{"unshare-all", "", OPTION_FLAG, SANDBOX(ignored), NULL, "new namespaces: always so"},
	{"die-with-parent", "", OPTION_FLAG, SANDBOX(ignored), NULL,
         "end with the calling process: always so"},
	{"new-session", "", OPTION_FLAG, SANDBOX(ignored), NULL, "a session of its own: always so"},
	{0},
};

/* --- Numbers --- */

/* Whole seconds, as other tools have it, or a duration with its units. */
static int parse_time(const char *name, const char *text, uint64_t *ret_ms, struct error *err)
{
	uint64_t number = 0;

	if (!text)
		return 0;
	if (parse_u64(text, &number) == 0 && number < UINT64_MAX / 1000) {
		*ret_ms = number * 1000;
		return 0;
	}
	if (units_parse_duration(text, &number) < 0)
		return error_set(err, EINVAL, "option --%s: '%s' is no time", name, text);
	*ret_ms = (number + 999999) / 1000000;
	return 0;
}

static int parse_size(const char *name, const char *text, int64_t least, int64_t *ret,
                      struct error *err)
{
	int64_t bytes = 0;

	if (!text)
		return 0;
	if (units_parse_bytes(text, &bytes) < 0 || bytes < least)
		return error_set(err, EINVAL, "option --%s: '%s' is no size", name, text);
	*ret = bytes;
	return 0;
}

/* "2", "0.5": thousandths of a processor. */
static int parse_cpus(const char *text, uint64_t *ret, struct error *err)
{
	char *end = NULL;
	double number = text ? strtod(text, &end) : 0;

	if (!text)
		return 0;
	if (*end || text[strspn(text, "0123456789.")] || !(number >= 0.01 && number <= 100000))
		return error_set(err, EINVAL, "option --cpus: '%s' is no number of processors",
		                 text);
	*ret = (uint64_t)(number * 1000 + 0.5);
	return 0;
}

static int parse_pids(const char *text, int64_t *ret, struct error *err)
{
	if (text && (parse_i64(text, ret) < 0 || *ret < 1))
		return error_set(err, EINVAL, "option --pids: '%s' is no number of processes",
		                 text);
	return 0;
}

static int parse_limits(const struct sandbox_arguments *a, struct sandbox_options *o,
                        struct error *err)
{
	int64_t log = 0, disk = 0;
	int r = parse_size("memory", a->memory, 1, &o->memory, err);

	if (r == 0)
		r = parse_size("swap", a->swap, 0, &o->swap, err);
	if (r == 0)
		r = parse_size("disk", a->disk, 4096, &disk, err);
	if (r == 0)
		r = parse_size("max-log", a->max_log, 1, &log, err);
	if (r == 0)
		r = parse_cpus(a->cpus, &o->cpu_millis, err);
	if (r == 0)
		r = parse_pids(a->pids, &o->pids, err);
	if (r == 0)
		r = parse_time("timeout", a->timeout, &o->timeout_ms, err);
	if (r == 0)
		r = parse_time("grace", a->grace, &o->grace_ms, err);
	if (r == 0)
		r = parse_time("max-silent", a->max_silent, &o->silent_ms, err);
	if (r == 0 && o->swap >= 0 && !o->memory)
		r = error_set(err, EINVAL, "option --swap: needs --memory");
	o->disk_limit = (uint64_t)disk;
	o->log_limit = (uint64_t)log;
	return r;
}

/* --- Paths --- */

/* Absolute and plain, as the sandbox has no other directory to start from. */
static const char *absolute(struct arena *arena, const char *path)
{
	char directory[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(directory, sizeof(directory)))
		return NULL;

	char *text = arena_format(arena, "/%s/%s", directory, path);

	if (!text)
		return NULL;
	path_clean(text + 1);
	return text;
}

/* `text` null: the option was not given. */
static int parse_path(struct arena *arena, const char *name, const char *text, const char **ret,
                      struct error *err)
{
	if (!text)
		return 0;
	*ret = absolute(arena, text);
	return *ret ? 0 : error_code(err, ENOENT, "option --%s %s", name, text);
}

static const struct {
	const char *name;
	enum sandbox_step_kind kind;
} step_kinds[] = {
	{"bind", SANDBOX_BIND},       {"ro-bind", SANDBOX_RO_BIND}, {"dev-bind", SANDBOX_DEV_BIND},
	{"overlay", SANDBOX_OVERLAY}, {"tmpfs", SANDBOX_TMPFS},     {"hide", SANDBOX_HIDE},
	{"writable", SANDBOX_BIND},
};

static enum sandbox_step_kind step_kind(const char *name)
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(step_kinds) && !str_equal(step_kinds[i].name, name))
		i++;
	return step_kinds[i].kind;
}

static int parse_steps(struct arena *arena, const struct option_list *list,
                       struct sandbox_options *ret, struct error *err)
{
	enum { ITEMS = 3 }; /* of an OPTION_STEP */
	struct sandbox_step *steps = arena_alloc(arena, list->count / ITEMS + 1, sizeof(*steps));

	for (size_t i = 0; steps && i < list->count / ITEMS; i++) {
		char *const *items = &list->items[i * ITEMS];

		steps[i] = (struct sandbox_step){
			.kind = step_kind(items[0]),
			.source = absolute(arena, items[1]),
			.target = absolute(arena, items[2]),
		};
		if (!steps[i].source || !steps[i].target)
			return error_set(err, ENOENT, "option --%s %s: no absolute path", items[0],
			                 items[1]);
		/* "--ro-bind / /" is the view that is there anyway. */
		if (str_equal(steps[i].target, "/")) {
			if (!str_equal(steps[i].source, "/") || steps[i].kind != SANDBOX_RO_BIND)
				return error_set(err, EINVAL,
				                 "option --%s: the root itself cannot be replaced",
				                 items[0]);
			ret->read_only = true;
			continue;
		}
		steps[ret->step_count++] = steps[i];
	}
	ret->steps = steps;
	return steps ? 0 : error_code(err, ENOMEM, "options");
}

static int parse_outputs(struct arena *arena, const struct option_list *list,
                         struct sandbox_options *ret, struct error *err)
{
	struct sandbox_output *outputs = arena_alloc(arena, list->count + 1, sizeof(*outputs));

	for (size_t i = 0; outputs && i < list->count; i++) {
		char *destination = strchr(list->items[i], '=');

		if (destination)
			*destination++ = '\0';
		outputs[i].path = absolute(arena, list->items[i]);
		outputs[i].destination =
			absolute(arena, destination ? destination : list->items[i]);
		if (!outputs[i].path || !outputs[i].destination)
			return error_code(err, ENOENT, "option --out %s", list->items[i]);
	}
	ret->outputs = outputs;
	ret->output_count = list->count;
	return outputs ? 0 : error_code(err, ENOMEM, "options");
}

static int parse_commits(struct arena *arena, const struct option_list *list,
                         struct sandbox_options *ret, struct error *err)
{
	const char **paths = arena_alloc(arena, list->count + 1, sizeof(*paths));

	for (size_t i = 0; paths && i < list->count; i++) {
		paths[i] = absolute(arena, list->items[i]);
		if (!paths[i])
			return error_code(err, ENOENT, "option --commit %s", list->items[i]);
	}
	ret->commits = paths;
	ret->commit_count = list->count;
	return paths ? 0 : error_code(err, ENOMEM, "options");
}

/* --- All --- */

static int check_together(const struct sandbox_arguments *a, const struct sandbox_options *o,
                          struct error *err)
{
	if (a->audit && !o->report)
		return error_set(err, EINVAL, "option --audit: needs --report");
	if (a->keep && a->read_only)
		return error_set(err, EINVAL,
		                 "options --keep and --read-only: there is nothing to keep");
	if (a->share_net && a->net_allow.count)
		return error_set(err, EINVAL,
		                 "options --share-net and --net-allow: either all of this host's "
		                 "network or what is named");
	return 0;
}

static int parse_all(const struct call *call, struct arena *arena, struct sandbox_options *o,
                     struct error *err)
{
	const struct sandbox_arguments *a = &call->arguments->sandbox;

	*o = (struct sandbox_options){
		.command = call->words,
		.template = a->template,
		.save_template = a->save_template,
		.store_path = call->global->store,
		.read_only = a->read_only,
		.show_secrets = a->show_secrets,
		.env = a->env.items,
		.keep_env = a->keep_env,
		.share_net = a->share_net,
		.net_allow = (const char *const *)a->net_allow.items,
		.net_allow_count = a->net_allow.count,
		.profile = a->profile,
		.audit = a->audit,
		.learn = a->learn,
		.allow_userns = a->allow_userns,
		.reproducible = a->reproducible,
		.terminal = a->interactive,
		.hostname = a->hostname,
		.swap = -1,
		.grace_ms = 5000,
		.best_effort = a->best_effort,
		.report = a->report ? a->report : a->statistics,
		.status_fd = a->status_fd,
		.stdout_file = a->out,
		.stderr_file = a->err,
	};

	int r = parse_path(arena, "chdir", a->directory, &o->directory, err);

	if (r == 0)
		r = parse_path(arena, "keep", a->keep, &o->keep, err);
	if (r == 0)
		r = check_together(a, o, err);
	if (r == 0)
		r = parse_limits(a, o, err);
	if (r == 0)
		r = parse_steps(arena, &a->steps, o, err);
	if (r == 0)
		r = parse_outputs(arena, &a->outputs, o, err);
	if (r == 0)
		r = parse_commits(arena, &a->commits, o, err);
	if (a->diff)
		o->diff = str_equal(a->diff, "json") ? SANDBOX_DIFF_JSON : SANDBOX_DIFF_TEXT;
	if (r == 0)
		r = call_cgroup_driver(call, &o->driver, err);
	return r;
}

static int print_config(struct store *store, const struct sandbox_options *options,
                        struct error *err)
{
	scoped_str text = NULL;
	int r = sandbox_print_config(store, options, &text, err);

	return r < 0 ? r : output_text(text, err);
}

/* A command that cannot be executed has an exit status of its own: said here, not by main. */
static int say_failure(const char *text)
{
	scoped_str line = str_format("lvm-run: sandbox: %s\n", text);

	return line ? fd_write_all(STDERR_FILENO, line, strlen(line)) : 0;
}

int sandbox_main(const struct call *call, struct error *err)
{
	scoped_arena arena = {0};
	scoped_store store = NULL;
	struct sandbox_options options;
	int status = 0;
	int r = parse_all(call, &arena, &options, err);

	if (r == 0)
		r = call_open_store(call, &store, err);
	if (r < 0)
		return r;
	if (call->arguments->sandbox.print_config)
		return print_config(store, &options, err);
	r = sandbox_run(store, &options, &status, err);
	if (r < 0 && status != SANDBOX_EXIT_ERROR) {
		(void)say_failure(err->text);
		return status;
	}
	return r < 0 ? r : status;
}
