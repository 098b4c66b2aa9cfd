/* Templates: sealed states without a container. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "checkpoint/origin.h"
#include "checkpoint/parent.h"

/* The name of its only node. */
#define STATE "state"

static int find_path(const char *store_path, const char *name, char ret[static PATH_MAX],
                     struct error *err)
{
	char store[PATH_MAX];
	int r = disk_store_path(store_path, store, err);

	return r < 0 ? r : disk_path(store, DISK_TEMPLATE, name, ret, err);
}

int template_open(const char *store_path, const char *name, struct disk *ret, struct error *err)
{
	char path[PATH_MAX];
	int r = find_path(store_path, name, path, err);

	if (r == 0)
		r = disk_open(path, false, ret, err);
	if (r == -ENOENT)
		return error_set(err, ENOENT, "template %s does not exist", name);
	if (r == 0 && ret->record.node_count != 1)
		return error_set(err, EILSEQ, "template %s is damaged", name);
	return r;
}

int template_names(const char *store_path, char ***ret, size_t *ret_count, struct error *err)
{
	char store[PATH_MAX];
	int r = disk_store_path(store_path, store, err);

	return r < 0 ? r : disk_names(store, DISK_TEMPLATE, ret, ret_count, err);
}

int template_delete(const char *store_path, const char *name, struct error *err)
{
	scoped_disk disk = DISK_NONE;
	char path[PATH_MAX];
	int r = template_open(store_path, name, &disk, err);

	if (r < 0 && r != -EILSEQ)
		return r;
	disk_done(&disk);
	r = find_path(store_path, name, path, err);
	return r < 0 ? r : disk_discard(path, true, err);
}

/* --- Making --- */

/* Images are never written to: a second name does. */
static int link_images(const char *from, int to, struct error *err)
{
	scoped_fd source = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return source < 0 ? error_errno(err, "images %s", from) : parent_link(source, to, err);
}

static int copy_config(const struct origin *origin, int node, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	int r = file_read(AT_FDCWD, origin->config, SPEC_SIZE_LIMIT, &text, &size, err);

	return r < 0 ? r : file_write_atomic(node, CONFIG_NAME, 0600, text, size, err);
}

static int fill_node(const struct origin *origin, const struct disk *disk, struct error *err)
{
	if (mkdirat(disk->fd, DISK_NODES_NAME, 0700) < 0 ||
	    mkdirat(disk->fd, DISK_NODES_NAME "/" STATE, 0700) < 0)
		return error_errno(err, "template");

	scoped_fd node =
		openat(disk->fd, DISK_NODES_NAME "/" STATE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = node < 0 ? error_errno(err, "template") : copy_config(origin, node, err);

	if (r < 0 || !origin->image[0])
		return r;
	if (mkdirat(node, DISK_MEMORY_NAME, 0700) < 0)
		return error_errno(err, "template");

	scoped_fd memory = openat(node, DISK_MEMORY_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return memory < 0 ? error_errno(err, "template") : link_images(origin->image, memory, err);
}

static int fill_record(const struct origin *origin, const char *name, struct disk *disk,
                       struct error *err)
{
	static const char method[] = "sealed", state[] = STATE;
	const struct disk_record *source = &origin->source->record;
	struct disk_node *node = arena_alloc(&disk->arena, 1, sizeof(*node));
	char now[CLOCK_TEXT_SIZE];
	int r;

	if (!node)
		return error_code(err, ENOMEM, "template");
	disk->record.metacopy = source->metacopy;
	disk->record.keep = true;
	disk->record.nodes = node;
	disk->record.node_count = 1;
	disk->record.id = arena_strdup(&disk->arena, name);
	*node = (struct disk_node){
		.name = arena_strdup(&disk->arena, state),
		.method = arena_strdup(&disk->arena, method),
		.created = arena_strdup(&disk->arena, clock_format_now(now)),
		.bundle = arena_strdup(&disk->arena, origin->bundle),
		.memory = origin->image[0] != '\0',
	};
	if (!disk->record.id || !node->name || !node->method || !node->created || !node->bundle)
		return error_code(err, ENOMEM, "template");
	r = disk_list_join(disk, NULL, &source->lowers, &disk->record.lowers, err);
	return r < 0 ? r : disk_list_join(disk, NULL, &origin->layers, &node->layers, err);
}

int template_create(struct store *store, const char *source, const char *name,
                    const struct clone_options *options, struct error *err)
{
	scoped_origin origin = ORIGIN_NONE;
	scoped_disk disk = DISK_NONE;
	char place[PATH_MAX], path[PATH_MAX], link[FD_PATH_SIZE];
	struct error late;
	ssize_t length;
	int r = origin_open(&origin, store, source, options, err);

	if (r < 0)
		return r;
	/* Where the layers are. */
	length = readlink(fd_path(origin.source->store_fd, link), place, sizeof(place) - 1);
	if (length < 0)
		return error_errno(err, "store");
	place[length] = '\0';
	r = disk_path(place, DISK_TEMPLATE, name, path, err);
	if (r == 0)
		r = disk_make(path, &disk, err);
	if (r == -EEXIST)
		return error_set(err, EEXIST, "template %s exists", name);
	if (r < 0)
		return r;
	/* The record last: without it there is none. */
	(void)!layer_remove(disk.fd, DISK_NODES_NAME, &late);
	r = fill_node(&origin, &disk, err);
	if (r == 0)
		r = fill_record(&origin, name, &disk, err);
	if (r == 0)
		r = disk_write(&disk, err);
	if (r < 0) {
		disk_done(&disk);
		(void)!disk_discard(path, true, &late);
	}
	return r;
}
