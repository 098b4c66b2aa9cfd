#include "rootfs/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"

enum {
	LINKS_MAX = 40,  /* as the kernel's limit for one look-up */
	RACES_MAX = 128, /* openat2 says EAGAIN while something is renamed beside it */
	PARENT_MODE = 0755,
};

void path_clean(char *path)
{
	char *out = path;
	const char *in = path;

	while (*in) {
		size_t size = strcspn(in, "/");

		if (size == 2 && !strncmp(in, "..", 2)) {
			while (out > path && *--out != '/')
				;
		} else if (size && !(size == 1 && *in == '.')) {
			if (out > path)
				*out++ = '/';
			memmove(out, in, size);
			out += size;
		}
		in += size;
		in += strspn(in, "/");
	}
	*out = '\0';
}

int path_try_open(int root_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	for (int i = 0; i < RACES_MAX; i++) {
		int fd = sys_openat2(root_fd, *path ? path : "/", flags | O_CLOEXEC, 0,
		                     RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);

		if (fd >= 0)
			return fd;
		if (errno != EAGAIN)
			return -errno;
	}
	return -EAGAIN;
}

int path_open(int root_fd, const char *path, uint64_t flags, mode_t mode, struct error *err)
{
	int fd;

	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {
		fd = sys_openat2(root_fd, path, flags | O_CLOEXEC, mode,
		                 RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
		if (fd < 0)
			fd = -errno;
	} else {
		fd = path_try_open(root_fd, path, flags, 0);
	}
	if (fd < 0)
		return error_code(err, -fd, "open %s", path);
	return fd;
}

/*
 * A walk that makes what is missing. `done` is the part that is open as `dir`, free of links; `rest`
 * is what is still to go, into which the text of links is put. Both are bounded: a chain of links
 * that grows beyond PATH_MAX is ENAMETOOLONG.
 */
struct walk {
	int root;
	int dir;
	bool file; /* the last component shall be a file */
	mode_t mode;
	unsigned int links;
	size_t done_length;
	char done[PATH_MAX];
	char rest[PATH_MAX];
	char link[PATH_MAX];
};

static int walk_to_done(struct walk *w)
{
	int fd = path_try_open(w->root, w->done, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);

	if (fd < 0)
		return fd;
	fd_close(&w->dir);
	w->dir = fd;
	return 0;
}

static int walk_up(struct walk *w)
{
	char *slash = strrchr(w->done, '/');

	w->done_length = slash ? (size_t)(slash - w->done) : 0;
	w->done[w->done_length] = '\0';
	return walk_to_done(w);
}

/* The text of the link `name` takes its place before the rest. */
static int walk_link(struct walk *w, const char *name, const char *after)
{
	ssize_t size = readlinkat(w->dir, name, w->link, sizeof(w->link));
	size_t after_size = strlen(after);

	if (size < 0)
		return errno == EINVAL ? -ENOTDIR : -errno;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if ((size_t)size + 1 + after_size >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memmove(w->rest + size + 1, after, after_size + 1);
	memcpy(w->rest, w->link, (size_t)size);
	w->rest[size] = '/';
	if (!after_size)
		w->rest[size] = '\0';
	if (w->link[0] != '/')
		return 0;
	w->done_length = 0;
	w->done[0] = '\0';
	return walk_to_done(w);
}

static int walk_enter_dir(struct walk *w, const char *name, const char *after)
{
	size_t size = strlen(name);
	int fd = -1;

	for (int made = 0; made < 2; made++) {
		fd = path_try_open(w->dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW,
		                   RESOLVE_NO_SYMLINKS);
		if (fd != -ENOENT)
			break;
		if (mkdirat(w->dir, name, *after || w->file ? PARENT_MODE : w->mode) &&
		    errno != EEXIST)
			return -errno;
	}
	if (fd == -ELOOP || fd == -ENOTDIR)
		return walk_link(w, name, after);
	if (fd < 0)
		return fd;
	fd_close(&w->dir);
	w->dir = fd;
	if (w->done_length + size + 2 > sizeof(w->done))
		return -ENAMETOOLONG;
	if (w->done_length)
		w->done[w->done_length++] = '/';
	memcpy(w->done + w->done_length, name, size + 1);
	w->done_length += size;
	memmove(w->rest, after, strlen(after) + 1);
	return 0;
}

/* The last component of a file: 1 with the file in w->dir, 0 after a link, −errno. */
static int walk_enter_file(struct walk *w, const char *name)
{
	struct stat st;
	int fd;

	if (mknodat(w->dir, name, S_IFREG | w->mode, 0) && errno != EEXIST)
		return -errno;
	fd = path_try_open(w->dir, name, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) || S_ISLNK(st.st_mode)) {
		fd_close(&fd);
		return walk_link(w, name, "");
	}
	if (S_ISDIR(st.st_mode)) {
		fd_close(&fd);
		return -EISDIR;
	}
	fd_close(&w->dir);
	w->dir = fd;
	return 1;
}

/* One component; 1 when the walk is over. */
static int walk_step(struct walk *w)
{
	char name[NAME_MAX + 1];
	size_t start = strspn(w->rest, "/");
	size_t size = strcspn(w->rest + start, "/");
	const char *after = w->rest + start + size;

	if (!size)
		return w->file ? -EISDIR : 1;
	if (size > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, w->rest + start, size);
	name[size] = '\0';
	after += strspn(after, "/");
	if (!strcmp(name, ".") || !strcmp(name, "..")) {
		memmove(w->rest, after, strlen(after) + 1);
		return size == 1 ? 0 : walk_up(w);
	}
	return w->file && !*after ? walk_enter_file(w, name) : walk_enter_dir(w, name, after);
}

int path_open_made(int root_fd, const char *path, mode_t mode, bool file, bool *linked,
                   struct error *err)
{
	struct walk w = {.root = root_fd, .dir = -1, .file = file, .mode = mode};
	int r;

	if (strlen(path) >= sizeof(w.rest))
		return error_code(err, ENAMETOOLONG, "make %.64s…", path);
	memcpy(w.rest, path, strlen(path) + 1);
	r = walk_to_done(&w);
	while (!r)
		r = walk_step(&w);
	if (r < 0) {
		fd_close(&w.dir);
		return error_code(err, -r, "make %s", path);
	}
	if (w.links)
		*linked = true;
	return w.dir;
}

int path_open_made_dir(int root_fd, const char *path, mode_t mode, struct error *err)
{
	bool linked;

	return path_open_made(root_fd, path, mode, false, &linked, err);
}

int path_open_made_file(int root_fd, const char *path, mode_t mode, struct error *err)
{
	bool linked;

	return path_open_made(root_fd, path, mode, true, &linked, err);
}
