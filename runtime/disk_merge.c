/* Merging a layer that only one other lies on. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/disk.h"
#include "runtime/runtime.h"

struct merge {
	struct disk *own;
	const char *layer;
	struct disk *others; /* those that name the layer, locked */
	size_t count;
	char above[LAYER_NAME_SIZE]; /* "": not known yet */
	bool impossible;
	int guard_fd;
};

static void merge_done(struct merge *merge)
{
	for (size_t i = 0; i < merge->count; i++)
		disk_done(&merge->others[i]);
	free(merge->others);
	fd_close(&merge->guard_fd);
}
#define scoped_merge scoped(merge_done) struct merge

typedef bool visit_list(struct string_list *list, struct merge *merge);

/* Whether any of the visits said so. */
static bool each_list(struct disk_record *record, visit_list *visit, struct merge *merge)
{
	bool found = visit(&record->layers, merge);

	found |= visit(&record->operation.layers, merge);
	for (size_t i = 0; i < record->node_count; i++)
		found |= visit(&record->nodes[i].layers, merge);
	return found;
}

static bool look_above(struct string_list *list, struct merge *merge)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!str_equal(list->items[i], merge->layer))
			continue;
		if (i == 0 || strlen(list->items[i - 1]) >= sizeof(merge->above) ||
		    (merge->above[0] && !str_equal(merge->above, list->items[i - 1])))
			merge->impossible = true;
		else
			memcpy(merge->above, list->items[i - 1], strlen(list->items[i - 1]) + 1);
		return true;
	}
	return false;
}

static bool strike(struct string_list *list, struct merge *merge)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!str_equal(list->items[i], merge->layer))
			continue;
		memmove(list->items + i, list->items + i + 1,
		        (list->count - i - 1) * sizeof(*list->items));
		list->count--;
		return true;
	}
	return false;
}

/* The other disks of the store that name the layer; one that is busy makes merging impossible. */
static int gather(struct merge *merge, const char *store, enum disk_kind kind, struct error *err)
{
	char **names = NULL;
	size_t count = 0;
	int r = disk_names(store, kind, &names, &count, err);
	if (r < 0)
		return r;

	struct disk *more = realloc(merge->others, (merge->count + count + 1) * sizeof(*more));

	if (!more) {
		container_ids_free(&names);
		return error_code(err, ENOMEM, "merge");
	}
	merge->others = more;
	for (size_t i = 0; r == 0 && i < count && !merge->impossible; i++) {
		struct disk *other = &merge->others[merge->count];
		char path[PATH_MAX];

		r = disk_path(store, kind, names[i], path, err);
		if (r < 0 || str_equal(path, merge->own->path))
			continue;
		*other = (struct disk)DISK_NONE;
		r = disk_try_open(path, other, err);
		if (r == -EWOULDBLOCK)
			merge->impossible = true;
		else if (r == 0 && each_list(&other->record, look_above, merge))
			merge->count++;
		else if (r == 0)
			disk_done(other);
		r = r == -ENOENT || r == -EWOULDBLOCK ? 0 : r;
	}
	container_ids_free(&names);
	return r;
}

static int find_store(const struct disk *disk, char ret[static PATH_MAX])
{
	char link[FD_PATH_SIZE];
	ssize_t length = readlink(fd_path(disk->store_fd, link), ret, PATH_MAX - 1);

	if (length < 0)
		return -errno;
	ret[length] = '\0';
	return 0;
}

/* Nobody can begin to mount one of them while layers/ is locked. */
static int check_unused(struct merge *merge, struct error *err)
{
	bool used = false;
	int r = disk_layer_in_use(merge->layer, &used, err);

	if (r == 0 && !used)
		r = disk_layer_in_use(merge->above, &used, err);
	merge->impossible |= used;
	return r;
}

static int merge_and_strike(struct merge *merge, struct error *err)
{
	struct disk *disk = merge->own;
	scoped_fd lower = disk_layer_open(disk, merge->layer, "data", err);
	scoped_fd upper = lower < 0 ? -1 : disk_layer_open(disk, merge->above, "data", err);
	int r = upper < 0 ? -err->code : layer_merge(lower, upper, disk->record.user, err);

	/* The records one after another: with the emptied layer or without it a stack is the same. */
	if (r == 0)
		(void)each_list(&disk->record, strike, merge);
	if (r == 0)
		r = disk_write(disk, err);
	for (size_t i = 0; i < merge->count && r == 0; i++) {
		(void)each_list(&merge->others[i].record, strike, merge);
		r = disk_write(&merge->others[i], err);
	}
	return r < 0 ? r : 1;
}

int disk_merge(struct disk *disk, const char *layer, struct error *err)
{
	scoped_merge merge = {.own = disk, .layer = layer, .guard_fd = -1};
	char store[PATH_MAX];
	int r = find_store(disk, store);

	if (r < 0)
		return error_code(err, -r, "store");
	if (!each_list(&disk->record, look_above, &merge) || merge.impossible)
		return 0;
	merge.guard_fd = disk_guard(disk, true, err);
	if (merge.guard_fd < 0)
		return merge.guard_fd;
	r = gather(&merge, store, DISK_ROOT, err);
	if (r == 0)
		r = gather(&merge, store, DISK_TEMPLATE, err);
	if (r == 0 && !merge.impossible)
		r = check_unused(&merge, err);
	return r < 0 || merge.impossible ? r : merge_and_strike(&merge, err);
}
