/* What the program changed in the host's directories: the upper layers, read as overlayfs writes them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sandbox/outputs.h"

enum { DEPTH_LIMIT = 128 };

/* The list lies in our own memory, which no limit of the sandbox bounds. */
static const uint64_t names_limit = 256ULL << 20;

void changes_done(struct changes *changes)
{
	free(changes->items);
	arena_done(&changes->arena);
	*changes = (struct changes){0};
}

const char *change_letter(enum change_kind kind)
{
	static const char *const letters[] = {"A", "M", "D"};

	return letters[kind];
}

static int add(struct changes *changes, enum change_kind kind, const char *path, struct error *err)
{
	if (changes->count == changes->capacity) {
		size_t wanted = changes->capacity ? changes->capacity * 2 : 64;
		struct change *grown = realloc(changes->items, wanted * sizeof(*grown));

		if (!grown)
			return error_code(err, ENOMEM, "list of changes");
		changes->items = grown;
		changes->capacity = wanted;
	}
	changes->items[changes->count++] = (struct change){kind, path};
	return 0;
}

/* A directory in both layers. */
struct level {
	int upper;
	int lower; /* −1: there is none, or it is covered */
	const char *path;
	unsigned int depth;
	bool overlay; /* a plain directory has no whiteouts, whatever the program writes there */
};

/* overlayfs.rst: a character device 0:0, or an empty file with the attribute. */
static bool is_whiteout(int dir, const char *name, const struct stat *st)
{
	char path[FD_PATH_SIZE + NAME_MAX + 2], directory[FD_PATH_SIZE];

	if (S_ISCHR(st->st_mode))
		return st->st_rdev == makedev(0, 0);
	if (!S_ISREG(st->st_mode) || st->st_size != 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", fd_path(dir, directory), name);
	return lgetxattr(path, "user.overlay.whiteout", NULL, 0) >= 0;
}

static bool is_opaque(int fd)
{
	char value = 0;

	return fgetxattr(fd, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static int walk(struct changes *changes, const struct level *level, struct error *err);

static int walk_directory(struct changes *changes, const struct level *parent, const char *name,
                          const char *path, bool existed, struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	scoped_fd upper = openat(parent->upper, name, flags);
	scoped_fd lower = existed ? openat(parent->lower, name, flags) : -1;
	struct level level = {
		.path = path,
		.depth = parent->depth + 1,
		.overlay = parent->overlay,
	};
	int r = existed ? 0 : add(changes, CHANGE_ADDED, path, err);

	if (r < 0 || upper < 0 || level.depth >= DEPTH_LIMIT)
		return r;
	level.upper = fd_take(&upper);
	level.lower = level.overlay && is_opaque(level.upper) ? -1 : lower;
	if (existed && level.lower < 0)
		r = add(changes, CHANGE_MODIFIED, path, err);
	if (r == 0)
		return walk(changes, &level, err);
	(void)close(level.upper);
	return r;
}

static int look_at(struct changes *changes, const struct level *level, const char *name,
                   struct error *err)
{
	const char *path =
		arena_format(&changes->arena, "%s/%s", level->path[1] ? level->path : "", name);
	struct stat st, old;
	bool existed = false;

	if (!path)
		return error_code(err, ENOMEM, "list of changes");
	changes->names += strlen(path) + sizeof(struct change);
	if (changes->names > names_limit)
		return error_set(err, E2BIG, "more changes than can be listed, up to %s", path);
	if (fstatat(level->upper, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	existed = level->lower >= 0 && fstatat(level->lower, name, &old, AT_SYMLINK_NOFOLLOW) == 0;
	if (level->overlay && is_whiteout(level->upper, name, &st))
		return existed ? add(changes, CHANGE_DELETED, path, err) : 0;
	if (S_ISDIR(st.st_mode))
		return walk_directory(changes, level, name, path, existed && S_ISDIR(old.st_mode),
		                      err);
	return add(changes, existed ? CHANGE_MODIFIED : CHANGE_ADDED, path, err);
}

/* Takes level->upper over. */
static int walk(struct changes *changes, const struct level *level, struct error *err)
{
	DIR *directory = fdopendir(level->upper);
	int r = 0;

	if (!directory) {
		(void)close(level->upper);
		return error_errno(err, "read the layer of %s", level->path);
	}
	while (r == 0) {
		const struct dirent *entry = readdir(directory);

		if (!entry)
			break;
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			r = look_at(changes, level, entry->d_name, err);
	}
	(void)closedir(directory);
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->path, ((const struct change *)b)->path);
}

int changes_find(const struct view *view, struct changes *ret, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < view->mount_count; i++) {
		const struct view_mount *mount = &view->mounts[i];

		if (!mount->upper)
			continue;

		scoped_fd lower = open(mount->lower, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		const struct level level = {
			.upper = open(mount->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			.lower = lower,
			.path = mount->target,
			.overlay = str_equal(mount->type, "overlay"),
		};

		r = level.upper < 0 ? error_errno(err, "open the layer of %s", mount->target)
		                    : walk(ret, &level, err);
	}
	if (r == 0 && ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	return r;
}
