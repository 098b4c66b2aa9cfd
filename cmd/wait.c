#include <limits.h>

#include "base/log.h"
#include "base/str.h"
#include "cmd/output.h"
#include "cmd/units.h"
#include "cmd/verbs.h"

const struct option wait_options[] = {
	{"timeout", "t", OPTION_TEXT, offsetof(struct wait_arguments, timeout), "TIME",
         "give up after TIME, such as 500ms or 1m30s, with exit status 124"},
	{0},
};

/* As timeout(1) has it; and what nothing that runs in a container commonly says. */
enum { EXIT_TIMEOUT = 124, EXIT_UNKNOWN = 125 };

static int read_timeout(const char *text, int *ret_ms, struct error *err)
{
	uint64_t ns = 0;
	int r = text ? units_parse_duration(text, &ns) : 0;
	uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);

	if (r < 0)
		return error_set(err, -r, "option --timeout: '%s' is not a time like 500ms", text);
	*ret_ms = !text ? -1 : ms > INT_MAX ? INT_MAX : (int)ms;
	return 0;
}

static int tell(const char *id, enum wait_end end, int status, struct error *err)
{
	scoped_strbuf text = {0};

	switch (end) {
	case WAIT_TIMEOUT:
		log_write(LOG_LEVEL_ERROR, "wait %s: it still runs", id);
		return EXIT_TIMEOUT;
	case WAIT_UNKNOWN:
		log_write(LOG_LEVEL_ERROR,
		          "wait %s: it has ended, and its exit status is not known any more", id);
		return EXIT_UNKNOWN;
	case WAIT_EXITED:
		break;
	}
	strbuf_addf(&text, "%d\n", status);

	int r = output_buffer(&text, err);

	return r < 0 ? r : status;
}

int wait_main(const struct call *call, struct error *err)
{
	scoped_store store = NULL;
	enum wait_end end = WAIT_UNKNOWN;
	int timeout_ms = -1;
	int status = 0;
	int r = read_timeout(call->arguments->wait.timeout, &timeout_ms, err);

	if (r == 0)
		r = call_open_store(call, &store, err);
	if (r == 0)
		r = container_wait(store, call->words[0], timeout_ms, &end, &status, err);
	return r < 0 ? r : tell(call->words[0], end, status, err);
}
