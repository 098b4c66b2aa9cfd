/* start, pause, resume, gc: verbs that only hand their word on. */
#include "base/str.h"
#include "cmd/output.h"
#include "cmd/verbs.h"

typedef int container_function(struct store *store, const char *id, struct error *err);

static int with_container(const struct call *call, container_function *function, struct error *err)
{
	scoped_store store = NULL;
	int r = call_open_store(call, &store, err);

	return r < 0 ? r : function(store, call->words[0], err);
}

int start_main(const struct call *call, struct error *err)
{
	return with_container(call, container_start, err);
}

int pause_main(const struct call *call, struct error *err)
{
	return with_container(call, container_pause, err);
}

int resume_main(const struct call *call, struct error *err)
{
	return with_container(call, container_resume, err);
}

static void add_report(const char *id, const char *what, void *context)
{
	strbuf_addf(context, "%s: %s\n", id, what);
}

int gc_main(const struct call *call, struct error *err)
{
	scoped_store store = NULL;
	scoped_strbuf text = {0};
	struct error print_error;
	int r = call_open_store(call, &store, err);

	if (r < 0)
		return r;
	/* First what can be brought to an end: for the other it would be the remains of a creation. */
	r = snapshot_recover_all(store, call->global->store, add_report, &text, err);
	if (r == 0)
		r = container_gc(store, add_report, &text, err);
	/* What was done is said even if something else failed. */
	if (r < 0)
		(void)!output_buffer(&text, &print_error);
	return r < 0 ? r : output_buffer(&text, err);
}
