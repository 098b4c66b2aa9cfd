#include "checkpoint/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "runtime/delete.h"

void session_done(struct session *session)
{
	for (size_t i = 0; i < SESSION_STREAMS; i++)
		fd_close(&session->streams[i]);
	disk_done(&session->disk);
	container_done(&session->container);
}

bool session_is_alive(const struct session *session)
{
	return session->container.status == STATUS_RUNNING ||
	       session->container.status == STATUS_PAUSED ||
	       session->container.status == STATUS_CREATED;
}

/* --- Opening --- */

static int note_place(struct session *session, struct error *err)
{
	struct disk_record *record = &session->disk.record;
	struct arena *arena = &session->disk.arena;
	char link[FD_PATH_SIZE], root[PATH_MAX];
	ssize_t length = readlink(fd_path(store_fd(session->store), link), root, sizeof(root) - 1);

	if (length < 0)
		return error_errno(err, "state root");
	root[length] = '\0';
	record->id = arena_strdup(arena, session->container.entry.id);
	record->state_root = arena_strdup(arena, root);
	record->bundle = arena_strdup(arena, session->container.record.bundle);
	record->foreign = true;
	return record->id && record->state_root && record->bundle
	               ? 0
	               : error_code(err, ENOMEM, "snapshots");
}

/* For a container whose root is not ours: a place for its snapshots. */
static int make_disk(struct session *session, const char *store_path, struct error *err)
{
	const char *id = session->container.entry.id;
	char store[PATH_MAX], path[PATH_MAX];
	int r = disk_store_path(store_path, store, err);

	if (r == 0)
		r = disk_path(store, DISK_ROOT, id, path, err);
	if (r == 0)
		r = disk_link_make(session->container.entry.fd, path, err);
	if (r < 0)
		return r;
	r = disk_make(path, &session->disk, err);
	if (r == -EEXIST)
		return error_set(err, EEXIST,
		                 "the store has a root of the id %s that is not its own", id);
	if (r == 0)
		r = note_place(session, err);
	return r < 0 ? r : disk_write(&session->disk, err);
}

int session_open(struct session *session, struct store *store, const char *id,
                 const char *store_path, bool make, struct error *err)
{
	int r;

	if (geteuid() != 0)
		return error_set(err, EPERM, "snapshots need root");
	session->store = store;
	r = store_lock(store, id, &session->container.entry, err);
	if (r == 0)
		r = container_read(&session->container, err);
	if (r == 0)
		r = disk_open_of(session->container.entry.fd, true, &session->disk, err);
	session->had_disk = r == 0;
	if (r == -ENOENT && session->container.status != STATUS_CREATING)
		r = make ? make_disk(session, store_path, err)
		         : error_set(err, ENOENT, "it has no snapshots");
	if (r == 0 && session->disk.record.operation.verb)
		r = session_recover(session, err);
	if (r == 0 && session->container.status == STATUS_CREATING)
		return error_set(err, EBUSY, "container is creating");
	return r;
}

/* --- Nodes --- */

int session_node_path(const struct disk *disk, const char *name, const char *inside,
                      char ret[static PATH_MAX], struct error *err)
{
	int size = snprintf(ret, PATH_MAX, "%s/" DISK_NODES_NAME "/%s%s", disk->path, name, inside);

	return size >= PATH_MAX ? error_code(err, ENAMETOOLONG, "snapshot %s", name) : 0;
}

void session_node_remove(const struct disk *disk, const char *name)
{
	struct error ignored;
	scoped_fd nodes = openat(disk->fd, DISK_NODES_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (nodes >= 0)
		(void)!layer_remove(nodes, name, &ignored);
}

static int copy_config(const struct session *session, int node, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	int r = file_read(session->container.entry.fd, CONFIG_NAME, SPEC_SIZE_LIMIT, &text, &size,
	                  err);

	return r < 0 ? r : file_write_atomic(node, CONFIG_NAME, 0600, text, size, err);
}

int session_node_make(const struct session *session, const char *name, struct error *err)
{
	int fd = session->disk.fd;

	if (mkdirat(fd, DISK_NODES_NAME, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "snapshot %s", name);
	session_node_remove(&session->disk, name);

	scoped_fd nodes = openat(fd, DISK_NODES_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (nodes < 0 || mkdirat(nodes, name, 0700) < 0)
		return error_errno(err, "snapshot %s", name);

	scoped_fd node = openat(nodes, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return node < 0 ? error_errno(err, "snapshot %s", name) : copy_config(session, node, err);
}

int session_add_node(struct session *session, const struct disk_node *node, struct error *err)
{
	struct disk_record *record = &session->disk.record;
	struct arena *arena = &session->disk.arena;
	struct disk_node *nodes = arena_alloc(arena, record->node_count + 1, sizeof(*nodes));
	char now[CLOCK_TEXT_SIZE];

	if (!nodes)
		return error_code(err, ENOMEM, "snapshot");
	if (record->node_count > 0)
		memcpy(nodes, record->nodes, record->node_count * sizeof(*nodes));

	struct disk_node *added = &nodes[record->node_count];

	*added = *node;
	added->name = arena_strdup(arena, node->name);
	added->parent = record->current;
	added->created = arena_strdup(arena, clock_format_now(now));
	added->bundle = arena_strdup(arena, session->container.record.bundle);
	added->method = arena_strdup(arena, node->method);
	if (!added->name || !added->created || !added->bundle || !added->method)
		return error_code(err, ENOMEM, "snapshot");
	record->nodes = nodes;
	record->node_count++;
	record->current = added->name;
	return 0;
}

/* --- What goes on --- */

static int copy_text(struct arena *arena, const char *text, char **ret, struct error *err)
{
	*ret = text ? arena_strdup(arena, text) : NULL;
	return text && !*ret ? error_code(err, ENOMEM, "snapshot") : 0;
}

int session_begin(struct session *session, const char *verb, const char *node, const char *image,
                  struct error *err)
{
	struct disk_record *record = &session->disk.record;
	struct disk_operation *operation = &record->operation;
	struct arena *arena = &session->disk.arena;
	int r;

	*operation = (struct disk_operation){
		.upper = record->upper, .current = record->current, .layers = record->layers};
	r = copy_text(arena, verb, &operation->verb, err);
	if (r == 0)
		r = copy_text(arena, node, &operation->node, err);
	if (r == 0)
		r = copy_text(arena, image, &operation->image, err);
	return r < 0 ? r
	             : session_enter(session,
	                             session->container.status == STATUS_PAUSED ? PHASE_PAUSED
	                                                                        : PHASE_FREEZE,
	                             err);
}

int session_enter(struct session *session, const char *phase, struct error *err)
{
	int r = copy_text(&session->disk.arena, phase, &session->disk.record.operation.phase, err);

	return r < 0 ? r : disk_write(&session->disk, err);
}

int session_finish(struct session *session, struct error *err)
{
	session->disk.record.operation = (struct disk_operation){0};
	return disk_write(&session->disk, err);
}

/* --- Layers --- */

int session_open_upper(const struct session *session, struct error *err)
{
	int fd;

	if (!session->disk.record.foreign)
		return disk_layer_open(&session->disk, session->disk.record.upper, "data", err);
	fd = open(session->foreign, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "root of the container: %s", session->foreign) : fd;
}

int session_replace_upper(struct session *session, const struct string_list *layers,
                          int *ret_layer_fd, struct error *err)
{
	struct disk_record *record = &session->disk.record;
	char name[LAYER_NAME_SIZE];
	int r = disk_layer_make(&session->disk, layers, name, ret_layer_fd, err);

	if (r < 0)
		return r;
	record->layers = *layers;
	return copy_text(&session->disk.arena, name, &record->upper, err);
}

int session_rotate(struct session *session, int *ret_layer_fd, struct error *err)
{
	struct disk_record *record = &session->disk.record;
	struct string_list layers;

	if (record->layers.count + record->lowers.count >= DISK_LAYERS_MAX)
		return error_set(err, E2BIG,
		                 "its root has %d layers, the most there can be: delete snapshots",
		                 DISK_LAYERS_MAX);

	int r = disk_list_join(&session->disk, record->upper, &record->layers, &layers, err);

	return r < 0 ? r : session_replace_upper(session, &layers, ret_layer_fd, err);
}

int session_await_idle(const struct session *session, struct error *err)
{
	enum { TURNS = 1000 };
	int r = -EBUSY;

	/* The kernel takes mounts down behind the last process: nothing tells when. */
	for (int turn = 0; turn < TURNS && r == -EBUSY; turn++) {
		if (turn > 0)
			(void)poll(NULL, 0, 1);
		r = disk_check_idle(&session->disk, err);
	}
	return r;
}

/* --- Processes --- */

void session_take_streams(struct session *session)
{
	scoped_process init = {.pidfd = -1};
	struct error ignored;

	if (container_process(&session->container, &init, &ignored) < 0)
		return;
	for (int i = 0; i < SESSION_STREAMS; i++)
		if (session->streams[i] < 0)
			session->streams[i] = (int)syscall(SYS_pidfd_getfd, init.pidfd, i, 0);
}

int session_save(struct session *session, const char *node,
                 const struct checkpoint_options *options, char ret_path[static PATH_MAX],
                 struct error *err)
{
	struct checkpoint_options dump = *options;
	int r = session_node_path(&session->disk, node, "/" DISK_MEMORY_NAME, ret_path, err);

	dump.image_path = ret_path;
	dump.container = &session->container;
	return r < 0 ? r : checkpoint_dump(session->store, session->container.entry.id, &dump, err);
}

int session_on_saved(pid_t pid unused_parameter, void *context, struct error *err)
{
	return session_enter(context, PHASE_SAVED, err);
}

/* The streams in the place of ours, for what takes over ours. */
static void put_streams(const struct session *session, int kept[static SESSION_STREAMS])
{
	for (int i = 0; i < SESSION_STREAMS; i++) {
		kept[i] = -1;
		if (session->streams[i] < 0)
			continue;
		kept[i] = fcntl(i, F_DUPFD_CLOEXEC, SESSION_STREAMS);
		(void)dup2(session->streams[i], i);
	}
}

static void give_back_streams(int kept[static SESSION_STREAMS])
{
	for (int i = 0; i < SESSION_STREAMS; i++) {
		if (kept[i] >= 0)
			(void)dup2(kept[i], i);
		fd_close(&kept[i]);
	}
}

static int revive(struct session *session, const struct create_options *create, const char *image,
                  const struct checkpoint_options *options, struct error *err)
{
	struct checkpoint_options restore = *options;
	int status = 0;

	restore.image_path = image;
	restore.container = NULL;
	restore.frozen = NULL;
	restore.restored = NULL;
	return image ? checkpoint_restore(session->store, create, &restore, &status, err)
	             : container_run(session->store, create, &status, err);
}

int session_revive(struct session *session, const char *node, const char *image,
                   const struct checkpoint_options *options, struct error *err)
{
	struct container *container = &session->container;
	const struct disk_node *found = disk_record_find(&session->disk.record, node);
	scoped_str id = strdup(container->entry.id);
	scoped_str bundle =
		strdup(found && found->bundle[0] ? found->bundle : session->disk.record.bundle);
	char config[PATH_MAX];
	int kept[SESSION_STREAMS];
	struct create_options create = {
		.id = id,
		.bundle = bundle,
		.config = config,
		.driver = CGROUP_DRIVER_CGROUPFS,
		.detach = true,
		.disk = &session->disk,
		.reuse = &container->entry,
	};
	int r = session_node_path(&session->disk, node, "/" CONFIG_NAME, config, err);

	if (!id || !bundle)
		return error_code(err, ENOMEM, "snapshot");
	if (r < 0)
		return r;
	if (container->record.cgroup_driver)
		(void)!cgroup_driver_parse(container->record.cgroup_driver, &create.driver);
	put_streams(session, kept);
	r = revive(session, &create, image, options, err);
	give_back_streams(kept);
	/* A success has given the lock back with the directory: both are had again. */
	if (container->entry.fd < 0) {
		struct error lost;

		container_done(container);
		*container = (struct container)CONTAINER_NONE;
		if (store_lock(session->store, id, &container->entry, &lost) == 0)
			(void)!container_read(container, &lost);
	}
	return r;
}

int session_pause(struct session *session, struct error *err)
{
	enum { FREEZE_TIMEOUT_MS = 10000 };
	scoped_cgroup group = NULL;
	int r = container_cgroup(&session->container, &group, err);

	if (r == -ENOENT)
		return error_code(err, ENOENT, "cgroup");
	return r < 0 ? r : cgroup_freeze(group, FREEZE_TIMEOUT_MS, err);
}
