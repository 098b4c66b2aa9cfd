#include "checkpoint/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/pidfd.h"
#include "base/process.h"
#include "base/str.h"

enum { END_TIMEOUT_MS = 10000 };

int tree_status_number(pid_t pid, const char *key)
{
	char path[32];
	char text[4096];
	struct error ignored;
	int number = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (file_read_kernel(AT_FDCWD, path, text, sizeof(text), &ignored) < 0)
		return 0;

	const char *line = strstr(text, key);
	char digits[16];

	if (!line)
		return 0;
	line += strlen(key);
	line += strspn(line, " ");
	(void)snprintf(digits, sizeof(digits), "%.*s", (int)strspn(line, "0123456789"), line);
	return parse_int(digits, 0, INT_MAX, &number) < 0 ? 0 : number;
}

static bool is_below(pid_t pid, pid_t top)
{
	while (pid > 1 && pid != top)
		pid = tree_status_number(pid, "\nPPid:\t");
	return pid == top;
}

/* Ends a process that stands still, and waits for that. */
static int end_stranger(pid_t pid, pid_t init, struct error *err)
{
	struct process process = {.pid = pid, .pidfd = pidfd_open(pid, 0)};

	if (process.pidfd < 0)
		return errno == ESRCH ? 0 : error_errno(err, "process %d", pid);

	/* The number may be another's by now. */
	int r = is_below(pid, init) ? 0 : process_signal(&process, SIGKILL, err);

	if (r == 0)
		r = process_wait_gone(&process, END_TIMEOUT_MS, err);
	process_done(&process);
	return r == -ESRCH ? 0 : r;
}

int tree_check(const struct cgroup *group, pid_t init, bool end, struct error *err)
{
	scoped_strbuf strangers = {0};
	pid_t *pids = NULL;
	size_t count = 0;
	int r = cgroup_pids(group, &pids, &count, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count && r == 0; i++) {
		if (is_below(pids[i], init))
			continue;
		if (end)
			r = end_stranger(pids[i], init, err);
		else
			strbuf_addf(&strangers, " %d", pids[i]);
	}
	free(pids);
	if (r < 0 || strangers.length == 0)
		return r;
	return error_set(err, EBUSY,
	                 "processes that exec has started are no part of the container's tree; "
	                 "end them first (--stop-exec does it):%.400s",
	                 strangers.data ? strangers.data : "");
}
