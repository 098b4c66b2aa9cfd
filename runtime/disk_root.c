#include "runtime/disk_root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

void disk_root_free(struct disk_root **freed)
{
	struct disk_root *root = *freed;

	if (!root)
		return;
	disk_stack_done(&root->stack);
	if (root->guard_fd >= 0)
		(void)flock(root->guard_fd, LOCK_UN);
	fd_close(&root->guard_fd);
	disk_done(&root->own);
	free(root);
	*freed = NULL;
}

/* --- "TOP:…:BOTTOM" --- */

static int add_lower(struct disk *disk, char *path, struct error *err)
{
	char real[PATH_MAX];
	struct string_list *lowers = &disk->record.lowers;

	if (!*path)
		return error_set(err, EINVAL, "--overlay: an empty name");
	if (!realpath(path, real))
		return error_errno(err, "--overlay: %s", path);

	scoped_fd fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "--overlay: %s", path);
	lowers->items[lowers->count] = arena_strdup(&disk->arena, real);
	return lowers->items[lowers->count++] ? 0 : error_code(err, ENOMEM, "--overlay");
}

static int parse_lowers(struct disk *disk, const char *text, struct error *err)
{
	scoped_str copy = strdup(text);
	struct string_list *lowers = &disk->record.lowers;
	char *out = copy;
	char *begin = copy;
	int r = 0;

	*lowers = (struct string_list){
		.items = arena_alloc(&disk->arena, strlen(text) + 1, sizeof(*lowers->items))};
	if (!copy || !lowers->items)
		return error_code(err, ENOMEM, "--overlay");
	for (const char *in = copy; r == 0; in++) {
		bool end = *in == '\0';

		if (*in == '\\' && (in[1] == ':' || in[1] == '\\')) {
			*out++ = *++in;
			continue;
		}
		if (!end && *in != ':') {
			*out++ = *in;
			continue;
		}
		*out = '\0';
		r = add_lower(disk, begin, err);
		begin = ++out;
		if (end)
			break;
	}
	if (r == 0 && lowers->count > DISK_LAYERS_MAX)
		return error_set(err, E2BIG, "--overlay: more than %d layers", DISK_LAYERS_MAX);
	return r;
}

/* --- Found or made --- */

/* Absolute; by which others of the same store see whose it is. */
static int find_state_root(const struct store_entry *entry, char ret[static PATH_MAX],
                           struct error *err)
{
	char link[FD_PATH_SIZE];
	ssize_t length = readlink(fd_path(store_fd(entry->store), link), ret, PATH_MAX - 1);

	if (length < 0)
		return error_errno(err, "state root");
	ret[length] = '\0';
	return 0;
}

static int fill(struct disk *disk, const struct create_options *options,
                const struct store_entry *entry, const char *bundle, struct error *err)
{
	char state_root[PATH_MAX];
	char layer[LAYER_NAME_SIZE];
	scoped_fd fd = -1;
	int r = find_state_root(entry, state_root, err);

	if (r == 0)
		r = parse_lowers(disk, options->overlay, err);
	if (r == 0)
		r = disk_layer_make(disk, &disk->record.layers, layer, &fd, err);
	if (r < 0)
		return r;
	disk->record.id = arena_strdup(&disk->arena, entry->id);
	disk->record.state_root = arena_strdup(&disk->arena, state_root);
	disk->record.bundle = arena_strdup(&disk->arena, bundle);
	disk->record.upper = arena_strdup(&disk->arena, layer);
	disk->record.user = geteuid() != 0;
	if (!disk->record.id || !disk->record.state_root || !disk->record.bundle ||
	    !disk->record.upper)
		return error_code(err, ENOMEM, "root in the store");
	return disk_write(disk, err);
}

static bool same_list(const struct string_list *a, const struct string_list *b)
{
	for (size_t i = 0; a->count == b->count && i < a->count; i++)
		if (!str_equal(a->items[i], b->items[i]))
			return false;
	return a->count == b->count;
}

/* One that is there: kept for us, or what a killed command or an earlier boot has left of ours. */
static int take_kept(const char *path, const struct create_options *options,
                     const struct store_entry *entry, struct disk *ret, struct error *err)
{
	scoped_disk disk = DISK_NONE;
	scoped_disk asked = DISK_NONE;
	char state_root[PATH_MAX];
	int r = disk_open(path, true, &disk, err);

	if (r == 0)
		r = find_state_root(entry, state_root, err);
	if (r < 0)
		return r;
	if (!str_equal(disk.record.state_root, state_root))
		return error_set(err, EEXIST,
		                 "the store has a root of that id, of a container below %s",
		                 disk.record.state_root);
	if ((!disk.record.keep && disk.record.node_count == 0) || !disk.record.upper) {
		disk_done(&disk);
		r = disk_discard(path, true, err);
		return r < 0 ? r : -ENOENT;
	}
	r = parse_lowers(&asked, options->overlay, err);
	if (r < 0)
		return r;
	if (!same_list(&asked.record.lowers, &disk.record.lowers))
		return error_set(err, EEXIST,
		                 "the kept root of that id has other layers than --overlay (%s)",
		                 disk.record.lowers.count ? disk.record.lowers.items[0] : "none");
	*ret = disk;
	disk = (struct disk)DISK_NONE;
	return 0;
}

static int find_or_make(const char *path, const struct create_options *options,
                        const struct store_entry *entry, const char *bundle, struct disk *ret,
                        struct error *err)
{
	int r = take_kept(path, options, entry, ret, err);

	if (r != -ENOENT)
		return r;
	r = disk_make(path, ret, err);
	if (r == -EEXIST)
		return error_set(err, EEXIST, "the store has a root of that id");
	return r < 0 ? r : fill(ret, options, entry, bundle, err);
}

/* --- The whole --- */

static int obtain(struct disk_root *root, const struct create_options *options,
                  const struct store_entry *entry, const char *bundle, struct error *err)
{
	char store[PATH_MAX], path[PATH_MAX];
	int r;

	root->disk = &root->own;
	if (options->disk) {
		if (options->reuse) {
			root->disk = options->disk;
		} else {
			root->own = *options->disk;
			*options->disk = (struct disk)DISK_NONE;
		}
		return disk_link_make(entry->fd, root->disk->path, err);
	}
	r = disk_store_path(options->store, store, err);
	if (r == 0)
		r = disk_path(store, DISK_ROOT, entry->id, path, err);
	if (r == 0)
		r = disk_link_make(entry->fd, path, err);
	return r < 0 ? r : find_or_make(path, options, entry, bundle, &root->own, err);
}

int disk_root_prepare(const struct create_options *options, const struct store_entry *entry,
                      const char *bundle, struct disk_root **ret, struct error *err)
{
	struct disk_root *root = calloc(1, sizeof(*root));

	if (!root)
		return error_code(err, ENOMEM, "root in the store");
	*root = (struct disk_root){.own = DISK_NONE,
	                           .stack = DISK_STACK_NONE,
	                           .guard_fd = -1,
	                           .keep = options->overlay_keep};
	*ret = root; /* to be freed in any case, which gives up the locks before anything is undone */

	int r = obtain(root, options, entry, bundle, err);

	if (r < 0)
		return r;
	(void)snprintf(root->mount_point, sizeof(root->mount_point), "%.*s/root",
	               (int)sizeof(root->mount_point) - 8, root->disk->path);
	root->guard_fd = disk_guard(root->disk, false, err);
	if (root->guard_fd < 0)
		return root->guard_fd;
	return disk_stack_open(root->disk, &root->disk->record.layers, root->disk->record.upper,
	                       &root->stack, err);
}

int disk_root_commit(struct disk_root *root, struct error *err)
{
	if (!root->keep || root->disk->record.keep)
		return 0;
	root->disk->record.keep = true;
	return disk_write(root->disk, err);
}
