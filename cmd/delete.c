#include "cmd/select.h"
#include "cmd/verbs.h"

const struct option delete_options[] = {
	{"force", "f", OPTION_FLAG, offsetof(struct delete_arguments, force), NULL,
         "also a running, half-made or damaged one; an unknown one is no error"},
	{"regex", "r", OPTION_FLAG, offsetof(struct delete_arguments, regex), NULL,
         "ID is an extended regular expression: all containers that it matches"},
	{0},
};

static int delete_one(struct store *store, const char *id, void *context, struct error *err)
{
	const bool *force = context;

	return container_delete(store, id, *force, err);
}

int delete_main(const struct call *call, struct error *err)
{
	struct delete_arguments *arguments = &call->arguments->delete;

	return select_each(call, arguments->regex, delete_one, &arguments->force, err);
}
