/* Copying a tree as it is. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "rootfs/layer.h"
#include "rootfs/layer_tree.h"

/* A file with several names, and where its copy is: below the top of the copy. */
struct link {
	dev_t device;
	ino_t inode;
	char *path;
	size_t next; /* in the same bucket, counted from 1; 0: none */
};

enum { BUCKETS = 4096 };

struct copy {
	int top;  /* of the copy */
	int from; /* the directories at which the walk is */
	int to;
	dev_t device;
	struct tree_stack stack;
	struct strbuf path; /* of `to` below `top`, "a/b/" */
	struct link *links;
	size_t link_count;
	size_t link_capacity;
	size_t buckets[BUCKETS]; /* by inode: the last link, counted from 1 */
	bool no_clone;           /* this file system has no FICLONE */
	struct layer_copied *copied;
};

static void copy_free(struct copy **freed)
{
	struct copy *copy = *freed;

	if (!copy)
		return;
	fd_close(&copy->from);
	fd_close(&copy->to);
	tree_stack_done(&copy->stack);
	strbuf_done(&copy->path);
	for (size_t i = 0; i < copy->link_count; i++)
		free(copy->links[i].path);
	free(copy->links);
	free(copy);
}

/* --- Attributes --- */

/* What overlayfs notes of an upper layer alone: in a copy it would be wrong. */
static bool is_left_out(const char *name)
{
	static const char *const marks[] = {"origin", "impure", "nlink", "upper", "uuid"};
	const char *mark = str_starts(name, "trusted.overlay.") ? name + strlen("trusted.overlay.")
	                   : str_starts(name, "user.overlay.")  ? name + strlen("user.overlay.")
	                                                        : NULL;

	for (size_t i = 0; mark && i < ARRAY_SIZE(marks); i++)
		if (str_equal(mark, marks[i]))
			return true;
	return false;
}

static int copy_attribute(const char *from, const char *to, const char *name, struct error *err)
{
	enum { VALUE_MAX = 64 * 1024 };
	scoped_str value = malloc(VALUE_MAX);
	ssize_t size;

	if (!value)
		return error_code(err, ENOMEM, "attribute %s", name);
	size = lgetxattr(from, name, value, VALUE_MAX);
	if (size < 0)
		return errno == ENODATA ? 0 : error_errno(err, "read attribute %s", name);
	return lsetxattr(to, name, value, (size_t)size, 0) < 0
	               ? error_errno(err, "set attribute %s", name)
	               : 0;
}

/* `name`: one component, or "." for the directories themselves. */
static int copy_attributes(const struct copy *copy, const char *name, struct error *err)
{
	enum { LIST_MAX = 64 * 1024 };
	char link[FD_PATH_SIZE];
	scoped_str from = str_format("%s/%s", fd_path(copy->from, link), name);
	scoped_str to = str_format("%s/%s", fd_path(copy->to, link), name);
	char few[1024];
	scoped_str many = NULL;
	char *list = few;
	ssize_t size;
	int r = 0;

	if (!from || !to)
		return error_code(err, ENOMEM, "attributes");
	size = llistxattr(from, few, sizeof(few));
	if (size < 0 && errno == ERANGE) {
		list = many = malloc(LIST_MAX);
		if (!many)
			return error_code(err, ENOMEM, "attributes");
		size = llistxattr(from, many, LIST_MAX);
	}
	if (size < 0)
		return errno == ENOTSUP ? 0 : error_errno(err, "list attributes");
	for (char *key = list; r == 0 && key < list + size; key += strlen(key) + 1)
		if (!is_left_out(key))
			r = copy_attribute(from, to, key, err);
	return r;
}

/* The owner before the mode, which a change of owner would clear bits of, and before the attributes. */
static int copy_owner(const struct copy *copy, const char *name, const struct stat *st,
                      struct error *err)
{
	if (fchownat(copy->to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "set owner");
	if (!S_ISLNK(st->st_mode) && fchmodat(copy->to, name, st->st_mode & 07777, 0) < 0)
		return error_errno(err, "set mode");
	return copy_attributes(copy, name, err);
}

static int copy_times(int directory, const char *name, const struct stat *st, struct error *err)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};

	return utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) < 0
	               ? error_errno(err, "set times")
	               : 0;
}

/* --- Files --- */

static int copy_extent(int from, int to, off_t begin, off_t end, struct error *err)
{
	off_t source = begin, target = begin;

	if (lseek(to, begin, SEEK_SET) < 0)
		return error_errno(err, "copy data");
	while (source < end) {
		ssize_t count =
			copy_file_range(from, &source, to, &target, (size_t)(end - source), 0);

		if (count < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP)) {
			if (lseek(to, source, SEEK_SET) < 0)
				return error_errno(err, "copy data");
			count = sendfile(to, from, &source, (size_t)(end - source));
			target = source;
		}
		if (count < 0)
			return error_errno(err, "copy data");
		if (count == 0)
			break;
	}
	return 0;
}

/* Data alone, holes stay holes. */
static int copy_data(struct copy *copy, int from, int to, off_t size, struct error *err)
{
	off_t position = 0;
	int r = 0;

	while (position < size && r == 0) {
		off_t begin = lseek(from, position, SEEK_DATA);
		off_t end;

		if (begin < 0 && errno == ENXIO)
			break;
		if (begin < 0)
			begin = position;
		end = lseek(from, begin, SEEK_HOLE);
		if (end < 0)
			end = size;
		r = copy_extent(from, to, begin, end, err);
		copy->copied->bytes += (uint64_t)(end - begin);
		position = end;
	}
	if (r == 0 && ftruncate(to, size) < 0)
		return error_errno(err, "set size");
	return r;
}

static int copy_file(struct copy *copy, const char *name, const struct stat *st, struct error *err)
{
	scoped_fd from = openat(copy->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	scoped_fd to =
		openat(copy->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (from < 0 || to < 0)
		return error_errno(err, "open");
	if (st->st_size == 0)
		return 0;
	if (!copy->no_clone) {
		if (ioctl(to, FICLONE, from) == 0) {
			copy->copied->shared += (uint64_t)st->st_size;
			return 0;
		}
		copy->no_clone = true;
	}
	return copy_data(copy, from, to, st->st_size, err);
}

static int copy_symlink(const struct copy *copy, const char *name, struct error *err)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(copy->from, name, target, sizeof(target) - 1);

	if (length < 0)
		return error_errno(err, "read link");
	target[length] = '\0';
	return symlinkat(target, copy->to, name) < 0 ? error_errno(err, "make link") : 0;
}

static int add_link(struct copy *copy, const char *name, const struct stat *st, struct error *err)
{
	size_t *bucket = &copy->buckets[st->st_ino % BUCKETS];

	if (copy->link_count == copy->link_capacity) {
		size_t wanted = copy->link_capacity ? 2 * copy->link_capacity : BUCKETS / 8;
		struct link *more = realloc(copy->links, wanted * sizeof(*more));

		if (!more)
			return error_code(err, ENOMEM, "link");
		copy->links = more;
		copy->link_capacity = wanted;
	}

	struct link *link = &copy->links[copy->link_count];

	*link = (struct link){
		.device = st->st_dev,
		.inode = st->st_ino,
		.path = str_format("%s%s", copy->path.data ? copy->path.data : "", name),
		.next = *bucket,
	};
	if (!link->path)
		return error_code(err, ENOMEM, "link");
	*bucket = ++copy->link_count;
	return 0;
}

/*
 * 1: it is another name of a file that was copied already, and is there now. (Where overlayfs keeps an index
 * every file of an upper layer has a second name in it, which is not in the tree.)
 */
static int copy_link(struct copy *copy, const char *name, const struct stat *st, struct error *err)
{
	for (size_t i = copy->buckets[st->st_ino % BUCKETS]; i > 0; i = copy->links[i - 1].next) {
		const struct link *link = &copy->links[i - 1];

		if (link->inode == st->st_ino && link->device == st->st_dev)
			return linkat(copy->top, link->path, copy->to, name, 0) < 0
			               ? error_errno(err, "link")
			               : 1;
	}
	return add_link(copy, name, st, err);
}

static int copy_node(struct copy *copy, const char *name, const struct stat *st, struct error *err)
{
	int r;

	if (S_ISREG(st->st_mode))
		r = copy_file(copy, name, st, err);
	else if (S_ISLNK(st->st_mode))
		r = copy_symlink(copy, name, err);
	else if (mknodat(copy->to, name, st->st_mode, st->st_rdev) < 0)
		r = error_errno(err, "make node");
	else
		r = 0;
	if (r == 0)
		r = copy_owner(copy, name, st, err);
	return r < 0 ? r : copy_times(copy->to, name, st, err);
}

/* --- The walk --- */

static int enter_directory(struct copy *copy, const char *name, struct error *err)
{
	struct tree_frame *frame;
	int r;

	if (mkdirat(copy->to, name, 0700) < 0)
		return error_errno(err, "make directory");
	r = tree_go(&copy->from, name, err);
	if (r == 0)
		r = tree_go(&copy->to, name, err);
	if (r == 0)
		r = tree_stack_push(&copy->stack, copy->from, &frame, err);
	strbuf_addf(&copy->path, "%s/", name);
	return r;
}

static int leave_directory(struct copy *copy, struct error *err)
{
	struct stat st = copy->stack.frames[copy->stack.count - 1].st;
	int r = copy_owner(copy, ".", &st, err);

	if (r == 0)
		r = copy_times(copy->to, ".", &st, err);
	tree_stack_pop(&copy->stack);
	if (r < 0 || copy->stack.count == 0)
		return r;
	r = tree_go(&copy->from, "..", err);
	if (r == 0)
		r = tree_go(&copy->to, "..", err);
	if (copy->path.length > 0 && !copy->path.failed) {
		size_t length = copy->path.length - 1;

		while (length > 0 && copy->path.data[length - 1] != '/')
			length--;
		copy->path.length = length;
		copy->path.data[length] = '\0';
	}
	return r;
}

static int copy_entry(struct copy *copy, const char *name, struct error *err)
{
	struct stat st;
	int r = 0;

	if (fstatat(copy->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "stat");
	copy->copied->entries++;
	if (S_ISDIR(st.st_mode))
		return st.st_dev == copy->device ? enter_directory(copy, name, err) : 0;
	/* Whiteouts are all one file: each copy stands for itself. */
	if (st.st_nlink > 1 && !tree_is_whiteout(&st))
		r = copy_link(copy, name, &st, err);
	return r != 0 ? (r < 0 ? r : 0) : copy_node(copy, name, &st, err);
}

static int walk(struct copy *copy, struct error *err)
{
	struct tree_frame *frame;
	int r = tree_stack_push(&copy->stack, copy->from, &frame, err);

	copy->device = r == 0 ? frame->st.st_dev : 0;
	while (r == 0 && copy->stack.count > 0) {
		frame = &copy->stack.frames[copy->stack.count - 1];
		if (frame->next == frame->names.count) {
			r = leave_directory(copy, err);
			continue;
		}

		const char *name = frame->names.items[frame->next++];

		r = copy_entry(copy, name, err);
		if (r < 0)
			return error_wrap(err, "copy %s%s", copy->path.data ? copy->path.data : "",
			                  name);
	}
	if (r == 0 && copy->path.failed)
		return error_code(err, ENOMEM, "copy");
	return r;
}

int layer_copy(int from, int to, struct layer_copied *ret, struct error *err)
{
	struct layer_copied copied = {0};
	scoped(copy_free) struct copy *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return error_code(err, ENOMEM, "copy a layer");
	copy->top = to;
	copy->from = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	copy->to = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	copy->copied = &copied;
	if (copy->from < 0 || copy->to < 0)
		return error_errno(err, "copy a layer");

	int r = walk(copy, err);

	if (r == 0)
		*ret = copied;
	return r;
}
