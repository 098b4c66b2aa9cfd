/* clone: containers that go on where another is. */
#include "checkpoint/clone.h"

#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/units.h"
#include "cmd/verbs.h"

#define OPTION(member) offsetof(struct clone_arguments, options.member)

const struct option clone_options[] = {
	{"count", "n", OPTION_NUMBER, OPTION(count), "N", "make N of them: NEW-1 ... NEW-N"},
	{"from", "", OPTION_TEXT, OPTION(from), "SNAPSHOT",
         "of that snapshot of SOURCE, not of its present state"},
	{"template", "", OPTION_FLAG, OPTION(template), NULL, "SOURCE is the name of a template"},
	{"jobs", "j", OPTION_NUMBER, OPTION(jobs), "N",
         "make N at a time (as many as there are processors)"},
	{"network", "", OPTION_TEXT, OPTION(network), "FILE",
         "join this network namespace (/run/netns/NAME) instead of a new one"},
	{"output", "", OPTION_TEXT, OPTION(output), "DIR",
         "what each writes goes to DIR/ID.log (the output of this command)"},
	{"lazy-pages", "", OPTION_FLAG, OPTION(checkpoint.lazy_pages), NULL,
         "let them run before their memory is there; it comes when it is touched"},
	{"tcp-established", "", OPTION_FLAG, OPTION(checkpoint.tcp_established), NULL,
         "with established TCP connections"},
	{"tcp-close", "", OPTION_FLAG, OPTION(checkpoint.tcp_close), NULL,
         "with TCP connections as closed ones"},
	{"ext-unix-sk", "", OPTION_FLAG, OPTION(checkpoint.ext_unix_sockets), NULL,
         "allow connections to unix sockets outside the container"},
	{"shell-job", "", OPTION_FLAG, OPTION(checkpoint.shell_job), NULL,
         "allow jobs of a terminal outside the container"},
	{"file-locks", "", OPTION_FLAG, OPTION(checkpoint.file_locks), NULL, "with file locks"},
	{0},
};

/* A line for each on standard error, as soon as it is there. */
static void show_progress(const struct clone_report *report, void *context unused_parameter)
{
	char time[UNITS_MS_SIZE];

	if (report->done == 1 && report->frozen_us)
		(void)fprintf(stderr, "the source stood still for %s\n",
		              units_format_ms(report->frozen_us, time));
	if (report->r == 0)
		(void)fprintf(stderr, "clone %u/%u: %s: %s\n", report->done, report->count,
		              report->id, units_format_ms(report->us, time));
	else
		(void)fprintf(stderr, "clone %u/%u: %s: failed: %s\n", report->done, report->count,
		              report->id, report->err->text);
}

int clone_main(const struct call *call, struct error *err)
{
	struct clone_options *options = &call->arguments->clone.options;
	scoped_store store = NULL;
	unsigned int failed = 0;
	int r = call_cgroup_driver(call, &options->driver, err);

	options->store_path = call->global->store;
	options->reporter = show_progress;
	if (r == 0 && options->template && options->from)
		r = call_usage_error(call, err, "option --from: not with --template");
	if (r == 0)
		r = call_open_store(call, &store, err);
	if (r == 0)
		r = clone_make(store, call->words[0], call->words[1], options, &failed, err);
	if (r < 0 || failed == 0)
		return r;
	return error_set(err, ECHILD, "%u of %u clones could not be made: see above", failed,
	                 options->count ? options->count : 1);
}
