#include "runtime/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "runtime/hooks.h"

static const char *const status_names[STATUS_COUNT] = {
	[STATUS_CREATING] = "creating", [STATUS_CREATED] = "created", [STATUS_RUNNING] = "running",
	[STATUS_PAUSED] = "paused",     [STATUS_STOPPED] = "stopped",
};

#define IN(status) (1U << STATUS_##status)

/* States × verbs: where a verb is legal, and what is said where it is not. */
static const struct {
	unsigned int legal;
	const char *refusal; /* what comes before "container is STATUS" */
} rules[VERB_COUNT] = {
	[VERB_START] = {IN(CREATED), "cannot start"},
	[VERB_EXEC] = {IN(CREATED) | IN(RUNNING), "cannot exec"},
	[VERB_EXEC_PAUSED] = {IN(CREATED) | IN(RUNNING) | IN(PAUSED), "cannot exec"},
	[VERB_KILL] = {IN(CREATED) | IN(RUNNING) | IN(PAUSED), "cannot kill"},
	[VERB_PAUSE] = {IN(CREATED) | IN(RUNNING), "cannot pause"},
	[VERB_RESUME] = {IN(PAUSED), "cannot resume"},
	[VERB_DELETE] = {IN(CREATED) | IN(STOPPED), "cannot delete without --force"},
	[VERB_PS] = {IN(CREATED) | IN(RUNNING) | IN(PAUSED), "cannot list processes"},
	[VERB_CHECKPOINT] = {IN(RUNNING) | IN(PAUSED), "cannot checkpoint"},
	[VERB_UPDATE] = {IN(CREATED) | IN(RUNNING) | IN(PAUSED), "cannot update"},
	[VERB_MOUNTS] = {IN(CREATED) | IN(RUNNING) | IN(PAUSED), "cannot change mounts"},
	[VERB_STATS] = {IN(CREATED) | IN(RUNNING) | IN(PAUSED), "cannot read statistics"},
	[VERB_WAIT] = {IN(CREATED) | IN(RUNNING) | IN(PAUSED) | IN(STOPPED), "cannot wait"},
};

const char *container_status_name(enum container_status status)
{
	return status_names[status];
}

void container_done(struct container *container)
{
	store_entry_done(&container->entry);
	arena_done(&container->arena);
}

bool container_cgroup_location(const struct container *container, struct cgroup_location *ret)
{
	const struct record *record = &container->record;
	enum cgroup_driver driver;

	if (!record->cgroup_driver || !record->cgroup_mount || !record->cgroup_path ||
	    cgroup_driver_parse(record->cgroup_driver, &driver) < 0)
		return false;
	*ret = (struct cgroup_location){
		.driver = driver,
		.mount = record->cgroup_mount,
		.path = record->cgroup_path,
		.scope = record->cgroup_scope,
		.legacy = record->cgroup_legacy,
	};
	return true;
}

int container_cgroup(const struct container *container, struct cgroup **ret, struct error *err)
{
	struct cgroup_location location;

	if (!container_cgroup_location(container, &location))
		return -ENOENT;
	return cgroup_open(&location, ret, err);
}

static bool is_alive(const struct container *container)
{
	const struct record *record = &container->record;
	char state = '\0';

	if (process_start_time(record->pid, &state) != record->start_time)
		return false;
	if (state == 'Z' || state == 'X')
		return false;
	return store_is_this_boot(container->entry.store, record->boot_id);
}

static bool is_paused(const struct container *container)
{
	scoped_cgroup group = NULL;
	struct error ignored;

	return container_cgroup(container, &group, &ignored) == 0 &&
	       cgroup_is_frozen(group, &ignored) > 0;
}

static enum container_status find_status(const struct container *container)
{
	if (!is_alive(container))
		return STATUS_STOPPED;
	if (is_paused(container))
		return STATUS_PAUSED;
	if (faccessat(container->entry.fd, START_SOCKET_NAME, F_OK, 0) == 0)
		return STATUS_CREATED;
	return STATUS_RUNNING;
}

int container_read(struct container *container, struct error *err)
{
	int r = store_read_record(container->entry.fd, &container->arena, &container->record, err);

	if (r == -ENOENT) {
		container->record = (struct record){.id = container->entry.id};
		container->status = STATUS_CREATING;
		return 0;
	}
	if (r < 0)
		return error_wrap(err, "damaged record (delete --force removes it)");
	container->status = find_status(container);
	return 0;
}

int container_check(const struct container *container, enum container_verb verb, struct error *err)
{
	enum container_status status = container->status;

	if (rules[verb].legal & (1U << status))
		return 0;
	if (status == STATUS_STOPPED)
		return error_set(err, ESRCH, "%s: container not running", rules[verb].refusal);
	return error_set(err, EBUSY, "%s: container is %s", rules[verb].refusal,
	                 status_names[status]);
}

int container_open(struct store *store, const char *id, enum container_verb verb,
                   struct container *ret, struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	int r = store_lock(store, id, &container.entry, err);

	if (r == 0)
		r = container_read(&container, err);
	if (r == 0)
		r = container_check(&container, verb, err);
	if (r < 0)
		return r;
	*ret = container;
	container = (struct container)CONTAINER_NONE;
	return 0;
}

int container_process(const struct container *container, struct process *ret, struct error *err)
{
	int r = process_open(container->record.pid, container->record.start_time, ret, err);

	if (r == -ESRCH)
		return error_set(err, ESRCH, "container not running");
	return r;
}

int container_spec(const struct container *container, struct spec **ret, struct error *err)
{
	int r = spec_load(container->entry.fd, CONFIG_NAME, ret, err);

	/* One that create added, for a user: its maps are init's, no configuration has them. */
	if (r == 0 && container->record.user_namespace)
		(*ret)->linux.namespaces[NAMESPACE_USER].set = true;
	return r;
}

char *container_hook_state(const struct record *record, enum container_status status)
{
	struct state_view view = {
		.status = container_status_name(status),
		.pid = status == STATUS_STOPPED ? 0 : record->pid,
		.record = record,
	};

	return state_encode_hook(&view);
}

int container_run_hooks(struct store *store, const struct record *record, const struct spec *spec,
                        enum container_status status, enum spec_hook_kind kind, struct error *err)
{
	struct hooks_owner owner = {
		.store = store,
		.id = record->id,
		.without_group = str_equal(record->cgroup_driver,
	                                   cgroup_driver_name(CGROUP_DRIVER_DISABLED)),
	};
	scoped_str state = NULL;

	if (spec->hooks[kind].count == 0)
		return 0;
	state = container_hook_state(record, status);
	return state ? hooks_run_on_host(&owner, spec, kind, state, err)
	             : error_code(err, ENOMEM, "state for hooks");
}

/* --- Looking at containers --- */

void container_info_free(struct container_info **info)
{
	if (!*info)
		return;
	arena_done(&(*info)->arena);
	free(*info);
	*info = NULL;
}

/* A container whose creation goes on, or was cut off, has no record yet: all is empty but its id. */
static int fill_missing_record(struct container_info *info, const char *id)
{
	char *empty = arena_strdup(&info->arena, "");

	info->record.id = arena_strdup(&info->arena, id);
	info->record.oci_version = empty;
	info->record.bundle = empty;
	info->record.rootfs = empty;
	info->record.created = empty;
	return info->record.id && empty ? 0 : -ENOMEM;
}

int container_info(struct store *store, const char *id, struct container_info **ret,
                   struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	int r = store_open_entry(store, id, &container.entry, err);

	if (r == 0)
		r = container_read(&container, err);
	if (r < 0)
		return r;

	struct container_info *info = calloc(1, sizeof(*info));

	if (!info)
		return error_code(err, ENOMEM, "container %s", id);
	info->arena = container.arena;
	container.arena = (struct arena){0};
	info->record = container.record;
	if (container.status == STATUS_CREATING && fill_missing_record(info, id) < 0) {
		container_info_free(&info);
		return error_code(err, ENOMEM, "container %s", id);
	}
	info->view = (struct state_view){
		.status = container_status_name(container.status),
		.pid = container.status == STATUS_STOPPED ? 0 : container.record.pid,
		.record = &info->record,
	};
	*ret = info;
	return 0;
}

int container_pids(struct store *store, const char *id, pid_t **ret, size_t *ret_count,
                   struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	scoped_cgroup group = NULL;
	int r = container_open(store, id, VERB_PS, &container, err);

	if (r < 0)
		return r;
	r = container_cgroup(&container, &group, err);
	if (r == 0)
		return cgroup_pids(group, ret, ret_count, err);
	if (r != -ENOENT)
		return r;
	/* Without a cgroup of its own only init is known for certain. */
	pid_t *only = malloc(sizeof(*only));

	if (!only)
		return error_code(err, ENOMEM, "container %s", id);
	*only = container.record.pid;
	*ret = only;
	*ret_count = 1;
	return 0;
}
