#include "sandbox/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { DEPTH_LIMIT = 128, CHUNK = 64 * 1024 };

/* A file may claim any size; reading holes beyond this is not worth the hash. */
static const uint64_t hole_limit = 1ULL << 30, holes_limit = 4ULL << 30;

/* The listing lies in our own memory, which no limit of the sandbox bounds. */
static const uint64_t names_limit = 256ULL << 20;

/* One entry on its way. */
struct entry {
	int from;
	const char *name;
	int to;
	const char *to_name;
	const char *path; /* in the listing */
	unsigned int depth;
};

void copy_done(struct copy *copy)
{
	free(copy->items);
	free(copy->refusals);
	free(copy->inodes);
	arena_done(&copy->arena);
	*copy = (struct copy){0};
}

/* --- The lists --- */

/* The place of one more; null when memory runs out. */
static void *add(void **items, size_t size, size_t *count, size_t *capacity)
{
	if (*count == *capacity) {
		size_t wanted = *capacity ? *capacity * 2 : 64;
		void *grown = realloc(*items, wanted * size);

		if (!grown)
			return NULL;
		*items = grown;
		*capacity = wanted;
	}
	return (char *)*items + (*count)++ * size;
}

int copy_refuse(struct copy *copy, const char *path, const char *why, struct error *err)
{
	struct copy_refusal *refusal = add((void **)&copy->refusals, sizeof(*refusal),
	                                   &copy->refusal_count, &copy->refusal_capacity);

	if (!refusal)
		return error_code(err, ENOMEM, "copy");
	*refusal = (struct copy_refusal){
		.path = arena_strdup(&copy->arena, path),
		.why = why,
	};
	return refusal->path ? 0 : error_code(err, ENOMEM, "copy");
}

static struct copy_item *add_item(struct copy *copy, const struct entry *e, char kind, mode_t mode)
{
	struct copy_item *item =
		add((void **)&copy->items, sizeof(*item), &copy->item_count, &copy->item_capacity);

	if (item)
		*item = (struct copy_item){.path = e->path, .kind = kind, .mode = mode};
	return item;
}

/* --- Files --- */

static void set_times(const struct copy *copy, int fd, const struct stat *st)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};

	if (copy->latest >= 0 && times[1].tv_sec > copy->latest)
		times[1] = (struct timespec){.tv_sec = (time_t)copy->latest};
	(void)futimens(fd, times);
}

static void hash_zeros(struct sha256 *hash, uint64_t size)
{
	static const char zeros[4096];

	for (; size > sizeof(zeros); size -= sizeof(zeros))
		sha256_add(hash, zeros, sizeof(zeros));
	sha256_add(hash, zeros, (size_t)size);
}

/* Copies one stretch of data; −errno. */
static int copy_stretch(int from, int to, off_t start, off_t end, struct sha256 *hash)
{
	char buffer[CHUNK];

	while (start < end) {
		size_t left = (size_t)(end - start);
		ssize_t count = pread(from, buffer, left < CHUNK ? left : CHUNK, start);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : -EIO; /* it has become shorter: nobody may */
		if (pwrite(to, buffer, (size_t)count, start) != count)
			return errno ? -errno : -ENOSPC;
		sha256_add(hash, buffer, (size_t)count);
		start += count;
	}
	return 0;
}

/* Stretch by stretch, so that holes cost nothing and stay holes. */
static int copy_data(int from, int to, off_t size, struct sha256 *hash)
{
	off_t position = 0;

	while (position < size) {
		off_t data = lseek(from, position, SEEK_DATA);
		off_t end = size;
		int r;

		if (data < 0)
			data = errno == ENXIO ? size : position;
		if (data < size) {
			end = lseek(from, data, SEEK_HOLE);
			end = end < 0 || end > size ? size : end;
		}
		hash_zeros(hash, (uint64_t)(data - position));
		r = data < size ? copy_stretch(from, to, data, end, hash) : 0;
		if (r < 0)
			return r;
		position = end;
	}
	return ftruncate(to, size) < 0 ? -errno : 0;
}

/* Where the inode is in the table, or would be; there is room. */
static struct copy_inode *find_inode(const struct copy *copy, dev_t device, ino_t number)
{
	size_t mask = copy->inode_capacity - 1;
	size_t at = (size_t)((number + device) * 0x9e3779b97f4a7c15U >> 20) & mask;

	while (copy->inodes[at].item &&
	       (copy->inodes[at].device != device || copy->inodes[at].number != number))
		at = (at + 1) & mask;
	return &copy->inodes[at];
}

/* At most half full, so that a look takes a step or two however many files there are. */
static int grow_inodes(struct copy *copy)
{
	enum { FIRST = 256 };
	struct copy_inode *old = copy->inodes;
	size_t count = copy->inode_capacity;

	if (copy->inode_count * 2 < count)
		return 0;
	copy->inode_capacity = count ? count * 2 : FIRST;
	copy->inodes = calloc(copy->inode_capacity, sizeof(*old));
	if (!copy->inodes) {
		copy->inodes = old;
		copy->inode_capacity = count;
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		if (old[i].item)
			*find_inode(copy, old[i].device, old[i].number) = old[i];
	free(old);
	return 0;
}

/* Links are made within one output alone: another may lie on another file system. */
static void forget_inodes(struct copy *copy)
{
	free(copy->inodes);
	copy->inodes = NULL;
	copy->inode_count = copy->inode_capacity = 0;
}

/* The first name of a file with several has been copied already: 1 when it is linked. */
static int try_link(struct copy *copy, const struct entry *e, const struct stat *st,
                    struct error *err)
{
	const struct copy_inode *inode = NULL;

	if (st->st_nlink < 2 || !copy->inode_capacity)
		return 0;
	inode = find_inode(copy, st->st_dev, st->st_ino);
	if (!inode->item)
		return 0;

	const size_t first = inode->item - 1;

	(void)unlinkat(e->to, e->to_name, 0);
	if (linkat(copy->to_root, copy->items[first].path, e->to, e->to_name, 0) < 0)
		return error_errno(err, "link %s", e->path);

	struct copy_item *item = add_item(copy, e, 'f', st->st_mode & 0777);

	if (!item)
		return error_code(err, ENOMEM, "copy");
	item->size = copy->items[first].size;
	memcpy(item->digest, copy->items[first].digest, sizeof(item->digest));
	return 1;
}

/* The item that was added last is its first name. */
static int remember_inode(struct copy *copy, const struct stat *st, struct error *err)
{
	if (st->st_nlink < 2)
		return 0;
	if (grow_inodes(copy) < 0)
		return error_code(err, ENOMEM, "copy");
	*find_inode(copy, st->st_dev, st->st_ino) =
		(struct copy_inode){st->st_dev, st->st_ino, copy->item_count};
	copy->inode_count++;
	return 0;
}

/* Holes cost nothing but their hash; how many there are is bounded in one file and in all of them. */
static bool has_too_large_holes(struct copy *copy, const struct stat *st)
{
	uint64_t data = (uint64_t)st->st_blocks * 512, size = (uint64_t)st->st_size;
	uint64_t holes = size > data ? size - data : 0;

	if (holes > hole_limit || copy->holes + holes > holes_limit)
		return true;
	copy->holes += holes;
	return false;
}

static int write_file(struct copy *copy, const struct entry *e, int from, const struct stat *st,
                      const char *temporary, struct error *err)
{
	unsigned char digest[SHA256_SIZE];
	struct sha256 hash;
	scoped_fd to = openat(e->to, temporary,
	                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (to < 0)
		return error_errno(err, "create %s", e->path);
	sha256_begin(&hash);

	int r = copy_data(from, to, st->st_size, &hash);

	if (r < 0)
		return error_code(err, -r, "copy %s", e->path);
	sha256_end(&hash, digest);
	if (fchmod(to, st->st_mode & 0777) < 0)
		return error_errno(err, "mode of %s", e->path);
	set_times(copy, to, st);

	struct copy_item *item = add_item(copy, e, 'f', st->st_mode & 0777);

	if (!item)
		return error_code(err, ENOMEM, "copy");
	item->size = (uint64_t)st->st_size;
	(void)sha256_hex(digest, item->digest);
	return remember_inode(copy, st, err);
}

/* What is made whole under this name takes the place of what is there. */
static void name_temporary(char ret[static NAME_MAX + 1])
{
	(void)snprintf(ret, NAME_MAX + 1, ".lvm-run.%ld.tmp", (long)getpid());
}

static int copy_file(struct copy *copy, const struct entry *e, struct error *err)
{
	struct stat st;
	scoped_fd from =
		openat(e->from, e->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char temporary[NAME_MAX + 1];

	if (from < 0)
		return copy_refuse(copy, e->path, "cannot be read", err);
	if (fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return copy_refuse(copy, e->path, "is no regular file", err);

	int r = try_link(copy, e, &st, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (has_too_large_holes(copy, &st))
		return copy_refuse(copy, e->path, "has too large holes", err);
	name_temporary(temporary);
	r = write_file(copy, e, from, &st, temporary, err);
	if (r == 0 && renameat(e->to, temporary, e->to, e->to_name) < 0)
		r = error_errno(err, "replace %s", e->path);
	if (r < 0)
		(void)unlinkat(e->to, temporary, 0);
	return r;
}

/* --- Links --- */

bool copy_link_stays(const char *text, unsigned int depth)
{
	bool down = false;

	if (*text == '/' || *text == '\0')
		return false;
	while (*text) {
		size_t length = strcspn(text, "/");
		bool up = length == 2 && text[0] == '.' && text[1] == '.';

		if (up && (down || depth == 0))
			return false;
		if (up)
			depth--;
		else if (length > 0 && !(length == 1 && text[0] == '.'))
			down = true;
		text += length;
		text += strspn(text, "/");
	}
	return true;
}

static int copy_link(struct copy *copy, const struct entry *e, struct error *err)
{
	char text[PATH_MAX], temporary[NAME_MAX + 1];
	ssize_t size = readlinkat(e->from, e->name, text, sizeof(text) - 1);

	if (size < 0)
		return copy_refuse(copy, e->path, "cannot be read", err);
	text[size] = '\0';

	int depth = (int)e->depth + copy->above;

	if (!copy_link_stays(text, depth > 0 ? (unsigned int)depth : 0))
		return copy_refuse(copy, e->path, "is a link that leads out", err);
	name_temporary(temporary);
	if (symlinkat(text, e->to, temporary) < 0)
		return error_errno(err, "link %s", e->path);
	if (renameat(e->to, temporary, e->to, e->to_name) < 0) {
		(void)error_errno(err, "replace %s", e->path);
		(void)unlinkat(e->to, temporary, 0);
		return -err->code;
	}

	struct copy_item *item = add_item(copy, e, 'l', 0777);

	if (item)
		item->target = arena_strdup(&copy->arena, text);
	return item && item->target ? 0 : error_code(err, ENOMEM, "copy");
}

/* --- Directories --- */

static int copy_any(struct copy *copy, const struct entry *e, struct error *err);

static void close_directory(DIR **directory)
{
	if (*directory)
		(void)closedir(*directory);
}

static int count_name(struct copy *copy, const struct entry *e, struct error *err)
{
	copy->names += strlen(e->path) + sizeof(struct copy_item);
	return copy->names > names_limit
	               ? error_set(err, E2BIG, "more files than can be listed, up to %s", e->path)
	               : 0;
}

static int copy_children(struct copy *copy, const struct entry *e, int from, int to,
                         struct error *err)
{
	scoped(close_directory) DIR *directory = fdopendir(from);
	int r = 0;

	if (!directory) {
		(void)close(from);
		return error_errno(err, "read %s", e->path);
	}
	while (r == 0) {
		const struct dirent *child = readdir(directory);

		if (!child)
			break;
		if (str_equal(child->d_name, ".") || str_equal(child->d_name, ".."))
			continue;

		const struct entry next = {
			.from = dirfd(directory),
			.name = child->d_name,
			.to = to,
			.to_name = child->d_name,
			.path = arena_format(&copy->arena, "%s/%s", e->path, child->d_name),
			.depth = e->depth + 1,
		};

		r = next.path ? count_name(copy, &next, err) : error_code(err, ENOMEM, "copy");
		if (r == 0)
			r = copy_any(copy, &next, err);
	}
	return r;
}

static int copy_directory(struct copy *copy, const struct entry *e, const struct stat *st,
                          struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	scoped_fd from = openat(e->from, e->name, flags);

	if (from < 0)
		return copy_refuse(copy, e->path, "cannot be read", err);
	if (e->depth >= DEPTH_LIMIT)
		return copy_refuse(copy, e->path, "lies too deep", err);
	if (mkdirat(e->to, e->to_name, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "make %s", e->path);

	scoped_fd to = openat(e->to, e->to_name, flags);

	if (to < 0)
		return error_errno(err, "open %s, which is there already", e->path);
	if (!add_item(copy, e, 'd', st->st_mode & 0777))
		return error_code(err, ENOMEM, "copy");

	int r = copy_children(copy, e, fd_take(&from), to, err);

	if (r < 0)
		return r;
	/* Readable for its owner, whatever it was: it can then be removed again. */
	if (fchmod(to, (st->st_mode & 0777) | 0700) < 0)
		return error_errno(err, "mode of %s", e->path);
	set_times(copy, to, st);
	return 0;
}

static int copy_any(struct copy *copy, const struct entry *e, struct error *err)
{
	struct stat st;

	if (fstatat(e->from, e->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_refuse(copy, e->path, "cannot be read", err);
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(copy, e, err);
	case S_IFDIR:
		return copy_directory(copy, e, &st, err);
	case S_IFLNK:
		return copy_link(copy, e, err);
	case S_IFIFO:
		return copy_refuse(copy, e->path, "is a FIFO", err);
	case S_IFSOCK:
		return copy_refuse(copy, e->path, "is a socket", err);
	default:
		return copy_refuse(copy, e->path, "is a device", err);
	}
}

int copy_entry(struct copy *copy, int from_dirfd, const char *name, int to_dirfd,
               const char *to_name, struct error *err)
{
	const struct entry e = {
		.from = from_dirfd,
		.name = name,
		.to = to_dirfd,
		.to_name = to_name,
		.path = arena_strdup(&copy->arena, to_name),
	};

	forget_inodes(copy);
	copy->to_root = to_dirfd;
	return e.path ? copy_any(copy, &e, err) : error_code(err, ENOMEM, "copy");
}
