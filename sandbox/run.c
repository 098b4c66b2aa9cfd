/* The sequence of a sandbox: scratch, view, bundle, launch, watch, verdict. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/store.h"
#include "sandbox/config.h"
#include "sandbox/learn.h"
#include "sandbox/run.h"
#include "security/landlock.h"

static void run_done(struct run *run)
{
	watch_done(&run->watch);
	warm_done(&run->warm);
	audit_done(&run->audit);
	spec_free(&run->profile_file);
	network_done(&run->network);
	view_done(&run->view);
	output_places_done(&run->places);
	copy_done(&run->outputs);
	changes_done(&run->changes);
	verdict_usage_done(&run->usage);
	storage_done(&run->storage);
	scratch_done(&run->scratch);
}

static void begin(struct run *run, struct store *store, const struct sandbox_options *options)
{
	unsigned int number = 0;

	run->options = options;
	run->store = store;
	run->scratch = (struct scratch)SCRATCH_NONE;
	run->storage = (struct storage)STORAGE_NONE;
	run->outputs = (struct copy)COPY_NONE;
	run->network = (struct network)NETWORK_NONE;
	run->warm = (struct warm)WARM_NONE;
	watch_begin(&run->watch, options);

	(void)!getrandom(&number, sizeof(number), GRND_NONBLOCK);
	(void)snprintf(run->id, sizeof(run->id), "sandbox-%d-%08x", getpid(), number);
}

/* --- The bundle --- */

static int build(struct run *run, struct error *err)
{
	const char *note = NULL;
	int r = scratch_make(&run->scratch, store_fd(run->store), run->options->disk_limit, err);

	if (r == 0)
		r = storage_make(&run->storage, &run->scratch, run->options, &run->view.arena,
		                 &note, err);
	if (r == 0 && note)
		r = view_note(&run->view, note, err);
	if (r == 0)
		r = view_build(&run->view, &run->scratch, &run->storage, run->options, err);
	return r < 0 ? r
	             : network_prepare(&run->network, &run->view, &run->scratch, run->options, err);
}

static int write_bundle(struct run *run, bool without_limits, struct error *err)
{
	struct sandbox_options options = *run->options;
	const struct config_request request = {
		.options = &options,
		.scratch = &run->scratch,
		.view = &run->view,
		.network = &run->network,
		.without_limits = without_limits,
	};

	if (options.save_template) {
		options.command = warm_command(run);
		if (!options.command)
			return error_code(err, ENOMEM, "configuration");
	}

	scoped_str text = config_write(&request);
	scoped_fd fd = openat(run->scratch.fd, CONFIG_NAME,
	                      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (!text)
		return error_code(err, ENOMEM, "configuration");
	if (fd < 0)
		return error_errno(err, "write the configuration");

	int r = fd_write_all(fd, text, strlen(text));

	return r < 0 ? error_code(err, -r, "write the configuration") : 0;
}

/* --- System calls --- */

static int load_profile(struct run *run, const char *path, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	int r = file_read(AT_FDCWD, path, SPEC_SIZE_LIMIT, &text, &size, err);

	if (r == 0)
		r = spec_parse_seccomp(path, text, size, &run->profile_file, err);
	if (r == 0)
		run->profile = run->profile_file->linux.seccomp;
	return r;
}

/* The profile, which config.json does not hold. */
static int find_profile(struct run *run, struct error *err)
{
	const struct config_request request = {
		.options = run->options,
		.scratch = &run->scratch,
	};

	if (run->options->profile)
		return load_profile(run, run->options->profile, err);
	return config_profile(&request, &run->view.arena, &run->profile, err);
}

static int start_audit(struct run *run, struct error *err)
{
	const struct audit_request request = {
		.scratch = &run->scratch,
		.arena = &run->view.arena,
		.denials = run->options->audit,
		.calls = run->options->learn,
	};

	return audit_start(&run->audit, &request, &run->profile, err);
}

/* --- Running it --- */

/* Where the program may write: the mounts that are meant for it, and files that are there already. */
static int find_writable(struct run *run, struct landlock_rules *ret, struct error *err)
{
	static const struct landlock_path nodes[] = {{"/dev", true}, {"/proc", true}};
	const struct view *view = &run->view;
	struct landlock_path *paths = arena_alloc(
		&run->view.arena, view->mount_count + ARRAY_SIZE(nodes), sizeof(*paths));

	if (!paths)
		return error_code(err, ENOMEM, "Landlock");
	memcpy(paths, nodes, sizeof(nodes));
	ret->paths = paths;
	ret->count = ARRAY_SIZE(nodes);
	for (size_t i = 0; i < view->mount_count; i++)
		if (view->mounts[i].writable)
			paths[ret->count++].path = view->mounts[i].target;
	return 0;
}

static int launch_once(struct run *run, bool without_limits, struct launch **ret, struct error *err)
{
	bool limits = config_has_limits(run->options) && !without_limits;
	bool wants_group = limits || !run->scratch.rootless;
	struct create_options create = {
		.id = run->id,
		.bundle = run->scratch.path,
		/* A user mostly may not make one; where nothing needs it, none is missed. */
		.driver = wants_group ? run->options->driver : CGROUP_DRIVER_DISABLED,
		.hold_fd = run->storage.place_fd,
	};
	/* The configuration has no word for this part of it: the program inherits ours. */
	if (run->options->reproducible && personality(ADDR_NO_RANDOMIZE) < 0)
		return error_errno(err, "addresses that are not random");

	struct landlock_rules landlock = {0};
	int r = write_bundle(run, without_limits, err);

	if (r == 0)
		r = find_writable(run, &landlock, err);
	/* Whoever is confined by it may mount nothing: not for those who may. */
	create.seccomp = &run->profile;
	if (!run->options->allow_userns)
		create.landlock = &landlock;
	if (r < 0)
		return r;
	return warm_is_asked(run->options) ? warm_launch(run, &create, ret, err)
	                                   : container_launch(run->store, &create, ret, err);
}

/* Limits that cannot be had are an error, unless the caller takes what he gets, and then he is told. */
static int launch(struct run *run, struct launch **ret, struct error *err)
{
	bool limits = config_has_limits(run->options);
	int r = launch_once(run, false, ret, err);

	run->limits_enforced = r == 0 && limits;
	if (r == 0 || !limits || !run->options->best_effort)
		return r;

	char *note = arena_format(&run->view.arena, "limits are not enforced: %s", err->text);

	r = launch_once(run, true, ret, err);
	return r < 0 ? r : view_note(&run->view, note, err);
}

/* As bubblewrap does: one object a line. Nothing where nobody asked. */
static int write_status(const struct run *run, const char *key, int value, struct error *err)
{
	scoped_str text = str_format("{ \"%s\": %d }\n", key, value);

	if (!run->options->status_fd)
		return 0;
	return text ? report_store(run->options->status_fd, text, err)
	            : error_code(err, ENOMEM, "status");
}

static int wait_for_end(struct run *run, struct error *err)
{
	scoped_launch launched = NULL;
	struct watch_subject subject;
	struct error ignored;
	int r = launch(run, &launched, err);

	if (r == 0)
		r = write_status(run, "child-pid", launch_process(launched)->pid, err);
	if (r < 0)
		return r;
	subject = (struct watch_subject){
		.init = *launch_process(launched),
		.program = *launch_process(launched),
		.status_fd = launch_reaper_fd(launched),
		.console = *launch_console(launched),
	};
	if (warm_is_asked(run->options))
		warm_set_subject(run, &subject);
	r = watch_run(&run->watch, &subject, &run->storage, err);
	if (r == 0 && run->options->save_template)
		r = warm_save(run, err);
	/* Nothing of it lives on: the pid namespace ended with init, and the group is emptied too. */
	if (launch_cgroup(launched) && cgroup_dirfd(launch_cgroup(launched)) >= 0)
		(void)!cgroup_kill(launch_cgroup(launched), &ignored);
	verdict_read_usage(launch_cgroup(launched), &run->usage);
	if (r < 0)
		return r;
	return launch_end(&launched, err);
}

/* --- What it leaves --- */

/* Who waits for an output learns that it did not come, with or without a report. */
static void say_refused(const struct copy *outputs)
{
	enum { MOST = 10 };
	const size_t count = outputs->refusal_count;

	for (size_t i = 0; i < count && i < MOST; i++) {
		struct strbuf text = {0};

		strbuf_add_escaped(&text, outputs->refusals[i].path);

		scoped_str path = strbuf_take(&text);

		log_write(LOG_LEVEL_WARNING, "sandbox: output %s %s", path ? path : "",
		          outputs->refusals[i].why);
	}
	if (count > MOST)
		log_write(LOG_LEVEL_WARNING, "sandbox: %zu more outputs were left out",
		          count - MOST);
}

static int collect(struct run *run, struct error *err)
{
	const struct sandbox_options *options = run->options;
	scoped_str text = NULL;
	int r = 0;

	/* Before outputs are copied: they go into the directories that are compared. */
	if (options->diff || options->commit_count)
		r = changes_find(&run->view, &run->changes, err);
	if (r == 0 && options->commit_count && run->watch.stop == WATCH_NONE &&
	    run->watch.status == 0)
		r = outputs_commit(&run->view, &run->scratch, options, &run->changes, &run->outputs,
		                   err);
	if (r == 0)
		r = outputs_collect(&run->view, &run->scratch, options, &run->places, &run->outputs,
		                    err);
	say_refused(&run->outputs);
	if (r < 0 || !options->diff)
		return r;
	text = report_diff(&run->changes, options->diff);
	if (!text)
		return error_code(err, ENOMEM, "list of changes");
	r = fd_write_all(STDOUT_FILENO, text, strlen(text));
	return r < 0 ? error_code(err, -r, "list of changes") : 0;
}

/* --- The verdict --- */

static int tell(const struct run *run, const struct verdict *verdict, struct error *err)
{
	const struct report report = {
		.options = run->options,
		.scratch = &run->scratch,
		.storage = &run->storage,
		.view = &run->view,
		.network = &run->network,
		.watch = &run->watch,
		.usage = &run->usage,
		.audit = &run->audit,
		.warm = &run->warm,
		.verdict = verdict,
		.outputs = run->options->output_count || run->options->commit_count ? &run->outputs
	                                                                            : NULL,
		.changes = run->options->diff ? &run->changes : NULL,
		.id = run->id,
		.limits_enforced = run->limits_enforced,
	};
	scoped_str text = NULL;
	int r = 0;

	if (run->options->report) {
		text = report_write(&report);
		r = text ? report_store(run->options->report, text, err)
		         : error_code(err, ENOMEM, "report");
	}
	return r < 0 ? r : write_status(run, "exit-code", verdict->exit, err);
}

int sandbox_run(struct store *store, const struct sandbox_options *options, int *ret_exit,
                struct error *err)
{
	scoped(run_done) struct run run = {0};
	struct verdict verdict;

	begin(&run, store, options);

	const bool warm = warm_is_asked(options);
	int r = warm ? warm_begin(&run, err) : 0;

	if (r == 0)
		r = watch_prepare(&run.watch, warm, err);
	if (r == 0)
		r = outputs_open_places(options, &run.places, err);
	if (r == 0)
		r = build(&run, err);
	if (r == 0)
		r = find_profile(&run, err);
	if (r == 0 && warm)
		r = warm_shape(&run, err);
	if (r == 0)
		r = start_audit(&run, err);
	if (r == 0)
		r = network_start(&run.network, &run.scratch, err);
	if (r == 0)
		r = wait_for_end(&run, err);
	watch_restore(&run.watch);
	audit_end(&run.audit);
	if (r == 0)
		r = collect(&run, err);
	if (r == 0 && options->learn)
		r = learn_store(options->learn, &run.profile, &run.audit, err);
	verdict = r < 0 ? verdict_of_failure(err->code, err->text)
	                : verdict_decide(&run.watch, &run.usage, &run.audit);
	*ret_exit = verdict.exit;
	if (r == 0)
		return tell(&run, &verdict, err);

	struct error unheard;

	(void)!tell(&run, &verdict, &unheard);
	return r;
}

int sandbox_print_config(struct store *store, const struct sandbox_options *options, char **ret,
                         struct error *err)
{
	scoped(run_done) struct run run = {0};
	struct config_request request = {
		.options = options,
		.scratch = &run.scratch,
		.view = &run.view,
		.indented = true,
		.network = &run.network,
	};

	begin(&run, store, options);

	int r = build(&run, err);

	if (r < 0)
		return r;
	r = find_profile(&run, err);
	if (r < 0)
		return r;
	request.profile = &run.profile;
	*ret = config_write(&request);
	return *ret ? 0 : error_code(err, ENOMEM, "configuration");
}
