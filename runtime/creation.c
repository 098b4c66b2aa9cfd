#include "runtime/creation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "namespaces/rootless.h"
#include "namespaces/user.h"
#include "runtime/delete.h"
#include "runtime/descriptors.h"
#include "runtime/notify.h"
#include "runtime/spawn.h"

/* --- Undo --- */

enum { UNDO_TIMEOUT_MS = 10000 };

static void undo_cgroup(struct creation *creation)
{
	struct error ignored;

	if (!creation->cgroup_created)
		return;
	if (cgroup_kill(creation->cgroup, &ignored) >= 0 &&
	    cgroup_wait_empty(creation->cgroup, UNDO_TIMEOUT_MS, &ignored) >= 0)
		cgroup_undo(creation->cgroup);
}

static void undo(struct creation *creation)
{
	struct error ignored;

	/* While the namespace lives, whose end would be that of virtual interfaces. */
	net_devices_give_back(creation->net_devices);
	spawn_destroy(&creation->init);
	undo_cgroup(creation);
	resctrl_undo(&creation->resctrl);
	if (creation->pid_file_written)
		(void)unlink(creation->options->pid_file);
	if (creation->entry.fd >= 0 && creation->options->reuse) {
		fd_close(&creation->entry.journal_fd);
		*creation->options->reuse = store_entry_take(&creation->entry);
	} else if (creation->entry.fd >= 0) {
		/* Its lock first: what is removed is locked once more. */
		disk_root_free(&creation->root);
		(void)!store_remove(&creation->entry, &ignored);
		store_entry_unlock(&creation->entry);
	}
	/* runtime.md, lifecycle: what fails from the first hook on ends like a container. */
	if (creation->hooks_begun)
		container_run_poststop(creation->entry.store, &creation->record,
		                       creation->plan.spec);
}

void creation_done(struct creation *creation)
{
	if (!creation->kept)
		undo(creation);
	net_devices_free(&creation->net_devices);
	process_done(&creation->init);
	fd_close(&creation->console);
	fd_close(&creation->bundle_fd);
	cgroup_free(&creation->cgroup);
	disk_root_free(&creation->root);
	store_entry_done(&creation->entry);
	init_plan_done(&creation->plan);
}

int creation_destroy(struct creation *creation, enum container_status status, struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	int r = store_entry_relock(&creation->entry, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	container.entry = store_entry_take(&creation->entry);
	container.record = creation->record;
	container.status = status;
	return container_destroy(&container, err);
}

void creation_keep(struct creation *creation)
{
	creation->kept = true;
	disk_root_free(&creation->root); /* others may act on it from now on */
}

/* --- Bundle and configuration --- */

static int open_bundle(struct creation *creation, struct error *err)
{
	const char *bundle = creation->options->bundle ? creation->options->bundle : ".";
	char path[FD_PATH_SIZE];

	creation->bundle_fd = fd_open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (creation->bundle_fd < 0)
		return error_errno(err, "bundle %s", bundle);

	ssize_t length = readlink(fd_path(creation->bundle_fd, path), creation->bundle,
	                          sizeof(creation->bundle) - 1);

	if (length < 0)
		return error_errno(err, "bundle %s", bundle);
	creation->bundle[length] = '\0';
	return 0;
}

static int check_terminal(const struct creation *creation, bool detached, struct error *err)
{
	bool terminal = creation->plan.spec->has_process && creation->plan.spec->process.terminal;
	bool socket = creation->options->console_socket != NULL;

	if (terminal && detached && !socket)
		return error_set(err, EINVAL,
		                 "process.terminal: a detached container needs --console-socket");
	if (socket && !terminal)
		return error_set(err, EINVAL,
		                 "--console-socket: the configuration asks for no terminal "
		                 "(process.terminal)");
	if (socket && !detached)
		return error_set(err, EINVAL, "--console-socket: only for a detached container");
	return 0;
}

/* What a clone does not share with the container that it was made of. */
static void replace_identity(struct spec *spec, const struct create_options *options)
{
	struct spec_namespace *network = &spec->linux.namespaces[NAMESPACE_NETWORK];

	/* Only read. */
	if (options->hostname && spec->hostname)
		spec->hostname = (char *)(uintptr_t)options->hostname;
	if (options->network) {
		network->set = true;
		network->path = (char *)(uintptr_t)options->network;
	}
	if (options->own_cgroup)
		spec->linux.cgroups_path = NULL;
}

static int load(struct creation *creation, bool detached, struct error *err)
{
	const char *config = creation->options->config ? creation->options->config : CONFIG_NAME;
	/* A path given by hand is relative to the caller; the default one to the bundle. */
	int directory = creation->options->config ? AT_FDCWD : creation->bundle_fd;
	int r = spec_load(directory, config, &creation->plan.spec, err);

	if (r == 0)
		replace_identity(creation->plan.spec, creation->options);
	if (r == 0 && creation->options->seccomp)
		creation->plan.spec->linux.seccomp = *creation->options->seccomp;
	if (r == 0)
		r = spec_validate(creation->plan.spec, err);
	if (r == 0)
		r = rootless_complete(creation->plan.spec, err);
	return r < 0 ? r : check_terminal(creation, detached, err);
}

/* --- Cgroup --- */

static bool has_writable_cgroup_mount(const struct spec *spec)
{
	for (size_t i = 0; i < spec->mount_count; i++) {
		const struct spec_mount *mount = &spec->mounts[i];
		bool readonly = false;

		if (!str_equal(mount->type, "cgroup") && !str_equal(mount->type, "cgroup2"))
			continue;
		for (size_t o = 0; o < mount->options.count; o++)
			readonly |= str_equal(mount->options.items[o], "ro");
		if (!readonly)
			return true;
	}
	return false;
}

static uid_t host_id(const struct spec_id_mappings *mappings)
{
	int64_t id = user_map_id(mappings, 0);

	return id < 0 ? 0 : (uid_t)id;
}

/* As cgroup_note. */
static int note_made(void *context, const char *made, struct error *err)
{
	const struct creation *creation = context;

	return journal_add_made(creation->entry.journal_fd, made, err);
}

static int plan_cgroup(struct creation *creation, struct error *err)
{
	const struct spec *spec = creation->plan.spec;
	const struct spec_linux *linux_spec = &spec->linux;
	const struct spec_namespace *namespace = &linux_spec->namespaces[NAMESPACE_CGROUP];
	struct cgroup_request request = {
		.driver = creation->options->driver,
		.id = creation->options->id,
		.cgroups_path = linux_spec->cgroups_path,
		.resources = &linux_spec->resources,
		.annotations = spec->annotations,
		.annotation_count = spec->annotation_count,
		.delegate = namespace->set && !namespace->path && has_writable_cgroup_mount(spec),
		.owner_uid = host_id(&linux_spec->uid_mappings),
		.owner_gid = host_id(&linux_spec->gid_mappings),
		.pin_dir = NULL,
		.note = note_made,
		.note_context = creation,
	};

	return cgroup_plan(&request, &creation->cgroup, err);
}

/* --- Class of service --- */

static int plan_resctrl(struct creation *creation, struct error *err)
{
	const struct spec_intel_rdt *rdt = &creation->plan.spec->linux.intel_rdt;

	if (!rdt->set)
		return 0;
	return resctrl_plan(rdt, creation->options->id, &creation->plan.arena, &creation->resctrl,
	                    err);
}

static int create_resctrl(struct creation *creation, struct error *err)
{
	const struct spec_intel_rdt *rdt = &creation->plan.spec->linux.intel_rdt;

	return rdt->set ? resctrl_create(&creation->resctrl, rdt, err) : 0;
}

/* --- State directory --- */

/* The record of the container that has ended stays until the new one is there: it says "stopped". */
static int take_over(struct creation *creation, struct error *err)
{
	static const char *const gone[] = {JOURNAL_NAME, PROCESS_LINK_NAME, CONFIG_NAME,
	                                   START_SOCKET_NAME};

	creation->entry = store_entry_take(creation->options->reuse);
	fd_close(&creation->entry.journal_fd);
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		if (unlinkat(creation->entry.fd, gone[i], 0) < 0 && errno != ENOENT)
			return error_errno(err, "take over the state directory");
	return 0;
}

static int reserve(struct creation *creation, struct store *store, struct error *err)
{
	const struct cgroup_location *group = cgroup_locate(creation->cgroup);
	int r = process_boot_id(creation->boot_id, err);

	if (r == 0)
		r = creation->options->reuse
		            ? take_over(creation, err)
		            : store_reserve(store, creation->options->id, &creation->entry, err);
	if (r < 0)
		return r;

	/* The strings are only read: struct journal also serves reading back, where they are owned. */
	struct journal intent = {
		.id = creation->entry.id,
		.boot_id = creation->boot_id,
		.cgroup_driver = (char *)(uintptr_t)cgroup_driver_name(group->driver),
		.cgroup_mount = (char *)(uintptr_t)group->mount,
		.cgroup_path = (char *)(uintptr_t)group->path,
		.cgroup_scope = (char *)(uintptr_t)group->scope,
		.cgroup_legacy = (char *)(uintptr_t)group->legacy,
		.resctrl_group = creation->resctrl.create
	                                 ? (char *)(uintptr_t)creation->resctrl.group
	                                 : NULL,
		.resctrl_monitor = (char *)(uintptr_t)creation->resctrl.monitor,
	};

	return journal_begin(creation->entry.fd, &intent, &creation->entry.journal_fd, err);
}

static int save_config(const struct creation *creation, struct error *err)
{
	const struct spec *spec = creation->plan.spec;
	scoped_fd fd = openat(creation->entry.fd, CONFIG_NAME,
	                      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, "save configuration");

	int r = fd_write_all(fd, spec->source, spec->source_size);

	return r < 0 ? error_code(err, -r, "save configuration") : 0;
}

static int listen_for_start(struct creation *creation, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[FD_PATH_SIZE];
	scoped_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "start socket");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
	               fd_path(creation->entry.fd, directory), START_SOCKET_NAME);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0)
		return error_errno(err, "start socket");
	creation->plan.listen_fd = fd_take(&fd);
	return 0;
}

/* --- Init --- */

int creation_note_process(struct creation *creation, struct error *err)
{
	const struct store_entry *entry = &creation->entry;
	pid_t pid = creation->init.pid;
	int r = journal_add_process(entry->journal_fd, pid, creation->start_time, err);

	if (r == 0 && cgroup_locate(creation->cgroup)->driver == CGROUP_DRIVER_DISABLED)
		r = journal_link_process(entry->fd, creation->boot_id, pid, creation->start_time,
		                         err);
	return r;
}

static int make_init(struct creation *creation, struct store *store, struct error *err)
{
	bool filter = creation->plan.spec->linux.seccomp.set;
	scoped_fd cache = filter ? store_open_cache(store) : -1;
	struct plan_request request = {
		.id = creation->options->id,
		.bundle_fd = creation->bundle_fd,
		.bundle_path = creation->bundle,
		.cgroup_fd = cgroup_dirfd(creation->cgroup),
		.cache_fd = cache,
		.no_pivot = creation->options->no_pivot,
		.new_keyring = !creation->options->no_new_keyring,
		.preserve_fds = creation->options->preserve_fds,
		.reaper_fd = creation->options->reaper ? creation->options->reaper_fd : -1,
		.hold_fd = creation->options->hold_fd > 0 ? creation->options->hold_fd : -1,
		.landlock = creation->options->landlock,
		.layers = creation->root ? &creation->root->stack.stack : NULL,
		.layers_path = creation->root ? creation->root->mount_point : NULL,
	};
	int r = plan_build(&creation->plan, &request, err);

	if (r == 0)
		r = cgroup_open_legacy(creation->cgroup, &creation->plan.legacy, err);
	if (r == 0)
		r = spawn_init(&creation->plan, cgroup_dirfd(creation->cgroup), &creation->init,
		               err);
	cgroup_legacy_done(&creation->plan.legacy);
	if (r < 0)
		return r;
	creation->start_time = process_start_time(creation->init.pid, NULL);
	if (creation->start_time == 0)
		return error_set(err, ESRCH, "init ended at once");
	r = creation_note_process(creation, err);
	return r < 0 ? r : cgroup_settle(creation->cgroup, err);
}

int creation_reserve(struct creation *creation, struct store *store,
                     const struct create_options *options, bool listen, struct error *err)
{
	creation->options = options;

	int r = descriptors_guard(program_listen_fds() + options->preserve_fds, err);

	if (r == 0)
		r = open_bundle(creation, err);
	if (r == 0)
		r = load(creation, listen || options->detach, err);
	if (r == 0)
		r = plan_cgroup(creation, err);
	if (r == 0)
		r = plan_resctrl(creation, err);
	if (r == 0)
		r = reserve(creation, store, err);
	if (r == 0)
		r = save_config(creation, err);
	if (r == 0 && (options->overlay || options->disk))
		r = disk_root_prepare(options, &creation->entry, creation->bundle, &creation->root,
		                      err);
	if (r == 0 && listen)
		r = listen_for_start(creation, err);
	if (r == 0)
		r = notify_prepare(creation->entry.fd, creation->plan.spec, err);
	if (r < 0)
		return r;
	r = cgroup_create(creation->cgroup, err);
	if (r < 0)
		return r;
	creation->cgroup_created = true;
	return create_resctrl(creation, err);
}

int creation_begin(struct creation *creation, struct store *store,
                   const struct create_options *options, bool listen, struct error *err)
{
	int r = creation_reserve(creation, store, options, listen, err);

	return r < 0 ? r : make_init(creation, store, err);
}
