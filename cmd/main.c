/*
 * From the words of the command line to an exit status: global options, the verb, its options, its
 * function, and the one place where errors are printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/help.h"
#include "cmd/output.h"
#include "cmd/verbs.h"
#include "cmd/version.h"
#include "runtime/sealed_exe.h"
#include "sandbox/sandbox.h"

enum { EXIT_EXEC_FAILED = 255 };

static const char *program_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;

	return str_equal(name, "runc") || str_equal(name, "crun") ? name : "lvm-run";
}

/* The words after argv[0], in memory of their own: the parser moves words, a re-exec needs argv. */
static char **copy_words(int argc, char **argv)
{
	char **words = calloc((size_t)argc + 1, sizeof(*words));

	for (int i = 1; words && i < argc; i++)
		words[i - 1] = argv[i];
	return words;
}

static void free_words(char ***words)
{
	free(*words);
}

/* --- The log --- */

static enum log_level log_level_wanted(const struct global_options *global, const struct verb *verb)
{
	const char *word = global->log_level;

	if (global->debug || (word && str_equal(word, "debug")))
		return LOG_LEVEL_DEBUG;
	if (word)
		return str_equal(word, "error") ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
	/* Engines read the log as one JSON object, and both outputs of some verbs as one text. */
	if (global->log || (verb && verb->flags & VERB_QUIET))
		return LOG_LEVEL_ERROR;
	return LOG_LEVEL_WARNING;
}

/* "journald:WHO" and "syslog:WHO"; null for a file. */
static const char *log_identifier(const char *log, enum log_form *ret)
{
	static const struct {
		const char *prefix;
		enum log_form form;
	} services[] = {
		{"journald:", LOG_FORM_JOURNAL},
		{"syslog:", LOG_FORM_SYSLOG},
	};

	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (str_starts(log, services[i].prefix)) {
			*ret = services[i].form;
			return log + strlen(services[i].prefix);
		}
	}
	return NULL;
}

static int log_open(const char *log, struct log_target *target, struct error *err)
{
	target->identifier = log_identifier(log, &target->form);
	if (target->identifier) {
		target->fd = log_connect(target->form, err);
		return target->fd < 0 ? error_wrap(err, "option --log") : 0;
	}
	if (str_starts(log, "file:"))
		log += strlen("file:");
	target->fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	return target->fd < 0 ? error_errno(err, "option --log: open %s", log) : 0;
}

static int log_setup(const struct global_options *global, const struct verb *verb,
                     struct error *err)
{
	struct log_target target = {
		.fd = STDERR_FILENO,
		.form = str_equal(global->log_format, "json") ? LOG_FORM_JSON : LOG_FORM_TEXT,
		.level = log_level_wanted(global, verb),
	};

	if (global->log && log_open(global->log, &target, err) < 0)
		return -err->code;
	log_set_target(&target);
	return 0;
}

/* The error goes to standard error as text, and once to the log if there is one. */
static void report(const struct global_options *global, const struct error *err)
{
	char line[ERROR_TEXT_SIZE + 16];
	int length = snprintf(line, sizeof(line), "lvm-run: %s\n", err->text);

	(void)!fd_write_all(STDERR_FILENO, line, (size_t)length);
	if (global->log && log_get_target()->fd != STDERR_FILENO)
		log_write(LOG_LEVEL_ERROR, "%s", err->text);
}

/* --- The verb --- */

static int check_word_count(const struct call *call, struct error *err)
{
	const struct verb *verb = call->verb;

	if (call->count < verb->min_words)
		return call_usage_error(call, err, "%s: %s is missing", verb->name, verb->words);
	if (verb->max_words >= 0 && call->count > verb->max_words)
		return call_usage_error(call, err, "%s: unexpected word '%s'", verb->name,
		                        call->words[verb->max_words]);
	return 0;
}

static int parse_call(struct call *call, bool *ret_help, struct error *err)
{
	struct option_scan scan = {
		.table = call->verb->options,
		.target = call->arguments,
		.words = call->words,
		.stop_after = call->verb->flags & VERB_REST ? 1 : OPTION_PERMUTE,
	};

	if (options_parse(&scan, err) < 0)
		return call_usage_error(call, err, "%s: %s", call->verb->name, err->text);
	call->count = scan.count;
	*ret_help = scan.help;
	return scan.help ? 0 : check_word_count(call, err);
}

/* What a failure of the verb itself exits with. */
static int failure_status(const struct call *call)
{
	if (call->verb->run == exec_main && !str_equal(call->program, "crun"))
		return EXIT_EXEC_FAILED;
	if (call->verb->run == sandbox_main)
		return SANDBOX_EXIT_ERROR;
	return EXIT_FAILURE;
}

static int run_call(struct call *call, int *ret_failure, struct error *err)
{
	bool help = false;

	/* Its exit statuses are the command's but for this one, whatever was wrong. */
	if (call->verb->run == sandbox_main)
		*ret_failure = failure_status(call);

	int r = parse_call(call, &help, err);

	if (r < 0)
		return r;
	if (help)
		return help_print_verb(call->verb, err);
	*ret_failure = failure_status(call);
	r = call->verb->run(call, err);
	if (r >= 0)
		return r;
	if (call->verb->flags & VERB_ID)
		return error_wrap(err, "%s %s", call->verb->name, call->words[0]);
	return error_wrap(err, "%s", call->verb->name);
}

static int run_verb(char **argv, char **words, const struct global_options *global,
                    int *ret_failure, struct error *err)
{
	union verb_arguments arguments = {0};
	struct call call = {
		.verb = words[0] ? verb_find(words[0]) : NULL,
		.global = global,
		.program = program_name(argv[0]),
		.arguments = &arguments,
		.words = words + (words[0] != NULL),
	};
	int r = log_setup(global, call.verb, err);

	if (r < 0)
		return r;
	if (global->version)
		return version_print(call.program, err);
	if (!words[0])
		return error_set(err, EINVAL, "no verb given; see 'lvm-run --help'");
	if (!call.verb)
		return error_set(err, EINVAL, "unknown verb '%s'; see 'lvm-run --help'", words[0]);
	if (call.verb->flags & VERB_SEALED) {
		r = sealed_exe_ensure(argv, err);
		if (r < 0)
			return r;
	}
	r = run_call(&call, ret_failure, err);
	options_done(call.verb->options, &arguments);
	return r;
}

static int run_command(int argc, char **argv, struct global_options *global, int *ret_failure,
                       struct error *err)
{
	scoped(free_words) char **words = copy_words(argc, argv);
	struct option_scan scan = {
		.table = global_options,
		.target = global,
		.words = words,
		.stop_after = 1,
	};

	if (!words)
		return error_code(err, ENOMEM, "options");
	if (options_parse(&scan, err) < 0) {
		struct error unknown = *err;

		(void)!log_setup(global, NULL, err);
		return error_set(err, EINVAL, "%s; see 'lvm-run --help'", unknown.text);
	}
	if (scan.help)
		return help_print_overview(err);
	return run_verb(argv, words, global, ret_failure, err);
}

int main(int argc, char **argv)
{
	struct global_options global = {0};
	struct error err = {0};
	int failure = EXIT_FAILURE;

	if (argc < 1 || fd_fill_standard() < 0)
		return EXIT_FAILURE;

	/* Of an ignored one no child could be waited for. */
	(void)signal(SIGCHLD, SIG_DFL);

	int status = run_command(argc, argv, &global, &failure, &err);

	if (status >= 0)
		return status;
	report(&global, &err);
	return failure;
}
