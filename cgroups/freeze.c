/* What is done to the processes of a group as a whole: freezing, signals, waiting for their end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/file.h"
#include "cgroups/group.h"

enum { FREEZE_TIMEOUT_MS = 2000, KILL_ROUNDS = 32 };

static int refuse_disabled(const char *what, struct error *err)
{
	return error_set(err, ENOTSUP, "%s: the container has no cgroup", what);
}

static int write_freeze(const struct cgroup *group, const char *value, struct error *err)
{
	struct error why;

	if (file_write_kernel(group->dirfd, "cgroup.freeze", value, &why) == 0)
		return 0;
	if (why.code == ENOENT)
		return error_set(err, ENOTSUP, "%s: this kernel has no freezer for cgroup v2",
		                 group->full);
	*err = why;
	return error_wrap(err, "%s", group->full);
}

int cgroup_thaw(struct cgroup *group, int timeout_ms, struct error *err)
{
	if (group->dirfd < 0)
		return refuse_disabled("thaw", err);
	if (write_freeze(group, "0", err) < 0)
		return -err->code;

	int r = events_wait(group->dirfd, "frozen", 0, timeout_ms);

	if (r == -ETIMEDOUT)
		return error_set(
			err, ETIMEDOUT,
			"the cgroup %s is still frozen after %d ms (is one above it frozen?)",
			group->full, timeout_ms);
	return r < 0 ? error_code(err, -r, "thaw the cgroup %s", group->full) : 0;
}

int cgroup_freeze(struct cgroup *group, int timeout_ms, struct error *err)
{
	struct error ignored;

	if (group->dirfd < 0)
		return refuse_disabled("freeze", err);
	if (write_freeze(group, "1", err) < 0)
		return -err->code;

	int r = events_wait(group->dirfd, "frozen", 1, timeout_ms);

	if (r == 0)
		return 0;
	/* Half frozen is worse than running. */
	if (write_freeze(group, "0", &ignored) < 0)
		return error_set(err, -r, "the cgroup %s did not freeze, and cannot be thawed: %s",
		                 group->full, ignored.text);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT,
		                 "the cgroup %s did not freeze within %d ms (a process in an "
		                 "uninterruptible sleep?); it runs again",
		                 group->full, timeout_ms);
	return error_code(err, -r, "freeze the cgroup %s", group->full);
}

/* The value of a key of cgroup.events; without a group 0. */
static int get_event(const struct cgroup *group, const char *key, struct error *err)
{
	if (group->dirfd < 0)
		return 0;

	int r = events_get(group->dirfd, key);

	if (r == -ENODEV) /* removed since it was opened */
		return 0;
	return r < 0 ? error_code(err, -r, "read cgroup.events of %s", group->full) : r;
}

int cgroup_is_frozen(const struct cgroup *group, struct error *err)
{
	return get_event(group, "frozen", err);
}

int cgroup_is_populated(const struct cgroup *group, struct error *err)
{
	return get_event(group, "populated", err);
}

/*
 * Before cgroup.kill (Linux 5.14): frozen, no process can have children while it is being killed;
 * SIGKILL ends frozen processes, too. A kernel without a freezer is served in rounds.
 */
static int kill_one_by_one(struct cgroup *group, struct error *err)
{
	struct error ignored;
	bool frozen = cgroup_freeze(group, FREEZE_TIMEOUT_MS, &ignored) == 0;
	int r = 1;

	for (int round = 0; r > 0 && round < KILL_ROUNDS; round++) {
		r = procs_signal(group->dirfd, SIGKILL);
		if (frozen)
			break;
	}
	if (frozen && write_freeze(group, "0", &ignored) < 0 && r >= 0) {
		*err = ignored;
		return -err->code;
	}
	return r < 0 ? error_code(err, -r, "kill the processes of the cgroup %s", group->full) : 0;
}

int cgroup_kill(struct cgroup *group, struct error *err)
{
	struct error why;

	if (group->dirfd < 0)
		return refuse_disabled("kill", err);
	if (file_write_kernel(group->dirfd, "cgroup.kill", "1", &why) == 0 || why.code == ENODEV)
		return 0;
	/* ENOENT: an older kernel. EOPNOTSUPP: a threaded group. */
	if (why.code == ENOENT || why.code == EOPNOTSUPP)
		return kill_one_by_one(group, err);
	*err = why;
	return error_wrap(err, "%s", group->full);
}

int cgroup_signal(struct cgroup *group, int signal, struct error *err)
{
	if (group->dirfd < 0)
		return refuse_disabled("signal", err);

	int r = procs_signal(group->dirfd, signal);

	return r < 0 ? error_code(err, -r, "signal the processes of the cgroup %s", group->full)
	             : 0;
}

int cgroup_wait_empty(struct cgroup *group, int timeout_ms, struct error *err)
{
	if (group->dirfd < 0)
		return 0;

	int r = events_wait(group->dirfd, "populated", 0, timeout_ms);

	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "processes are left in the cgroup %s after %d ms",
		                 group->full, timeout_ms);
	return r < 0 && r != -ENOENT && r != -ENODEV
	               ? error_code(err, -r, "wait for the end of the cgroup %s", group->full)
	               : 0;
}

int cgroup_pids(const struct cgroup *group, pid_t **ret, size_t *ret_count, struct error *err)
{
	if (group->dirfd < 0)
		return refuse_disabled("list processes", err);

	int r = procs_list(group->dirfd, ret, ret_count);

	return r < 0 ? error_code(err, -r, "list the processes of the cgroup %s", group->full) : 0;
}
