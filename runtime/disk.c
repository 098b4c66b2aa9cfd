/* Disks: opening, making and listing them. */
#include "runtime/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/names.h"
#include "base/str.h"
#include "runtime/disk_parts.h"
#include "runtime/runtime.h"

const char *const disk_kind_names[] = {[DISK_ROOT] = "roots", [DISK_TEMPLATE] = "templates"};
static const char *const store_names[] = {"layers", "roots", "templates", "trash"};

void disk_done(struct disk *disk)
{
	/* A container's init has inherited the descriptor, and with it the lock. */
	if (disk->fd >= 0)
		(void)flock(disk->fd, LOCK_UN);
	fd_close(&disk->fd);
	fd_close(&disk->store_fd);
	arena_done(&disk->arena);
	disk->record = (struct disk_record){0};
}

/* --- Paths --- */

static int join(char ret[static PATH_MAX], struct error *err, const char *a, const char *b,
                const char *c)
{
	int size = snprintf(ret, PATH_MAX, "%s%s%s", a, b, c);

	return size < 0 || size >= PATH_MAX ? error_code(err, ENAMETOOLONG, "%s%s%s", a, b, c) : 0;
}

int disk_store_path(const char *asked, char ret[static PATH_MAX], struct error *err)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	char here[PATH_MAX];

	if (asked && *asked == '/')
		return join(ret, err, asked, "", "");
	if (asked && *asked)
		return getcwd(here, sizeof(here)) ? join(ret, err, here, "/", asked)
		                                  : error_errno(err, "current directory");
	if (geteuid() == 0)
		return join(ret, err, "/var/lib/lvm-run", "", "");
	if (data && *data == '/')
		return join(ret, err, data, "/lvm-run", "");
	if (home && *home == '/')
		return join(ret, err, home, "/.local/share/lvm-run", "");
	return error_set(err, ENOENT, "no store: neither --store nor $HOME says where");
}

int disk_path(const char *store, enum disk_kind kind, const char *name, char ret[static PATH_MAX],
              struct error *err)
{
	char folder[32];

	if (!disk_name_valid(name))
		return error_set(err, EINVAL, "invalid name \"%.64s\"", name);
	(void)snprintf(folder, sizeof(folder), "/%s/", disk_kind_names[kind]);
	return join(ret, err, store, folder, name);
}

int disk_link_read(int entry_fd, char ret[static PATH_MAX], struct error *err)
{
	ssize_t length = readlinkat(entry_fd, DISK_LINK_NAME, ret, PATH_MAX - 1);

	if (length < 0 && (errno == ENOENT || errno == EINVAL))
		return -ENOENT;
	if (length < 0)
		return error_errno(err, "link to the store");
	ret[length] = '\0';
	return 0;
}

int disk_link_make(int entry_fd, const char *path, struct error *err)
{
	char there[PATH_MAX];

	if (symlinkat(path, entry_fd, DISK_LINK_NAME) == 0)
		return 0;
	if (errno == EEXIST && disk_link_read(entry_fd, there, err) == 0 && str_equal(there, path))
		return 0;
	return error_code(err, EEXIST, "link to the store");
}

/* "STORE/roots/ID" to "STORE" and the name. */
static int split(const char *path, char store[static PATH_MAX], struct error *err)
{
	if (join(store, err, path, "", "") < 0)
		return -err->code;
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(store, '/');

		if (!slash || slash == store)
			return error_set(err, EINVAL, "%s is no place in a store", path);
		*slash = '\0';
	}
	return 0;
}

/* --- Opening --- */

static int open_store(const char *path, struct error *err)
{
	char store[PATH_MAX];
	struct stat st;
	int r = split(path, store, err);

	if (r < 0)
		return r;

	scoped_fd fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "store %s", store);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return error_set(err, EPERM,
		                 "store %s: must belong to user %u and be writable by nobody else",
		                 store, geteuid());
	return fd_take(&fd);
}

static int lock(int fd, int operation, struct error *err)
{
	int r;

	do
		r = flock(fd, operation);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EWOULDBLOCK)
		return -EWOULDBLOCK;
	return r < 0 ? error_errno(err, "lock in the store") : 0;
}

int disk_open_locked(struct disk *disk, const char *path, int operation, struct error *err)
{
	struct stat st;
	int r;

	disk->store_fd = open_store(path, err);
	if (disk->store_fd < 0) {
		r = disk->store_fd;
		disk->store_fd = -1;
		return r;
	}
	disk->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (disk->fd < 0)
		return errno == ENOENT ? -ENOENT : error_errno(err, "%s", path);
	r = lock(disk->fd, operation, err);
	if (r < 0)
		return r;
	if (fstat(disk->fd, &st) < 0)
		return error_errno(err, "%s", path);
	if (st.st_nlink == 0)
		return -ENOENT;
	return join(disk->path, err, path, "", "");
}

int disk_read_record(int fd, struct arena *arena, struct disk_record *ret, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	struct error failure;
	int r = file_read(fd, DISK_RECORD_NAME, DISK_RECORD_LIMIT, &text, &size, &failure);

	if (r == -ENOENT)
		return r;
	if (r < 0) {
		*err = failure;
		return r;
	}
	return disk_record_decode(arena, text, size, ret, err);
}

/* One without a record is what a kill has left of one that never was. */
static int open_disk(const char *path, int operation, struct disk *ret, struct error *err)
{
	scoped_disk disk = DISK_NONE;
	int r = disk_open_locked(&disk, path, operation, err);

	if (r == 0) {
		r = disk_read_record(disk.fd, &disk.arena, &disk.record, err);
		if (r < 0 && r != -ENOENT)
			r = error_wrap(err, "%s", path);
	}
	if (r < 0)
		return r;
	*ret = disk;
	disk = (struct disk)DISK_NONE;
	return 0;
}

int disk_open(const char *path, bool exclusive, struct disk *ret, struct error *err)
{
	return open_disk(path, exclusive ? LOCK_EX : LOCK_SH, ret, err);
}

int disk_try_open(const char *path, struct disk *ret, struct error *err)
{
	return open_disk(path, LOCK_EX | LOCK_NB, ret, err);
}

int disk_open_of(int entry_fd, bool exclusive, struct disk *ret, struct error *err)
{
	char path[PATH_MAX];
	int r = disk_link_read(entry_fd, path, err);

	return r < 0 ? r : disk_open(path, exclusive, ret, err);
}

/* --- Making --- */

static int make_store(const char *path, struct error *err)
{
	char store[PATH_MAX];
	int r = split(path, store, err);

	if (r < 0)
		return r;
	for (char *slash = strchr(store + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(store, 0711) < 0 && errno != EEXIST)
			return error_errno(err, "store: mkdir %s", store);
		*slash = '/';
	}
	/* Root's containers may run as anybody: they have to get through to their roots. */
	if (mkdir(store, 0711) < 0 && errno != EEXIST)
		return error_errno(err, "store: mkdir %s", store);

	scoped_fd fd = open(store, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(store_names); i++)
		if (mkdirat(fd, store_names[i], 0711) < 0 && errno != EEXIST)
			return error_errno(err, "store: mkdir %s/%s", store, store_names[i]);
	return fd < 0 ? error_errno(err, "store %s", store) : 0;
}

int disk_make(const char *path, struct disk *ret, struct error *err)
{
	enum { TURNS = 16 };
	int r = -ENOENT;

	for (int turn = 0; turn < TURNS && r == -ENOENT; turn++) {
		scoped_disk disk = DISK_NONE;

		if (mkdir(path, 0711) < 0 && errno != EEXIST) {
			if (errno != ENOENT)
				return error_errno(err, "mkdir %s", path);
			r = make_store(path, err);
			if (r < 0)
				return r;
			r = -ENOENT;
			continue;
		}
		/* Until it is locked another command may take it for remains. */
		r = disk_open_locked(&disk, path, LOCK_EX, err);
		if (r == 0 && faccessat(disk.fd, DISK_RECORD_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return -EEXIST;
		if (r == 0 && mkdirat(disk.fd, "root", 0755) < 0 && errno != EEXIST)
			r = error_errno(err, "mkdir %s/root", path);
		if (r == 0) {
			*ret = disk;
			disk = (struct disk)DISK_NONE;
		}
	}
	return r == -ENOENT ? error_code(err, ENOENT, "%s", path) : r;
}

int disk_write(const struct disk *disk, struct error *err)
{
	scoped_str text = disk_record_encode(&disk->record);

	if (!text)
		return error_code(err, ENOMEM, "%s/" DISK_RECORD_NAME, disk->path);
	return file_write_atomic(disk->fd, DISK_RECORD_NAME, 0600, text, strlen(text), err);
}

int disk_list_join(struct disk *disk, const char *first, const struct string_list *rest,
                   struct string_list *ret, struct error *err)
{
	struct string_list list = {0};

	list.items = arena_alloc(&disk->arena, rest->count + 1, sizeof(*list.items));
	if (!list.items)
		return error_code(err, ENOMEM, "layers");
	if (first) {
		list.items[list.count++] = arena_strdup(&disk->arena, first);
		if (!list.items[0])
			return error_code(err, ENOMEM, "layers");
	}
	/* The strings may be of another record. */
	for (size_t i = 0; i < rest->count; i++) {
		list.items[list.count] = arena_strdup(&disk->arena, rest->items[i]);
		if (!list.items[list.count++])
			return error_code(err, ENOMEM, "layers");
	}
	*ret = list;
	return 0;
}

/* --- Names --- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int disk_list_names(int store_fd, const char *folder, struct names *ret, struct error *err)
{
	scoped_fd fd = openat(store_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret = (struct names){0};
	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "store: %s", folder);
	return names_read(fd, ret, err);
}

int disk_names(const char *store, enum disk_kind kind, char ***ret, size_t *ret_count,
               struct error *err)
{
	struct names names = {0};
	scoped_fd fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? (errno == ENOENT ? 0 : error_errno(err, "store %s", store))
	               : disk_list_names(fd, disk_kind_names[kind], &names, err);
	char **list = calloc(names.count + 1, sizeof(*list));
	size_t count = 0;

	if (r < 0 || !list) {
		free(list);
		names_done(&names);
		return r < 0 ? r : error_code(err, ENOMEM, "store %s", store);
	}
	for (size_t i = 0; i < names.count; i++)
		if (disk_name_valid(names.items[i])) {
			list[count++] = names.items[i];
			names.items[i] = NULL;
		}
	names_done(&names);
	qsort(list, count, sizeof(*list), compare_names);
	*ret = list;
	*ret_count = count;
	return 0;
}
