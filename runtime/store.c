#include "runtime/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/disk.h"
#include "runtime/notify.h"

struct store {
	int fd;
	char boot_id[BOOT_ID_SIZE]; /* "" until somebody asks */
};

static const char cache_name[] = ".seccomp";

void store_close(struct store **store)
{
	if (!*store)
		return;
	fd_close(&(*store)->fd);
	free(*store);
	*store = NULL;
}

int store_fd(const struct store *store)
{
	return store->fd;
}

uint64_t store_number(const struct store *store)
{
	struct stat st;

	return fstat(store->fd, &st) < 0 ? 0 : (uint64_t)st.st_dev << 40 ^ (uint64_t)st.st_ino;
}

const char *store_boot_id(struct store *store)
{
	struct error ignored;

	if (!store->boot_id[0] && process_boot_id(store->boot_id, &ignored) < 0)
		return NULL;
	return store->boot_id;
}

bool store_is_this_boot(struct store *store, const char *boot_id)
{
	const char *present = boot_id ? store_boot_id(store) : NULL;

	return !present || str_equal(boot_id, present);
}

bool store_id_valid(const char *id)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
	size_t length = strnlen(id, NAME_MAX + 1);

	return length > 0 && length <= NAME_MAX && id[0] != '.' && strspn(id, allowed) == length;
}

static int check_id(const char *id, struct error *err)
{
	if (store_id_valid(id))
		return 0;
	return error_set(err, EINVAL,
	                 "invalid container id \"%.64s\": letters, digits and _+-. are allowed, "
	                 "not a leading dot, at most 255 characters",
	                 id);
}

int store_open(const char *path, struct store **ret, struct error *err)
{
	scoped_fd fd = store_open_root(path, err);

	if (fd < 0)
		return fd;

	struct store *store = malloc(sizeof(*store));

	if (!store)
		return error_code(err, ENOMEM, "state root");
	*store = (struct store){.fd = fd_take(&fd)};
	*ret = store;
	return 0;
}

int store_open_cache(const struct store *store)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(store->fd, cache_name, flags);

	if (fd < 0 && errno == ENOENT && mkdirat(store->fd, cache_name, 0700) == 0)
		fd = openat(store->fd, cache_name, flags);
	return fd;
}

static void entry_init(struct store_entry *entry, struct store *store, const char *id)
{
	*entry = (struct store_entry){.store = store, .fd = -1, .journal_fd = -1};
	(void)snprintf(entry->id, sizeof(entry->id), "%s", id);
}

void store_entry_unlock(struct store_entry *entry)
{
	if (entry->locked)
		(void)flock(entry->fd, LOCK_UN);
	entry->locked = false;
}

void store_entry_done(struct store_entry *entry)
{
	store_entry_unlock(entry);
	fd_close(&entry->journal_fd);
	fd_close(&entry->fd);
}

struct store_entry store_entry_take(struct store_entry *entry)
{
	struct store_entry taken = *entry;

	entry->fd = entry->journal_fd = -1;
	entry->locked = false;
	return taken;
}

static int not_there(struct error *err)
{
	return error_set(err, ENOENT, "container does not exist");
}

int store_open_entry(struct store *store, const char *id, struct store_entry *ret,
                     struct error *err)
{
	int r = check_id(id, err);

	if (r < 0)
		return r;
	entry_init(ret, store, id);
	ret->fd = openat(store->fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ret->fd < 0 && errno == ENOENT)
		return not_there(err);
	if (ret->fd < 0)
		return error_errno(err, "open state directory");
	return 0;
}

/* The directory may have been removed while we waited for its lock. */
static int check_still_there(const struct store_entry *entry, struct error *err)
{
	struct stat st;

	if (fstat(entry->fd, &st) < 0)
		return error_errno(err, "stat state directory");
	return st.st_nlink == 0 ? not_there(err) : 0;
}

static int lock_entry(struct store_entry *entry, int operation, struct error *err)
{
	int r = 0;

	do
		r = flock(entry->fd, operation);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EWOULDBLOCK)
		return -EWOULDBLOCK;
	if (r < 0)
		return error_errno(err, "lock state directory");
	entry->locked = true;
	return check_still_there(entry, err);
}

int store_entry_relock(struct store_entry *entry, struct error *err)
{
	return lock_entry(entry, LOCK_EX, err);
}

static int open_locked(struct store *store, const char *id, int operation, struct store_entry *ret,
                       struct error *err)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	int r = store_open_entry(store, id, &entry, err);

	if (r < 0)
		return r;
	r = lock_entry(&entry, operation, err);
	if (r < 0)
		return r;
	*ret = store_entry_take(&entry);
	return 0;
}

int store_lock(struct store *store, const char *id, struct store_entry *ret, struct error *err)
{
	return open_locked(store, id, LOCK_EX, ret, err);
}

int store_try_lock(struct store *store, const char *id, struct store_entry *ret, struct error *err)
{
	return open_locked(store, id, LOCK_EX | LOCK_NB, ret, err);
}

/* Whether the entry was written before the machine last started: nothing of it can be alive. */
static bool is_of_earlier_boot(const struct store_entry *entry)
{
	scoped_arena arena = {0};
	struct journal journal;
	struct error ignored;

	return journal_read(entry->fd, &arena, &journal, &ignored) == 0 &&
	       !store_is_this_boot(entry->store, journal.boot_id);
}

/* Frees an id that is held by a record of an earlier boot; −EEXIST when it is rightly held. */
static int remove_stale(struct store *store, const char *id, struct error *err)
{
	scoped_store_entry entry = {.fd = -1, .journal_fd = -1};
	struct error ignored;

	if (store_try_lock(store, id, &entry, &ignored) < 0 || !is_of_earlier_boot(&entry))
		return error_set(err, EEXIST, "container with id exists");
	return store_remove(&entry, err);
}

static int reserve_once(struct store *store, const char *id, struct store_entry *ret,
                        struct error *err)
{
	int r = 0;

	if (mkdirat(store->fd, id, 0700) < 0) {
		if (errno != EEXIST)
			return error_errno(err, "make state directory");
		r = remove_stale(store, id, err);
		if (r < 0)
			return r;
		if (mkdirat(store->fd, id, 0700) < 0)
			return error_errno(err, "make state directory");
	}
	return store_lock(store, id, ret, err);
}

int store_reserve(struct store *store, const char *id, struct store_entry *ret, struct error *err)
{
	enum { TURNS = 16 };
	int r = check_id(id, err);

	if (r < 0)
		return r;
	/* Until it is locked, gc takes the new directory for one that a killed command left. */
	for (int i = 0; i < TURNS; i++) {
		r = reserve_once(store, id, ret, err);
		if (r != -ENOENT)
			return r;
	}
	return r;
}

/* Removes a name; −errno, but 0 when it is not there. */
static int remove_name(int dirfd, const char *name)
{
	return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static const char *const own_names[] = {RECORD_NAME, CONFIG_NAME, START_SOCKET_NAME};

static bool is_own_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_names); i++)
		if (str_equal(name, own_names[i]))
			return true;
	return str_equal(name, ".") || str_equal(name, "..") || str_equal(name, JOURNAL_NAME) ||
	       str_equal(name, NOTIFY_NAME) || str_equal(name, PROCESS_LINK_NAME) ||
	       str_equal(name, DISK_LINK_NAME) || str_equal(name, TRACKED_NAME) ||
	       (name[0] == '.' && str_ends(name, ".tmp"));
}

bool store_is_container(const struct store_entry *entry)
{
	bool ours = true;

	if (faccessat(entry->fd, JOURNAL_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;

	int copy = openat(entry->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);

	if (!directory) {
		fd_close(&copy);
		return false;
	}
	for (struct dirent *e = readdir(directory); e && ours; e = readdir(directory))
		ours = is_own_name(e->d_name);
	(void)closedir(directory);
	return ours;
}

/* What of it lies in the store; a container without that costs nothing here. */
static int remove_disk(int entry_fd, struct error *err)
{
	char path[PATH_MAX];
	int r = disk_link_read(entry_fd, path, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = disk_discard(path, false, err);
	return r < 0 ? r : remove_name(entry_fd, DISK_LINK_NAME);
}

/* Everything but the journal: temporary files that a killed command left. */
static int remove_strangers(int dirfd)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	int r = 0;

	if (!directory) {
		r = -errno;
		fd_close(&copy);
		return r;
	}
	for (struct dirent *e = readdir(directory); e && r == 0; e = readdir(directory))
		if (!str_equal(e->d_name, ".") && !str_equal(e->d_name, "..") &&
		    !str_equal(e->d_name, JOURNAL_NAME))
			r = remove_name(dirfd, e->d_name);
	(void)closedir(directory);
	return r;
}

int store_remove(struct store_entry *entry, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(own_names) && r == 0; i++)
		r = remove_name(entry->fd, own_names[i]);
	if (r == 0)
		r = remove_name(entry->fd, JOURNAL_NAME);
	if (r == 0 && unlinkat(entry->store->fd, entry->id, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		r = errno == ENOTEMPTY || errno == EEXIST ? 0 : -errno;
		if (r == 0 && remove_disk(entry->fd, err) < 0)
			return error_wrap(err, "remove state");
		notify_remove(entry->fd);
		if (r == 0)
			r = remove_strangers(entry->fd);
		if (r == 0 && unlinkat(entry->store->fd, entry->id, AT_REMOVEDIR) < 0)
			r = -errno;
	}
	return r < 0 ? error_code(err, -r, "remove state") : 0;
}

int store_read_record(int entry_fd, struct arena *arena, struct record *ret, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	struct error failure;
	int r = file_read(entry_fd, RECORD_NAME, RECORD_SIZE_LIMIT, &text, &size, &failure);

	if (r == -ENOENT)
		return r;
	if (r < 0) {
		*err = failure;
		return r;
	}
	return record_decode(arena, text, size, ret, err);
}

int store_write_record(int entry_fd, const struct record *record, struct error *err)
{
	scoped_str text = record_encode(record);

	if (!text)
		return error_code(err, ENOMEM, "write record");
	if (strlen(text) > RECORD_SIZE_LIMIT)
		return error_set(err, EFBIG,
		                 "write record: larger than %d bytes (annotations are part of it)",
		                 RECORD_SIZE_LIMIT);
	return file_write_atomic(entry_fd, RECORD_NAME, 0600, text, strlen(text), err);
}

/* --- The configuration --- */

#define NEXT_CONFIG_NAME ".config.json.next.tmp"

int store_prepare_config(int entry_fd, const char *text, size_t size, struct error *err)
{
	return file_write_atomic(entry_fd, NEXT_CONFIG_NAME, 0600, text, size, err);
}

int store_commit_config(int entry_fd, struct error *err)
{
	if (renameat(entry_fd, NEXT_CONFIG_NAME, entry_fd, CONFIG_NAME) < 0)
		return error_errno(err, "replace the configuration");
	return 0;
}

void store_drop_config(int entry_fd)
{
	(void)unlinkat(entry_fd, NEXT_CONFIG_NAME, 0);
}
