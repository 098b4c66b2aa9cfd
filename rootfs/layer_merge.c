/* Two neighbouring layers become one; trees go away. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "rootfs/layer.h"
#include "rootfs/layer_tree.h"

/* --- Merging --- */

struct merge {
	int lower; /* the directories at which the walk is */
	int upper;
	bool user;
	struct tree_stack
		stack; /* of the lower one; flag: the upper one becomes opaque in the end */
};

static void merge_done(struct merge *merge)
{
	fd_close(&merge->lower);
	fd_close(&merge->upper);
	tree_stack_done(&merge->stack);
}
#define scoped_merge scoped(merge_done) struct merge

static int enter_both(struct merge *merge, const char *name, struct error *err)
{
	struct tree_frame *frame;
	int r = tree_go(&merge->lower, name, err);

	if (r == 0)
		r = tree_go(&merge->upper, name, err);
	if (r == 0)
		r = tree_stack_push(&merge->stack, merge->lower, &frame, err);
	if (r == 0)
		frame->flag = tree_has_mark(merge->lower, "opaque", merge->user);
	return r;
}

/* What hid the layers below goes only now that nothing of it is needed any more. */
static int leave_both(struct merge *merge, struct error *err)
{
	bool opaque = merge->stack.frames[merge->stack.count - 1].flag;
	int r = opaque ? tree_set_mark(merge->upper, "opaque", merge->user, err) : 0;

	tree_stack_pop(&merge->stack);
	if (r < 0 || merge->stack.count == 0)
		return r;
	r = tree_go(&merge->lower, "..", err);
	return r < 0 ? r : tree_go(&merge->upper, "..", err);
}

/* A directory of the upper layer over something that is none: nothing of the layers below shines through. */
static int cover(const struct merge *merge, const char *name, struct error *err)
{
	scoped_fd directory =
		openat(merge->upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (directory < 0)
		return error_errno(err, "open");
	return tree_set_mark(directory, "opaque", merge->user, err);
}

static bool is_opaque(const struct merge *merge, const char *name)
{
	scoped_fd directory =
		openat(merge->upper, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return directory >= 0 && tree_has_mark(directory, "opaque", merge->user);
}

static int merge_entry(struct merge *merge, const char *name, struct error *err)
{
	struct stat low, up;

	if (fstatat(merge->lower, name, &low, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "stat");
	if (fstatat(merge->upper, name, &up, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return error_errno(err, "stat");
		return renameat(merge->lower, name, merge->upper, name) < 0
		               ? error_errno(err, "move")
		               : 0;
	}
	if (!S_ISDIR(up.st_mode))
		return 0;
	if (!S_ISDIR(low.st_mode))
		return cover(merge, name, err);
	return is_opaque(merge, name) ? 0 : enter_both(merge, name, err);
}

int layer_merge(int lower, int upper, bool user, struct error *err)
{
	struct tree_frame *frame;
	scoped_merge merge = {
		.lower = openat(lower, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.upper = openat(upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.user = user,
	};
	int r = 0;

	if (merge.lower < 0 || merge.upper < 0)
		return error_errno(err, "merge layers");
	r = tree_stack_push(&merge.stack, merge.lower, &frame, err);
	while (r == 0 && merge.stack.count > 0) {
		frame = &merge.stack.frames[merge.stack.count - 1];
		if (frame->next == frame->names.count) {
			r = leave_both(&merge, err);
			continue;
		}

		const char *name = frame->names.items[frame->next++];

		r = merge_entry(&merge, name, err);
		if (r < 0)
			return error_wrap(err, "merge layers: %s", name);
	}
	return r;
}

/* --- Removing --- */

/* The mode of a directory may forbid all this to everybody but root; its owner can change that. */
static void permit(int parent, const char *name)
{
	struct stat st;

	if (geteuid() != 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode) && (st.st_mode & S_IRWXU) != S_IRWXU)
		(void)!fchmodat(parent, name, S_IRWXU, 0);
}

/*
 * Removes what is in the directory; what is a directory itself is moved up beside it, under a new number, to
 * be emptied in its turn: no nesting is too deep.
 */
static int empty(int parent, int directory, uint64_t *number, struct error *err)
{
	struct names names = {0};
	int r = names_read(directory, &names, err);

	for (size_t i = 0; i < names.count && r == 0; i++) {
		char moved[32];

		if (unlinkat(directory, names.items[i], 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR && errno != EPERM)
			r = error_errno(err, "remove %s", names.items[i]);
		else if (unlinkat(directory, names.items[i], AT_REMOVEDIR) == 0)
			continue;
		do
			(void)snprintf(moved, sizeof(moved), ".gone-%llu",
			               (unsigned long long)(*number)++);
		while (r == 0 && faccessat(parent, moved, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
		if (r == 0)
			permit(directory, names.items[i]);
		if (r == 0 && renameat(directory, names.items[i], parent, moved) < 0)
			r = error_errno(err, "remove %s", names.items[i]);
	}
	names_done(&names);
	return r;
}

static int remove_one(int parent, const char *name, uint64_t *number, struct error *err)
{
	scoped_fd directory = -1;

	permit(parent, name);
	directory = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return errno == ENOENT ? 0 : error_errno(err, "remove %s", name);

	int r = empty(parent, directory, number, err);

	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_errno(err, "remove %s", name);
	return r;
}

int layer_remove(int parent, const char *name, struct error *err)
{
	uint64_t number = 0;
	int r = remove_one(parent, name, &number, err);

	for (uint64_t next = 0; r == 0 && next < number; next++) {
		char moved[32];

		(void)snprintf(moved, sizeof(moved), ".gone-%llu", (unsigned long long)next);
		r = remove_one(parent, moved, &number, err);
	}
	return r;
}
