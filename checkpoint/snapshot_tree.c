/* The tree of snapshots: looking at it, comparing, taking out of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "checkpoint/manifest.h"
#include "checkpoint/session.h"

/* --- Looking --- */

/* Without a container (it is gone, or was of an earlier boot) by its id in the store. */
static int look_in_store(const char *id, const char *store_path, struct disk *ret,
                         struct error *err)
{
	char store[PATH_MAX], path[PATH_MAX];
	int r = disk_store_path(store_path, store, err);

	if (r == 0)
		r = disk_path(store, DISK_ROOT, id, path, err);
	return r < 0 ? r : disk_open(path, false, ret, err);
}

int snapshot_look(struct store *store, const char *id, const char *store_path, struct disk *ret,
                  struct error *err)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct error gone;
	int r = store_open_entry(store, id, &entry, &gone);

	if (r == 0)
		r = disk_open_of(entry.fd, false, ret, err);
	else if (r == -ENOENT)
		r = look_in_store(id, store_path, ret, err) == 0 ? 0 : -ENOENT;
	else
		*err = gone;
	if (r == -ENOENT && entry.fd >= 0)
		return error_set(err, ENOENT, "it has no snapshots");
	return r == -ENOENT ? error_set(err, ENOENT, "container does not exist") : r;
}

static int add_size(int directory, const char *name, void *context, struct error *err)
{
	uint64_t *sum = context;
	struct stat st;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "%s", name);
	*sum += (uint64_t)st.st_size;
	return 0;
}

int snapshot_memory(const struct disk *disk, const struct disk_node *node,
                    struct snapshot_memory *ret, struct error *err)
{
	char path[PATH_MAX];
	int r = session_node_path(disk, node->name, "/" DISK_MEMORY_NAME, path, err);
	scoped_fd at = r < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret = (struct snapshot_memory){0};
	if (r == 0 && at < 0)
		r = error_errno(err, "images of snapshot %s", node->name);
	if (r == 0)
		r = manifest_each_image(at, add_size, &ret->own, err);
	ret->total = ret->own;
	while (r == 0) {
		int parent = openat(at, PARENT_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (parent < 0)
			break;
		fd_close(&at);
		at = parent;
		ret->incremental = true;
		r = manifest_each_image(at, add_size, &ret->total, err);
	}
	return r;
}

/* --- Comparing --- */

/* The present state of a root that is not ours. */
static int view_foreign(struct session *session, struct error *err)
{
	const struct string_list *lowers = &session->disk.record.lowers;
	scoped_disk_stack stack = DISK_STACK_NONE;
	const struct string_list none = {0};
	int *fds = NULL;
	int r = foreign_find(session, err);

	if (r < 0)
		return r;

	scoped_fd upper = session_open_upper(session, err);

	if (upper < 0 || lowers->count == 0)
		return fd_take(&upper);
	r = disk_stack_open(&session->disk, &none, NULL, &stack, err);
	if (r < 0)
		return r;
	fds = calloc(stack.count + 1, sizeof(*fds));
	if (!fds)
		return error_code(err, ENOMEM, "compare");
	fds[0] = upper;
	memcpy(fds + 1, stack.fds, stack.count * sizeof(*fds));
	stack.stack.lowers = fds;
	stack.stack.count = stack.count + 1;
	r = layer_enter_mount(&stack.stack, err);
	free(fds);
	return r;
}

static int open_view(struct session *session, const char *name, struct error *err)
{
	struct disk *disk = &session->disk;
	const struct disk_node *node = name ? disk_record_find(&disk->record, name) : NULL;
	struct string_list layers;
	int r;

	if (name && !node)
		return error_set(err, ENOENT, "snapshot %s does not exist", name);
	if (node)
		return disk_view(disk, &node->layers, err);
	if (disk->record.foreign)
		return view_foreign(session, err);
	r = disk_list_join(disk, disk->record.upper, &disk->record.layers, &layers, err);
	return r < 0 ? r : disk_view(disk, &layers, err);
}

int snapshot_diff(struct store *store, const char *id, const struct snapshot_pair *pair,
                  layer_report *report, void *context, struct error *err)
{
	scoped_session session = SESSION_NONE;
	int r = session_open(&session, store, id, pair->store_path, false, err);

	if (r < 0)
		return r;

	scoped_fd old = open_view(&session, pair->from, err);
	scoped_fd new = old < 0 ? -1 : open_view(&session, pair->to, err);

	return new < 0 ? -err->code : layer_diff(old, new, report, context, err);
}

/* --- Deleting --- */

static void take_out(struct disk_record *record, const struct disk_node *node)
{
	size_t index = (size_t)(node - record->nodes);
	char *name = node->name;
	char *parent = node->parent;

	if (str_equal(record->current, name))
		record->current = parent;
	memmove(record->nodes + index, record->nodes + index + 1,
	        (record->node_count - index - 1) * sizeof(*record->nodes));
	record->node_count--;
	for (size_t i = 0; i < record->node_count; i++)
		if (str_equal(record->nodes[i].parent, name))
			record->nodes[i].parent = parent;
}

static bool is_needed(const struct disk_record *record, const char *layer)
{
	for (size_t i = 0; i < record->layers.count; i++)
		if (str_equal(record->layers.items[i], layer))
			return true;
	for (size_t i = 0; i < record->node_count; i++)
		for (size_t j = 0; j < record->nodes[i].layers.count; j++)
			if (str_equal(record->nodes[i].layers.items[j], layer))
				return true;
	return false;
}

/* Layers that no snapshot begins with, and that are not needed for themselves. */
static int merge_layers(struct disk *disk, const struct string_list *layers,
                        struct snapshot_result *ret, struct error *err)
{
	for (size_t i = 0; i < layers->count; i++) {
		int r;

		if (!is_needed(&disk->record, layers->items[i]))
			continue;
		r = disk_merge(disk, layers->items[i], err);
		if (r < 0)
			return r;
		ret->merged |= r > 0;
		ret->kept |= r == 0 && i == 0;
	}
	return 0;
}

int snapshot_delete(struct store *store, const char *id, const char *name,
                    const struct snapshot_options *options, struct snapshot_result *ret,
                    struct error *err)
{
	scoped_session session = SESSION_NONE;
	struct disk *disk = &session.disk;
	struct string_list layers;
	int r = session_open(&session, store, id, options->store_path, false, err);

	if (r < 0)
		return r;

	struct disk_node *node = disk_record_find(&disk->record, name);

	if (!node)
		return error_set(err, ENOENT, "snapshot %s does not exist", name);
	r = disk_list_join(disk, NULL, &node->layers, &layers, err);
	if (r == 0) {
		take_out(&disk->record, node);
		r = disk_write(disk, err);
	}
	if (r < 0)
		return r;
	session_node_remove(disk, name);
	r = merge_layers(disk, &layers, ret, err);
	return r < 0 ? r : disk_sweep(disk->store_fd, err);
}

/* --- After kills --- */

static bool is_ours(const struct disk *disk, const char *state_root)
{
	return str_equal(disk->record.state_root, state_root);
}

/* A clone that was being made is there as a whole, or goes. 1: it goes. */
static int settle_clone(struct store *store, const char *id, struct error *err)
{
	scoped_session session = SESSION_NONE;
	int r = store_lock(store, id, &session.container.entry, err);

	if (r == 0)
		(void)!container_read(&session.container, err); /* damaged: it goes */
	if (r == 0)
		r = disk_open_of(session.container.entry.fd, true, &session.disk, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (session_is_whole(&session))
		return session_finish(&session, err);
	session_done(&session);
	session = (struct session)SESSION_NONE;
	r = container_delete(store, id, true, err);
	return r < 0 ? r : 1;
}

/* What killed commands have left of this state root's. */
static int recover_one(struct store *store, const char *path, const char *state_root,
                       const char *id, gc_report *report, void *context, struct error *err)
{
	scoped_disk disk = DISK_NONE;
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct error gone;
	int r = disk_try_open(path, &disk, err);

	if (r < 0)
		return r == -ENOENT || r == -EWOULDBLOCK ? 0 : r;
	if (!is_ours(&disk, state_root))
		return 0;

	bool pending = disk.record.operation.verb != NULL;
	bool birth = str_equal(disk.record.operation.verb, VERB_BIRTH);
	bool orphan = store_open_entry(store, id, &entry, &gone) == -ENOENT && !disk.record.keep &&
	              disk.record.node_count == 0;

	disk_done(&disk);
	if (orphan) {
		r = disk_discard(path, true, err);
	} else if (birth && entry.fd >= 0) {
		r = settle_clone(store, id, err);
		if (r > 0)
			report(id, "clone was cut off", context);
		return r < 0 ? r : 0;
	} else if (pending && entry.fd >= 0) {
		scoped_session session = SESSION_NONE;

		r = session_open(&session, store, id, NULL, false, err);
	} else {
		return 0;
	}
	if (r == 0)
		report(id, orphan ? "root of a container that is gone" : "snapshot was cut off",
		       context);
	return r;
}

/* Layers that nothing names. */
static int sweep_store(const char *directory, struct error *err)
{
	scoped_fd fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "store %s", directory);
	return disk_sweep(fd, err);
}

int snapshot_recover_all(struct store *store, const char *store_path, gc_report *report,
                         void *context, struct error *err)
{
	char directory[PATH_MAX], path[PATH_MAX], state_root[PATH_MAX];
	char link[FD_PATH_SIZE];
	char **names = NULL;
	size_t count = 0;
	int first = 0;
	ssize_t length =
		readlink(fd_path(store_fd(store), link), state_root, sizeof(state_root) - 1);
	int r = length < 0 ? error_errno(err, "state root")
	                   : disk_store_path(store_path, directory, err);

	if (r == -ENOENT)
		return 0; /* a user without a home has no store either */
	if (r == 0) {
		state_root[length] = '\0';
		r = disk_names(directory, DISK_ROOT, &names, &count, err);
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct error failure;
		int one = disk_path(directory, DISK_ROOT, names[i], path, &failure);

		if (one == 0)
			one = recover_one(store, path, state_root, names[i], report, context,
			                  &failure);
		if (one < 0 && first == 0) {
			first = one;
			*err = failure;
		}
	}
	container_ids_free(&names);
	if (r == 0)
		r = sweep_store(directory, err);
	return r < 0 ? r : first;
}
