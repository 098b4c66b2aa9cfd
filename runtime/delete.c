#include "runtime/delete.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "runtime/hooks.h"

/* A process that does not go away within this time is in an uninterruptible call. */
enum { END_TIMEOUT_MS = 10000 };

/* How long a delete without force waits for a running program that may be ending. */
enum { GRACE_MS = 100 };

/* SIGKILL to a process that may be gone already, and its end. */
static int end_process(pid_t pid, uint64_t start_time, struct error *err)
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
	return process_wait_gone(&process, END_TIMEOUT_MS, err);
}

/* Ends all that lives in the group and removes it. */
static int end_cgroup(struct cgroup *group, struct error *err)
{
	int r = cgroup_kill(group, err);

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
	return end_cgroup(group, err);
}

/* Init and all that lives with it. */
static int end_container(const struct container *container, struct error *err)
{
	scoped_cgroup group = NULL;
	bool stopped = container->status == STATUS_STOPPED;
	int r = container_cgroup(container, &group, err);

	if (r == 0)
		return stopped ? remove_cgroup(group, err) : end_cgroup(group, err);
	if (r != -ENOENT)
		return r;
	return stopped ? 0 : end_process(container->record.pid, container->record.start_time, err);
}

static void run_poststop(const struct container *container, struct spec *spec)
{
	struct error err;
	struct state_view view = {
		.status = container_status_name(STATUS_STOPPED),
		.record = &container->record,
	};
	scoped_str state = state_encode_hook(&view);
	int r = state ? hooks_run(spec, HOOK_POSTSTOP, state, strlen(state), &err)
	              : error_code(&err, ENOMEM, "state for hooks");

	/* runtime.md: a failing poststop hook is a warning, the container is gone all the same. */
	if (r < 0)
		log_write(LOG_LEVEL_WARNING, "delete %s: %s", container->record.id, err.text);
}

int container_destroy(struct container *container, struct error *err)
{
	scoped_spec spec = NULL;
	const struct record *record = &container->record;
	struct error damage;

	if (record->poststop && container_spec(container, &spec, &damage) < 0)
		log_write(LOG_LEVEL_WARNING, "delete %s: poststop hooks are lost: %s", record->id,
		          damage.text);

	int r = end_container(container, err);

	if (r == 0)
		r = store_remove(&container->entry, err);
	if (r == 0 && spec)
		run_poststop(container, spec);
	return r;
}

/* Of an earlier boot only the files can be left, and the numbers in them mean others by now. */
static int end_remains(const struct journal *journal, struct error *err)
{
	scoped_cgroup group = NULL;
	struct cgroup_location location;
	char boot_id[BOOT_ID_SIZE];
	int r = process_boot_id(boot_id, err);

	if (r < 0 || (journal->boot_id && !str_equal(journal->boot_id, boot_id)))
		return r;
	if (journal->pid > 0)
		r = end_process(journal->pid, journal->start_time, err);
	if (r < 0 || !journal_cgroup(journal, &location))
		return r;
	r = cgroup_open(&location, &group, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : end_cgroup(group, err);
}

int container_destroy_remains(struct store_entry *entry, struct error *err)
{
	scoped_arena arena = {0};
	struct journal journal = {0};
	int r = journal_read(entry->fd, &arena, &journal, err);

	if (r < 0 && r != -ENOENT)
		return r;
	r = end_remains(&journal, err);
	return r < 0 ? r : store_remove(entry, err);
}

static int delete_by_force(struct store *store, const char *id, struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	struct error damage;
	int r = store_lock(store, id, &container.entry, err);

	if (r == -ENOENT)
		return 0;
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
	char boot_id[BOOT_ID_SIZE];
	struct error ignored;

	return journal_read(container->entry.fd, &arena, &journal, &ignored) < 0 ||
	       process_boot_id(boot_id, &ignored) < 0 || str_equal(journal.boot_id, boot_id);
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

	if (!what)
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
	return r < 0 ? r : first;
}
