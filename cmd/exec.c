#include <errno.h>

#include "base/str.h"
#include "cmd/verbs.h"

#define EXEC(member) offsetof(struct exec_arguments, member)

const struct option exec_options[] = {
	{"process", "p", OPTION_TEXT, EXEC(options.process_file), "FILE",
         "take the process from FILE, a process object of the OCI specification; no COMMAND then"},
	{"tty", "t", OPTION_FLAG, EXEC(options.terminal), NULL, "give it a terminal"},
	{"detach", "d", OPTION_FLAG, EXEC(options.detach), NULL, "return when it was started"},
	{"env", "e", OPTION_LIST, EXEC(env), "NAME=VALUE",
         "add to the environment; may be repeated"},
	{"cwd", "", OPTION_TEXT, EXEC(options.cwd), "DIR", "its directory in the container"},
	{"user", "u", OPTION_TEXT, EXEC(options.user), "UID[:GID]",
         "its user and group, by number"},
	{"additional-gids", "g", OPTION_LIST, EXEC(additional_gids), "GID",
         "one more group, or several separated by commas; may be repeated"},
	{"cap", "c", OPTION_LIST, EXEC(capabilities), "CAP_NAME",
         "add a capability; may be repeated"},
	{"no-new-privs", "", OPTION_FLAG, EXEC(options.no_new_privileges), NULL,
         "it can gain no privileges by executing other programs"},
	{"apparmor", "", OPTION_TEXT, EXEC(options.apparmor), "PROFILE", "its AppArmor profile"},
	{"process-label", "", OPTION_TEXT, EXEC(options.process_label), "LABEL",
         "its SELinux label"},
	{"cgroup", "", OPTION_TEXT, EXEC(options.cgroup), "PATH",
         "run it in this group below the container's"},
	{"ignore-paused", "", OPTION_FLAG, EXEC(options.ignore_paused), NULL,
         "also in a paused container, where it waits for resume"},
	{"console-socket", "", OPTION_TEXT, EXEC(options.console_socket), "SOCKET",
         "send the master end of the terminal to this unix socket"},
	{"pidfd-socket", "", OPTION_TEXT, EXEC(options.pidfd_socket), "SOCKET",
         "send a pidfd of the process to this unix socket"},
	{"pid-file", "", OPTION_TEXT, EXEC(options.pid_file), "FILE",
         "write its process id to FILE"},
	{"preserve-fds", "", OPTION_NUMBER, EXEC(options.preserve_fds), "N",
         "pass N more descriptors on, from 3 and after those of $LISTEN_FDS"},
	{"no-subreaper", "", OPTION_IGNORED, 0, NULL, "ignored: known to other runtimes"},
	{0},
};

/* The words after the id: the command and its arguments. */
static char **command_words(const struct call *call)
{
	char **words = call->words + 1;

	return words[0] && str_equal(words[0], "--") ? words + 1 : words;
}

static int check_command(const struct call *call, const struct exec_options *options,
                         struct error *err)
{
	if (options->process_file && options->args[0])
		return call_usage_error(call, err, "--process and a command exclude each other");
	if (!options->process_file && !options->args[0])
		return call_usage_error(call, err, "a command or --process is missing");
	return 0;
}

static void join_list(struct strbuf *text, const struct option_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(text, "%s%s", i ? "," : "", list->items[i]);
}

static int exec_in_store(const struct call *call, const struct exec_options *options,
                         struct error *err)
{
	scoped_store store = NULL;
	int status = 0;
	int r = call_open_store(call, &store, err);

	if (r >= 0)
		r = container_exec(store, options, &status, err);
	return r < 0 ? r : status;
}

int exec_main(const struct call *call, struct error *err)
{
	struct exec_arguments *arguments = &call->arguments->exec;
	struct exec_options *options = &arguments->options;
	scoped_strbuf joined_gids = {0};
	int r;

	join_list(&joined_gids, &arguments->additional_gids);
	if (joined_gids.failed)
		return error_code(err, ENOMEM, "options");
	options->id = call->words[0];
	options->args = command_words(call);
	options->env = arguments->env.items;
	options->capabilities = arguments->capabilities.items;
	options->additional_gids = joined_gids.data;
	r = check_command(call, options, err);
	return r < 0 ? r : exec_in_store(call, options, err);
}
