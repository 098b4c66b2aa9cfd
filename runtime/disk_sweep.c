/* Removing disks, and what of layers nothing names any more. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/names.h"
#include "base/str.h"
#include "runtime/disk.h"
#include "runtime/disk_parts.h"

/* A directory of our own in trash/; its descriptor. */
static int open_trash(int store_fd, struct error *err)
{
	enum { TURNS = 1000 };
	char name[64];

	for (unsigned int turn = 0; turn < TURNS; turn++) {
		(void)snprintf(name, sizeof(name), "trash/%d-%u", getpid(), turn);
		if (mkdirat(store_fd, name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return error_errno(err, "store: mkdir %s", name);
		}

		int fd = openat(store_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		fd_close(&fd);
	}
	return error_code(err, EEXIST, "store: trash");
}

static int empty_bin(int fd, struct error *err)
{
	scoped_names names = {0};
	int r = names_read(fd, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = layer_remove(fd, names.items[i], err);
	return r;
}

static void empty_trash(int store_fd)
{
	scoped_names names = {0};
	struct error failure;
	scoped_fd trash = openat(store_fd, "trash", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (trash < 0 || names_read(trash, &names, &failure) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		scoped_fd fd = openat(trash, names.items[i],
		                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue; /* another command is at it */
		if (empty_bin(fd, &failure) < 0 ||
		    (unlinkat(trash, names.items[i], AT_REMOVEDIR) < 0 && errno != ENOENT &&
		     error_errno(&failure, "trash") < 0))
			log_write(LOG_LEVEL_WARNING, "store: %s", failure.text);
	}
}

static bool list_has(const struct string_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->items[i], name))
			return true;
	return false;
}

static bool names_layer(const struct disk_record *record, const char *name)
{
	if (list_has(&record->layers, name) || str_equal(record->upper, name) ||
	    list_has(&record->operation.layers, name) || str_equal(record->operation.upper, name))
		return true;
	for (size_t i = 0; i < record->node_count; i++)
		if (list_has(&record->nodes[i].layers, name))
			return true;
	return false;
}

/* One that has gone meanwhile, or never had a record, names none. */
static int strike_one(int store_fd, const char *path, struct names *layers, struct error *err)
{
	scoped_arena arena = {0};
	struct disk_record record = {0};
	scoped_fd fd = openat(store_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0
		                                           : error_errno(err, "store: %s", path);

	int r = disk_read_record(fd, &arena, &record, err);

	if (r < 0)
		return r == -ENOENT ? 0 : error_wrap(err, "%s", path);
	for (size_t i = 0; i < layers->count; i++)
		if (layers->items[i] && names_layer(&record, layers->items[i]))
			str_free(&layers->items[i]);
	return 0;
}

/* Takes out of `layers` (null instead) what the disks of that folder name. */
static int strike_named(int store_fd, const char *folder, struct names *layers, struct error *err)
{
	scoped_names names = {0};
	int r = disk_list_names(store_fd, folder, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		scoped_str path = str_format("%s/%s", folder, names.items[i]);

		r = path ? strike_one(store_fd, path, layers, err)
		         : error_code(err, ENOMEM, "store");
	}
	return r;
}

static int strike_all(int store_fd, struct names *layers, struct error *err)
{
	int r = strike_named(store_fd, disk_kind_names[DISK_ROOT], layers, err);

	return r < 0 ? r : strike_named(store_fd, disk_kind_names[DISK_TEMPLATE], layers, err);
}

/* Locks what nothing names, so that its maker, if there is one, has named it or will not any more. */
static void lock_layers(int store_fd, struct names *layers, int *fds)
{
	for (size_t i = 0; i < layers->count; i++) {
		scoped_str path =
			layers->items[i] ? str_format("layers/%s", layers->items[i]) : NULL;

		fds[i] = path ? openat(store_fd, path,
		                       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
		              : -1;
		if (fds[i] < 0 || flock(fds[i], LOCK_EX | LOCK_NB) < 0)
			str_free(&layers->items[i]);
	}
}

static int sweep(int store_fd, struct names *layers, int *fds, struct error *err)
{
	int r = strike_all(store_fd, layers, err);
	scoped_fd trash = -1;

	if (r < 0)
		return r;
	lock_layers(store_fd, layers, fds);
	r = strike_all(store_fd, layers, err);
	for (size_t i = 0; r == 0 && i < layers->count; i++) {
		scoped_str path =
			layers->items[i] ? str_format("layers/%s", layers->items[i]) : NULL;

		if (!path)
			continue;
		if (trash < 0)
			trash = open_trash(store_fd, err);
		if (trash < 0)
			return trash;
		if (renameat(store_fd, path, trash, layers->items[i]) < 0)
			return error_errno(err, "store: remove %s", path);
	}
	return r;
}

int disk_sweep(int store_fd, struct error *err)
{
	struct names layers;
	int r = disk_list_names(store_fd, "layers", &layers, err);
	int *fds = r < 0 ? NULL : calloc(layers.count + 1, sizeof(*fds));

	for (size_t i = 0; fds && i < layers.count; i++)
		fds[i] = -1;
	if (r == 0)
		r = fds ? sweep(store_fd, &layers, fds, err) : error_code(err, ENOMEM, "store");
	for (size_t i = 0; fds && i < layers.count; i++)
		fd_close(&fds[i]);
	free(fds);
	names_done(&layers);
	if (r == 0)
		empty_trash(store_fd);
	return r;
}

int disk_discard(const char *path, bool force, struct error *err)
{
	scoped_disk disk = DISK_NONE;
	scoped_fd trash = -1;
	struct error damage;
	int r = disk_open_locked(&disk, path, LOCK_EX, err);

	/* A kill may have left what it alone needed. */
	if (r == -ENOENT)
		return disk.store_fd < 0 ? 0 : disk_sweep(disk.store_fd, err);
	if (r < 0)
		return r;
	/* A damaged record keeps nothing alive. */
	if (!force && disk_read_record(disk.fd, &disk.arena, &disk.record, &damage) == 0 &&
	    disk.record.keep)
		return 0;
	trash = open_trash(disk.store_fd, err);
	if (trash < 0)
		return trash;
	if (renameat(AT_FDCWD, path, trash, "disk") < 0)
		return error_errno(err, "remove %s", path);
	fd_close(&trash);
	/* What cannot be swept now is swept with the next one. */
	if (disk_sweep(disk.store_fd, &damage) < 0)
		log_write(LOG_LEVEL_WARNING, "store: %s", damage.text);
	return 0;
}
