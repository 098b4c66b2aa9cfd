/* In what two trees differ. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "rootfs/layer.h"
#include "rootfs/layer_tree.h"

enum { CHUNK = 64 * 1024 };

struct diff {
	int from; /* the directories at which the walk is */
	int to;
	struct tree_stack stack; /* of `to`; below, the names of `from` alone are reported first */
	struct strbuf path;      /* "/a/b" */
	layer_report *report;
	void *context;
	char *chunks; /* two */
};

static void diff_done(struct diff *diff)
{
	fd_close(&diff->from);
	fd_close(&diff->to);
	tree_stack_done(&diff->stack);
	strbuf_done(&diff->path);
	free(diff->chunks);
}
#define scoped_diff scoped(diff_done) struct diff

static int report(struct diff *diff, enum layer_change change, const char *name, struct error *err)
{
	scoped_str path = str_format("%s/%s", diff->path.data ? diff->path.data : "", name);

	if (!path || diff->path.failed)
		return error_code(err, ENOMEM, "compare");
	return diff->report(change, path, diff->context, err);
}

/* 1: the same bytes. */
static int same_content(struct diff *diff, const char *name, struct error *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	scoped_fd a = openat(diff->from, name, flags);
	scoped_fd b = openat(diff->to, name, flags);

	if (a < 0 || b < 0)
		return error_errno(err, "compare %s", name);
	for (;;) {
		ssize_t left = fd_read_all(a, diff->chunks, CHUNK);
		ssize_t right = fd_read_all(b, diff->chunks + CHUNK, CHUNK);

		if (left < 0 || right < 0)
			return error_code(err, (int)-(left < 0 ? left : right), "compare %s", name);
		if (left != right || memcmp(diff->chunks, diff->chunks + CHUNK, (size_t)left) != 0)
			return 0;
		if (left == 0)
			return 1;
	}
}

static int same_target(const struct diff *diff, const char *name)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t left = readlinkat(diff->from, name, a, sizeof(a));
	ssize_t right = readlinkat(diff->to, name, b, sizeof(b));

	return left >= 0 && left == right && memcmp(a, b, (size_t)left) == 0;
}

static bool is_untouched(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* 1: nothing of it differs (what is in a directory is not looked at). */
static int same(struct diff *diff, const char *name, const struct stat *a, const struct stat *b,
                struct error *err)
{
	if (a->st_mode != b->st_mode || a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		return 0;
	if (S_ISLNK(a->st_mode))
		return same_target(diff, name);
	if (S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode))
		return a->st_rdev == b->st_rdev;
	if (!S_ISREG(a->st_mode))
		return 1;
	if (a->st_size != b->st_size)
		return 0;
	return is_untouched(a, b) ? 1 : same_content(diff, name, err);
}

/* The names of `from` that are no longer there. */
static int report_deleted(struct diff *diff, struct error *err)
{
	struct names names = {0};
	int r = names_read(diff->from, &names, err);

	for (size_t i = 0; i < names.count && r == 0; i++)
		if (faccessat(diff->to, names.items[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			r = report(diff, LAYER_DELETED, names.items[i], err);
	names_done(&names);
	return r;
}

static int push(struct diff *diff, struct error *err)
{
	struct tree_frame *frame;
	int r = report_deleted(diff, err);

	return r < 0 ? r : tree_stack_push(&diff->stack, diff->to, &frame, err);
}

static int enter_directory(struct diff *diff, const char *name, struct error *err)
{
	int r = tree_go(&diff->from, name, err);

	if (r == 0)
		r = tree_go(&diff->to, name, err);
	strbuf_addf(&diff->path, "/%s", name);
	return r < 0 ? r : push(diff, err);
}

static int leave_directory(struct diff *diff, struct error *err)
{
	tree_stack_pop(&diff->stack);
	if (diff->stack.count == 0)
		return 0;
	if (diff->path.failed)
		return error_code(err, ENOMEM, "compare");
	diff->path.length = (size_t)(strrchr(diff->path.data, '/') - diff->path.data);
	diff->path.data[diff->path.length] = '\0';

	int r = tree_go(&diff->from, "..", err);

	return r < 0 ? r : tree_go(&diff->to, "..", err);
}

static int compare(struct diff *diff, const char *name, struct error *err)
{
	struct stat a, b;
	int r;

	if (fstatat(diff->to, name, &b, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "stat %s", name);
	if (fstatat(diff->from, name, &a, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? report(diff, LAYER_ADDED, name, err)
		                       : error_errno(err, "stat %s", name);
	r = same(diff, name, &a, &b, err);
	if (r < 0)
		return r;
	if (r == 0)
		r = report(diff, LAYER_MODIFIED, name, err);
	else
		r = 0;
	if (r == 0 && S_ISDIR(a.st_mode) && S_ISDIR(b.st_mode))
		return enter_directory(diff, name, err);
	return r;
}

int layer_diff(int from, int to, layer_report *report_function, void *context, struct error *err)
{
	scoped_diff diff = {
		.from = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.to = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.report = report_function,
		.context = context,
		.chunks = malloc((size_t)2 * CHUNK),
	};
	int r;

	if (diff.from < 0 || diff.to < 0)
		return error_errno(err, "compare");
	if (!diff.chunks)
		return error_code(err, ENOMEM, "compare");
	r = push(&diff, err);
	while (r == 0 && diff.stack.count > 0) {
		struct tree_frame *frame = &diff.stack.frames[diff.stack.count - 1];

		r = frame->next == frame->names.count
		            ? leave_directory(&diff, err)
		            : compare(&diff, frame->names.items[frame->next++], err);
	}
	return r;
}
