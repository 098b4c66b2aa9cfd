#include "runtime/delete.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroups/resctrl.h"
#include "runtime/hooks.h"

/* A process that does not go away within this time, on whatever slow machine, is in an uninterruptible call. */
enum { END_TIMEOUT_MS = 30000 };

/* cgroup.events changes at most this often. */
enum { EVENTS_INTERVAL_MS = 10 };

/* How long a delete without force waits for a running program that may be ending. */
enum { GRACE_MS = 100 };

/* SIGKILL to a process that may be gone already, and its end. */
static int end_process(pid_t pid, uint64_t start_time, int timeout_ms, struct error *err)
{
	scoped_process process = {.pidfd = -1};
	int r = process_open(pid, start_time, &process, err);

	if (r == -ESRCH)
		return 0;
	if (r < 0)
		return r;
	r = process_signal(&process, SIGKILL, err);
	if (r < 0 && r != -ESRCH)
		return r;
	return process_wait_ended(&process, timeout_ms, err);
}

/*
 * Ends all that lives in the group and removes it. Init (pid 0: unknown) is waited for a moment by
 * itself, since the kernel tells of changes in cgroup.events only every 10 ms. Its end is no condition: it
 * does not come before somebody has reaped what exec brought into its pid namespace.
 */
static int end_cgroup(struct cgroup *group, pid_t pid, uint64_t start_time, struct error *err)
{
	struct error late;
	int r = cgroup_kill(group, err);

	if (r == 0 && pid > 0)
		(void)!end_process(pid, start_time, EVENTS_INTERVAL_MS, &late);
	if (r == 0)
		r = cgroup_wait_empty(group, END_TIMEOUT_MS, err);
	return r < 0 ? r : cgroup_destroy(group, err);
}

/* A stopped container's group is normally empty, and removing it shows whether it is. */
static int remove_cgroup(struct cgroup *group, struct error *err)
{
	struct error busy;

	if (cgroup_destroy(group, &busy) == 0)
		return 0;
	return end_cgroup(group, 0, 0, err);
}

/*
 * Init and all that lives with it. The lines of the journal have checksums, the record has none: a
 * flipped bit in it must not let the container live on, or end another.
 */
static int end_container(const struct container *container, const struct journal *journal,
                         struct error *err)
{
	scoped_cgroup group = NULL;
	struct cgroup_location location;
	bool stopped = container->status == STATUS_STOPPED;
	bool known = journal->pid > 0;
	pid_t pid = known ? journal->pid : container->record.pid;
	uint64_t start_time = known ? journal->start_time : container->record.start_time;
	int r = journal_cgroup(journal, &location) ? cgroup_open(&location, &group, err)
	                                           : container_cgroup(container, &group, err);

	if (r == 0)
		return stopped ? remove_cgroup(group, err)
		               : end_cgroup(group, pid, start_time, err);
	if (r != -ENOENT)
		return r;
	if (!stopped || known) {
		r = end_process(pid, start_time, END_TIMEOUT_MS, err);
		if (r < 0)
			return r;
	}
	return journal_cgroup(journal, &location) || container_cgroup_location(container, &location)
	               ? cgroup_sweep(&location, err)
	               : 0;
}

void container_run_poststop(struct store *store, const struct record *record,
                            const struct spec *spec)
{
	struct error err;

	/* runtime.md: a failing poststop hook is a warning, the container is gone all the same. */
	if (container_run_hooks(store, record, spec, STATUS_STOPPED, HOOK_POSTSTOP, &err) < 0)
		log_write(LOG_LEVEL_WARNING, "container %s: %s", record->id, err.text);
}

/* What was made in resctrl, and in cgroup v1 by an update, is told by the journal. */
int container_destroy(struct container *container, struct error *err)
{
	scoped_arena arena = {0};
	scoped_spec spec = NULL;
	struct journal journal = {0};
	const struct record *record = &container->record;
	struct error damage;

	if (record->poststop && container_spec(container, &spec, &damage) < 0)
		log_write(LOG_LEVEL_WARNING, "delete %s: poststop hooks are lost: %s", record->id,
		          damage.text);

	if (journal_read(container->entry.fd, &arena, &journal, &damage) < 0)
		journal = (struct journal){0};

	int r = end_container(container, &journal, err);

	if (r == 0)
		r = resctrl_remove(journal.resctrl_group, journal.resctrl_monitor, err);
	/* A start that was killed in its poststart hook. */
	if (r == 0 && record->poststart)
		r = hooks_end(container->entry.store, record->id, false, err);
	if (r == 0)
		r = store_remove(&container->entry, err);
	/* Who waits for the lock finds the container gone. */
	if (r == 0)
		store_entry_unlock(&container->entry);
	if (r == 0 && spec)
		container_run_poststop(container->entry.store, &container->record, spec);
	return r;
}

int container_end(struct container *container, struct error *err)
{
	scoped_arena arena = {0};
	struct journal journal = {0};
	struct error damage;

	if (journal_read(container->entry.fd, &arena, &journal, &damage) < 0)
		journal = (struct journal){0};

	int r = end_container(container, &journal, err);

	if (r == 0)
		container->status = STATUS_STOPPED;
	return r;
}

/*
 * The group of a container whose journal is damaged: where its configuration would put it. The
 * configuration is saved after the journal is whole, so a kill alone never leads here; without it
 * there is nothing to go by. −ENOENT without *err: no such group.
 */
static int guess_cgroup(const struct store_entry *entry, const struct journal *journal,
                        struct cgroup **ret, struct error *err)
{
	scoped_spec spec = NULL;
	scoped_cgroup plan = NULL;
	struct error damage;
	struct cgroup_request request = {.driver = CGROUP_DRIVER_CGROUPFS, .id = entry->id};

	if (journal->cgroup_path || str_equal(journal->cgroup_driver, "disabled") ||
	    spec_load(entry->fd, CONFIG_NAME, &spec, &damage) < 0)
		return -ENOENT;
	request.cgroups_path = spec->linux.cgroups_path;
	request.resources = &spec->linux.resources;
	if (cgroup_plan(&request, &plan, &damage) < 0)
		return -ENOENT;

	int r = cgroup_open(cgroup_locate(plan), ret, err);

	if (r == -ENOENT && cgroup_sweep(cgroup_locate(plan), &damage) < 0)
		log_write(LOG_LEVEL_WARNING, "%s", damage.text);
	return r;
}

static int end_living(const struct store_entry *entry, const struct journal *journal,
                      struct error *err)
{
	scoped_cgroup group = NULL;
	struct cgroup_location location;
	int r = journal_cgroup(journal, &location) ? cgroup_open(&location, &group, err)
	                                           : guess_cgroup(entry, journal, &group, err);

	if (r == 0)
		return end_cgroup(group, journal->pid, journal->start_time, err);
	if (r != -ENOENT)
		return r;
	r = journal->pid > 0 ? end_process(journal->pid, journal->start_time, END_TIMEOUT_MS, err)
	                     : 0;
	if (r < 0 || !journal_cgroup(journal, &location))
		return r;
	cgroup_withdraw(&location);
	return cgroup_sweep(&location, err);
}

/* Of an earlier boot only the files can be left, and the numbers in them mean others by now. */
static int end_remains(const struct store_entry *entry, const struct journal *journal,
                       struct error *err)
{
	if (!store_is_this_boot(entry->store, journal->boot_id))
		return 0;

	int r = end_living(entry, journal, err);

	return r < 0 ? r : resctrl_remove(journal->resctrl_group, journal->resctrl_monitor, err);
}

int container_destroy_remains(struct store_entry *entry, struct error *err)
{
	scoped_arena arena = {0};
	struct journal journal = {0};
	struct error damage;

	if (!store_is_container(entry))
		return error_set(err, ENOTDIR, "its directory in the state root is no container's");
	/* Not a file, too large: it says as little as none. */
	if (journal_read(entry->fd, &arena, &journal, &damage) < 0)
		journal = (struct journal){0};

	int r = end_remains(entry, &journal, err);

	if (r == 0)
		r = hooks_end(entry->store, entry->id, false, err);
	return r < 0 ? r : store_remove(entry, err);
}

/* Ends init and hooks, so that a command that waits for them, and holds the lock meanwhile, gets on. */
static void interrupt(const struct store_entry *entry)
{
	scoped_arena arena = {0};
	scoped_process init = {.pidfd = -1};
	struct journal journal = {0};
	char boot_id[BOOT_ID_SIZE];
	struct error ignored;

	if (journal_read(entry->fd, &arena, &journal, &ignored) == 0 && journal.pid > 0 &&
	    process_boot_id(boot_id, &ignored) == 0 && str_equal(journal.boot_id, boot_id) &&
	    process_open(journal.pid, journal.start_time, &init, &ignored) == 0)
		(void)!process_signal(&init, SIGKILL, &ignored);
	(void)!hooks_end(entry->store, entry->id, true, &ignored);
}

static int lock_by_force(struct store *store, const char *id, struct store_entry *ret,
                         struct error *err)
{
	scoped_store_entry busy = {.fd = -1, .journal_fd = -1};
	int r = store_try_lock(store, id, ret, err);

	if (r != -EWOULDBLOCK)
		return r;
	r = store_open_entry(store, id, &busy, err);
	if (r < 0)
		return r;
	interrupt(&busy);
	return store_lock(store, id, ret, err);
}

static int delete_by_force(struct store *store, const char *id, struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	struct error damage;
	int r = lock_by_force(store, id, &container.entry, err);

	/* A delete may have been killed in its poststop hook, when all else was gone. */
	if (r == -ENOENT)
		return hooks_end(store, id, false, err);
	if (r < 0)
		return r;
	if (container_read(&container, &damage) < 0 || container.status == STATUS_CREATING)
		return container_destroy_remains(&container.entry, err);
	return container_destroy(&container, err);
}

/* What was killed a moment ago may end now, so that "kill; delete" works in a script. */
static void await_end(struct container *container)
{
	scoped_process init = {.pidfd = -1};
	struct error ignored;

	if (container->status != STATUS_RUNNING)
		return;
	if (container_process(container, &init, &ignored) < 0 ||
	    process_wait_gone(&init, GRACE_MS, &ignored) == 0)
		container->status = STATUS_STOPPED;
}

int container_delete(struct store *store, const char *id, bool force, struct error *err)
{
	scoped_container container = CONTAINER_NONE;

	if (force)
		return delete_by_force(store, id, err);

	int r = store_lock(store, id, &container.entry, err);

	if (r == 0)
		r = container_read(&container, err);
	if (r < 0)
		return r;
	await_end(&container);
	r = container_check(&container, VERB_DELETE, err);
	return r < 0 ? r : container_destroy(&container, err);
}

/* --- gc --- */

static bool is_of_this_boot(const struct container *container)
{
	scoped_arena arena = {0};
	struct journal journal = {0};
	struct error ignored;

	return journal_read(container->entry.fd, &arena, &journal, &ignored) < 0 ||
	       store_is_this_boot(container->entry.store, journal.boot_id);
}

/* Who launched it, and would remove it, was killed (launch.c): nobody else will. */
static bool is_abandoned(const struct container *container)
{
	scoped_fd journal = openat(container->entry.fd, JOURNAL_NAME, O_RDONLY | O_CLOEXEC);

	return container->record.own_rules && container->status == STATUS_STOPPED && journal >= 0 &&
	       flock(journal, LOCK_EX | LOCK_NB) == 0;
}

/* What is to be cleaned up and why; null for a container in good order. */
static const char *find_remains(struct container *container)
{
	struct error damage;

	if (!is_of_this_boot(container))
		return "record of an earlier boot";
	if (container_read(container, &damage) < 0)
		return "damaged record";
	if (container->status == STATUS_CREATING)
		return "creation was cut off";
	if (is_abandoned(container))
		return "its sandbox was killed";
	return NULL;
}

static int collect(struct store *store, const char *id, gc_report *report, void *context,
                   struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	int r = store_try_lock(store, id, &container.entry, err);

	if (r == -EWOULDBLOCK || r == -ENOENT)
		return 0; /* somebody works on it; or it has just gone */
	if (r < 0)
		return r;

	const char *what = find_remains(&container);

	if (!what || !store_is_container(&container.entry))
		return 0;
	r = container_destroy_remains(&container.entry, err);
	if (r == 0)
		report(id, what, context);
	return r;
}

int container_gc(struct store *store, gc_report *report, void *context, struct error *err)
{
	char **ids = NULL;
	size_t count = 0;
	int first = 0;
	int r = container_ids(store, &ids, &count, err);

	for (size_t i = 0; r >= 0 && i < count; i++) {
		struct error failure;
		int one = collect(store, ids[i], report, context, &failure);

		if (one < 0 && first == 0) {
			first = one;
			*err = failure;
		}
	}
	container_ids_free(&ids);
	if (r < 0 || first < 0)
		return r < 0 ? r : first;
	return hooks_sweep(store, report, context, err);
}
