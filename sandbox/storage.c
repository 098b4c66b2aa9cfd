#include "sandbox/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "rootfs/layer.h"

static const char layers_name[] = "layers", image_name[] = "disk.img", once_name[] = "once";
static const struct stat private = {.st_mode = 0700};

const char *const storage_bound_names[] = {"none", "tmpfs", "image", "quota"};

void storage_done(struct storage *storage)
{
	struct error ignored;

	if (storage->once_is_ours && storage->kept_fd >= 0)
		(void)!layer_remove(storage->kept_fd, once_name, &ignored);
	fd_close(&storage->once_fd);
	fd_close(&storage->kept_fd);
	fd_close(&storage->place_fd);
}

/* --- Places --- */

static int open_directory(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int path_of(int fd, char ret[static PATH_MAX], struct error *err)
{
	char link[FD_PATH_SIZE];
	ssize_t size = readlink(fd_path(fd, link), ret, PATH_MAX - 1);

	if (size < 0)
		return error_errno(err, "path of a directory");
	ret[size] = '\0';
	return 0;
}

/* Opens what is there, or makes it for ourselves alone. */
static int enter_directory(int at, const char *name, struct error *err)
{
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "make %s", name);

	int fd = open_directory(at, name);

	return fd < 0 ? error_errno(err, "open %s", name) : fd;
}

static int set_once(struct storage *storage, int fd, struct error *err)
{
	static const struct stat open_to_all = {.st_mode = 0711};
	int r = 0;

	storage->once_fd = fd;
	if (fd < 0)
		return error_errno(err, "directory of this run");
	r = path_of(fd, storage->once, err);
	if (r == 0)
		r = scratch_directory(storage->scratch, fd, "u", &open_to_all, err);
	return r < 0 ? r : scratch_directory(storage->scratch, fd, "w", &open_to_all, err);
}

static int once_in_scratch(struct storage *storage, struct error *err)
{
	return set_once(storage, fcntl(storage->scratch->fd, F_DUPFD_CLOEXEC, 3), err);
}

/* Within the bound of what is kept; what a run that was killed has left goes first. */
static int once_in_kept(struct storage *storage, struct error *err)
{
	int r = layer_remove(storage->kept_fd, once_name, err);
	int fd = r < 0 ? r : enter_directory(storage->kept_fd, once_name, err);

	if (fd < 0)
		return fd;
	storage->once_is_ours = true;
	return set_once(storage, fd, err);
}

/* --- Without --keep --- */

static bool is_beyond_memory(uint64_t limit)
{
	struct sysinfo info;

	return sysinfo(&info) == 0 && limit > (uint64_t)info.totalram * info.mem_unit / 2;
}

static int make_nameless_image(const struct scratch *scratch, uint64_t size, struct error *err)
{
	scoped_fd file = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (file < 0)
		return error_errno(err, "file for an image in /var/tmp");

	int r = image_format(file, size, false, err);

	return r < 0 ? r : image_mount(scratch, file, "disk", err);
}

static int make_discarded(struct storage *storage, uint64_t limit, struct arena *arena,
                          const char **ret_note, struct error *err)
{
	struct error why;
	int fd = -1;

	storage->bound = STORAGE_TMPFS;
	if (!limit || !is_beyond_memory(limit))
		return once_in_scratch(storage, err);
	fd = make_nameless_image(storage->scratch, limit, &why);
	if (fd >= 0) {
		storage->bound = STORAGE_IMAGE;
		return set_once(storage, fd, err);
	}
	*ret_note = arena_format(
		arena, "--disk is more than half of the memory, and lies in it: %s", why.text);
	return *ret_note ? once_in_scratch(storage, err) : error_code(err, ENOMEM, "--disk");
}

/* --- With --keep --- */

/* Its owner alone decides what later runs see. */
static int open_place(struct storage *storage, const char *path, struct error *err)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "make it");
	storage->place_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (storage->place_fd < 0 || fstat(storage->place_fd, &st) < 0)
		return error_errno(err, "open it");
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return error_set(err, EPERM, "others own it or may write to it");
	if (flock(storage->place_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? error_set(err, EBUSY, "another sandbox is using it")
		                            : error_errno(err, "lock it");
	return path_of(storage->place_fd, storage->place, err);
}

static int set_kept(struct storage *storage, int fd, struct error *err)
{
	storage->kept_fd = fd;
	return fd < 0 ? fd : path_of(fd, storage->kept, err);
}

/* The image appears when it is whole. */
static int make_image(const struct storage *storage, uint64_t size, struct error *err)
{
	static const char half[] = "disk.img.new";
	scoped_fd file = openat(storage->place_fd, half,
	                        O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (file < 0)
		return error_errno(err, "make %s", half);

	int r = image_format(file, size, true, err);

	if (r == 0 && renameat(storage->place_fd, half, storage->place_fd, image_name) < 0)
		r = error_errno(err, "name the image");
	if (r < 0)
		(void)unlinkat(storage->place_fd, half, 0);
	return r;
}

static int use_image(struct storage *storage, uint64_t limit, struct error *err)
{
	scoped_fd file = openat(storage->place_fd, image_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (file < 0 || fstat(file, &st) < 0)
		return error_errno(err, "open %s", image_name);
	if (limit && (uint64_t)st.st_size != limit)
		return error_set(err, EINVAL,
		                 "its image has %lld bytes, which --disk cannot change",
		                 (long long)st.st_size);
	storage->bound = STORAGE_IMAGE;
	return set_kept(storage, image_mount(storage->scratch, file, "disk", err), err);
}

static int use_directory(struct storage *storage, uint64_t limit, bool best_effort,
                         struct error *err)
{
	int r = set_kept(storage, enter_directory(storage->place_fd, layers_name, err), err);

	if (r < 0)
		return r;
	if (quota_is_there(storage->kept_fd)) {
		storage->bound = STORAGE_QUOTA;
		return limit ? quota_change(storage->kept_fd, limit, err) : 0;
	}
	if (limit && !best_effort)
		return error_set(err, EINVAL, "it was begun without --disk");
	return 0;
}

/* Whichever the host gives; an error says why neither. */
static int begin_bounded(struct storage *storage, uint64_t limit, struct error *err)
{
	struct error quota;
	scoped_fd layers = enter_directory(storage->place_fd, layers_name, err);

	if (layers < 0)
		return layers;
	if (quota_begin(layers, limit, &quota) == 0) {
		storage->bound = STORAGE_QUOTA;
		return set_kept(storage, fd_take(&layers), err);
	}
	(void)unlinkat(storage->place_fd, layers_name, AT_REMOVEDIR);

	int r = make_image(storage, limit, err);

	if (r == 0)
		r = use_image(storage, limit, err);
	if (r < 0) {
		(void)unlinkat(storage->place_fd, image_name, 0);
		error_wrap(err, "--disk cannot be enforced here: %s; image", quota.text);
	}
	return r;
}

static int make_kept(struct storage *storage, const struct sandbox_options *options,
                     struct arena *arena, const char **ret_note, struct error *err)
{
	const uint64_t limit = options->disk_limit;
	int r = open_place(storage, options->keep, err);

	if (r < 0)
		return r;
	if (faccessat(storage->place_fd, image_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		r = use_image(storage, limit, err);
	} else if (!limit || faccessat(storage->place_fd, layers_name, F_OK, 0) == 0) {
		r = use_directory(storage, limit, options->best_effort, err);
	} else {
		r = begin_bounded(storage, limit, err);
		if (r < 0 && options->best_effort)
			r = use_directory(storage, limit, true, err);
	}
	if (r < 0)
		return r;
	if (limit && storage->bound == STORAGE_FREE) {
		*ret_note = arena_strdup(arena, "--disk does not bound what --keep keeps");
		if (!*ret_note)
			return error_code(err, ENOMEM, "--keep");
	}
	return storage->bound == STORAGE_FREE ? once_in_scratch(storage, err)
	                                      : once_in_kept(storage, err);
}

int storage_make(struct storage *ret, const struct scratch *scratch,
                 const struct sandbox_options *options, struct arena *arena, const char **ret_note,
                 struct error *err)
{
	int r = 0;

	*ret_note = NULL;
	ret->scratch = scratch;
	if (!options->keep)
		return make_discarded(ret, options->disk_limit, arena, ret_note, err);
	r = make_kept(ret, options, arena, ret_note, err);
	return r < 0 ? error_wrap(err, "--keep %s", options->keep) : 0;
}

/* --- Directories in it --- */

static void name_kept(const char *target, const char *source, char ret[static SHA256_HEX_SIZE])
{
	enum { NAME_LENGTH = 32 };
	unsigned char digest[SHA256_SIZE];
	struct sha256 hash;

	sha256_begin(&hash);
	sha256_add(&hash, target, strlen(target) + 1);
	sha256_add(&hash, source, strlen(source));
	sha256_end(&hash, digest);
	(void)sha256_hex(digest, ret);
	ret[NAME_LENGTH] = '\0';
}

static int enter_kept(const struct storage *storage, const char *target, const char *source,
                      const char *name, struct error *err)
{
	scoped_fd fd = enter_directory(storage->kept_fd, name, err);

	if (fd < 0)
		return error_wrap(err, "--keep");
	if ((symlinkat(target, fd, "target") < 0 && errno != EEXIST) ||
	    (symlinkat(source, fd, "over") < 0 && errno != EEXIST))
		return error_errno(err, "--keep: layer of %s", target);
	return fd_take(&fd);
}

/* A kept one stays as it is. */
static int make_once(const struct storage *storage, int at, const char *name,
                     const struct stat *like, struct error *err)
{
	if (faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	return scratch_directory(storage->scratch, at, name, like, err);
}

static int kept_layer(struct storage *storage, struct arena *arena, const char *source,
                      const char *target, const struct stat *like, struct storage_layer *ret,
                      struct error *err)
{
	char name[SHA256_HEX_SIZE];

	name_kept(target, source, name);

	scoped_fd fd = enter_kept(storage, target, source, name, err);

	if (fd < 0)
		return fd;

	int r = make_once(storage, fd, "upper", like, err);

	if (r == 0)
		r = make_once(storage, fd, "work", &private, err);
	if (r < 0)
		return r;
	ret->upper = arena_format(arena, "%s/%s/upper", storage->kept, name);
	ret->work = arena_format(arena, "%s/%s/work", storage->kept, name);
	return ret->upper && ret->work ? 0 : error_code(err, ENOMEM, "layer of %s", target);
}

int storage_layer(struct storage *storage, struct arena *arena, const char *source,
                  const char *target, const struct stat *like, struct storage_layer *ret,
                  struct error *err)
{
	const unsigned int number = storage->count;
	char name[16];

	if (storage->kept_fd >= 0)
		return kept_layer(storage, arena, source, target, like, ret, err);
	(void)snprintf(name, sizeof(name), "u/%u", number);

	int r = scratch_directory(storage->scratch, storage->once_fd, name, like, err);

	name[0] = 'w';
	if (r == 0)
		r = scratch_directory(storage->scratch, storage->once_fd, name, &private, err);
	if (r < 0)
		return r;
	storage->count++;
	ret->upper = arena_format(arena, "%s/u/%u", storage->once, number);
	ret->work = arena_format(arena, "%s/w/%u", storage->once, number);
	return ret->upper && ret->work ? 0 : error_code(err, ENOMEM, "layer of %s", target);
}

int storage_directory(struct storage *storage, struct arena *arena, const char *target, mode_t mode,
                      bool keep, const char **ret_path, struct error *err)
{
	const struct stat like = {.st_mode = mode};
	struct storage_layer layer = {0};
	char name[16];
	int r = 0;

	if (keep && storage->kept_fd >= 0) {
		r = kept_layer(storage, arena, target, target, &like, &layer, err);
		*ret_path = layer.upper;
		return r;
	}
	(void)snprintf(name, sizeof(name), "u/%u", storage->count);
	r = scratch_directory(storage->scratch, storage->once_fd, name, &like, err);
	if (r < 0)
		return r;
	storage->count++;
	*ret_path = arena_format(arena, "%s/%s", storage->once, name);
	return *ret_path ? 0 : error_code(err, ENOMEM, "directory for %s", target);
}

/* --- Fullness --- */

/* A file system on a device refuses before its last block: what it needs itself is set aside. */
static uint64_t blocks_set_aside(const struct statvfs *fs)
{
	enum { SHARE = 64, MOST = 1 << 20 };
	uint64_t most = MOST / fs->f_frsize;

	return fs->f_blocks / SHARE < most ? fs->f_blocks / SHARE : most;
}

static bool is_full(int fd, bool device)
{
	struct statvfs fs;

	if (fd < 0 || fstatvfs(fd, &fs) < 0 || fs.f_blocks == 0)
		return false;
	return fs.f_bavail <= (device ? blocks_set_aside(&fs) : 0) ||
	       (fs.f_files > 0 && fs.f_ffree == 0);
}

bool storage_is_full(const struct storage *storage)
{
	bool device = storage->bound == STORAGE_IMAGE || storage->bound == STORAGE_QUOTA;

	return is_full(storage->once_fd, device) || is_full(storage->kept_fd, device);
}
