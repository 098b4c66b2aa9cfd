#include <errno.h>

#include "base/exit_status.h"
#include "runtime/container.h"

/* Its init, a zombie too; −ESRCH without *err when nothing is left of it. */
static int open_init(struct store *store, const char *id, struct process *ret, uint64_t *ret_start,
                     struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	int r = container_open(store, id, VERB_WAIT, &container, err);

	if (r < 0)
		return r;
	*ret_start = container.record.start_time;
	r = exit_status_open(container.record.pid, container.record.start_time, ret, err);
	if (r == -ESRCH)
		*ret = (struct process){.pidfd = -1};
	return r == -ESRCH ? 0 : r;
}

int container_wait(struct store *store, const char *id, int timeout_ms, enum wait_end *ret,
                   int *ret_exit, struct error *err)
{
	scoped_process init = {.pidfd = -1};
	uint64_t start_time = 0;
	int status = 0;
	int r = open_init(store, id, &init, &start_time, err);

	if (r < 0)
		return r;
	if (init.pidfd < 0) {
		*ret = WAIT_UNKNOWN;
		return 0;
	}
	/* Nothing is locked here: others may act on the container. */
	r = exit_status_wait(&init, start_time, timeout_ms, &status, err);
	if (r < 0 && r != -ETIMEDOUT)
		return r;
	*ret = r == 1 ? WAIT_EXITED : r == 0 ? WAIT_UNKNOWN : WAIT_TIMEOUT;
	if (r == 1)
		*ret_exit = process_exit_code(status);
	return 0;
}
