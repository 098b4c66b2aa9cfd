/* kill, pause, resume: signals by pidfd or to the whole group, and the freezer. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "runtime/container.h"

/* Whether init is the first process of its pid namespace, whose end ends all in it. */
static bool owns_pid_namespace(pid_t pid)
{
	char path[32], status[4096];
	struct error ignored;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (file_read_kernel(AT_FDCWD, path, status, sizeof(status), &ignored) < 0)
		return false;

	char *numbers = strstr(status, "\nNSpid:");

	if (!numbers)
		return false;
	numbers++;
	numbers[strcspn(numbers, "\n")] = '\0';
	return str_ends(numbers, "\t1");
}

/*
 * Whether the whole group is meant: by --all, and by SIGKILL where init's end would leave the others
 * alive, which share the pid namespace of the host or of another container. They may outlive init.
 */
static bool means_group(const struct container *container, int signal, bool all)
{
	if (all || signal != SIGKILL)
		return all;
	return container->status == STATUS_STOPPED || !owns_pid_namespace(container->record.pid);
}

/* 0, or −ENOENT without *err: there is no group to signal, or nobody in it any more. */
static int kill_group(const struct container *container, int signal, struct error *err)
{
	scoped_cgroup group = NULL;
	bool stopped = container->status == STATUS_STOPPED;

	/* What has the name of a group of an earlier boot is another's. */
	if (stopped && !store_is_this_boot(container->entry.store, container->record.boot_id))
		return -ENOENT;

	int r = container_cgroup(container, &group, err);

	if (r == 0 && stopped) {
		r = cgroup_is_populated(group, err);
		if (r <= 0)
			return r < 0 ? r : -ENOENT;
	}
	if (r < 0)
		return r;
	return signal == SIGKILL ? cgroup_kill(group, err) : cgroup_signal(group, signal, err);
}

static int kill_init(const struct container *container, int signal, struct error *err)
{
	scoped_process init = {.pidfd = -1};
	int r = container_process(container, &init, err);

	return r < 0 ? r : process_signal(&init, signal, err);
}

/* Without a lock: a start or a hook that hangs must not keep anybody from ending the container. */
int container_kill(struct store *store, const char *id, int signal, bool all, struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	int r = store_open_entry(store, id, &container.entry, err);

	if (r == 0)
		r = container_read(&container, err);
	if (r == 0 && container.status != STATUS_STOPPED)
		r = container_check(&container, VERB_KILL, err);
	if (r < 0)
		return r;
	if (means_group(&container, signal, all)) {
		r = kill_group(&container, signal, err);
		if (r != -ENOENT)
			return r;
		if (all && container.status != STATUS_STOPPED)
			return error_set(err, ENOTSUP,
			                 "kill --all: the container has no cgroup of its own");
	}
	r = container_check(&container, VERB_KILL, err);
	return r < 0 ? r : kill_init(&container, signal, err);
}

/* Freezing waits for every process to stop; one in an uninterruptible call can delay it. */
enum { FREEZE_TIMEOUT_MS = 10000 };

static int freeze(struct store *store, const char *id, enum container_verb verb,
                  int (*act)(struct cgroup *, int, struct error *), struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	scoped_cgroup group = NULL;
	int r = container_open(store, id, verb, &container, err);

	if (r < 0)
		return r;
	r = container_cgroup(&container, &group, err);
	if (r == -ENOENT)
		return error_set(err, ENOTSUP, "the container has no cgroup of its own");
	return r < 0 ? r : act(group, FREEZE_TIMEOUT_MS, err);
}

int container_pause(struct store *store, const char *id, struct error *err)
{
	return freeze(store, id, VERB_PAUSE, cgroup_freeze, err);
}

int container_resume(struct store *store, const char *id, struct error *err)
{
	return freeze(store, id, VERB_RESUME, cgroup_thaw, err);
}
