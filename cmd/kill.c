#include <signal.h>

#include "cmd/select.h"
#include "cmd/signals.h"
#include "cmd/verbs.h"

const struct option kill_options[] = {
	{"all", "a", OPTION_FLAG, offsetof(struct kill_arguments, all), NULL,
         "to every process of the container, not its first one alone"},
	{"regex", "r", OPTION_FLAG, offsetof(struct kill_arguments, regex), NULL,
         "ID is an extended regular expression: all containers that it matches"},
	{0},
};

struct kill_request {
	int signal;
	bool all;
};

static int kill_one(struct store *store, const char *id, void *context, struct error *err)
{
	const struct kill_request *request = context;

	return container_kill(store, id, request->signal, request->all, err);
}

int kill_main(const struct call *call, struct error *err)
{
	const struct kill_arguments *arguments = &call->arguments->kill;
	const char *word = call->words[1];
	struct kill_request request = {
		.signal = word ? signal_parse(word) : SIGTERM,
		.all = arguments->all,
	};

	if (request.signal < 0)
		return call_usage_error(call, err, "unknown signal '%s'", word);
	return select_each(call, arguments->regex, kill_one, &request, err);
}
