/* mounts add, mounts remove: the mounts of a container that lives. */
#include "base/str.h"
#include "cmd/input.h"
#include "cmd/verbs.h"

int mounts_main(const struct call *call, struct error *err)
{
	const char *action = call->words[0], *id = call->words[1], *path = call->words[2];
	bool add = str_equal(action, "add");
	scoped_store store = NULL;
	scoped_str text = NULL;
	size_t size = 0;
	int r;

	if (!add && !str_equal(action, "remove") && !str_equal(action, "rm"))
		return call_usage_error(call, err, "'%s' is neither add nor remove", action);
	r = input_read("mounts", path, &text, &size, err);
	if (r == 0)
		r = call_open_store(call, &store, err);
	if (r < 0)
		return r;
	r = add ? container_add_mounts(store, id, input_name(path), text, size, err)
	        : container_remove_mounts(store, id, input_name(path), text, size, err);
	return r < 0 ? error_wrap(err, "%s %s", action, id) : 0;
}
