#include "rootfs/layer_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

void tree_names_done(struct tree_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct tree_names){0};
}

static int add_name(struct tree_names *names, const char *name)
{
	enum { FIRST = 16 };

	/* Full at each power of two from FIRST on. */
	if (names->count == 0 ||
	    (names->count >= FIRST && (names->count & (names->count - 1)) == 0)) {
		size_t wanted = names->count == 0 ? FIRST : 2 * names->count;
		char **more = realloc(names->items, wanted * sizeof(*more));

		if (!more)
			return -ENOMEM;
		names->items = more;
	}
	names->items[names->count] = strdup(name);
	if (!names->items[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

int tree_names_read(int directory, struct tree_names *ret, struct error *err)
{
	struct tree_names names = {0};
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	int r = 0;

	if (!list) {
		r = error_errno(err, "read directory");
		fd_close(&copy);
		return r;
	}
	errno = 0;
	for (struct dirent *e = readdir(list); e && r == 0; e = readdir(list)) {
		if (!str_equal(e->d_name, ".") && !str_equal(e->d_name, ".."))
			r = add_name(&names, e->d_name);
		if (r == 0)
			errno = 0;
	}
	if (r < 0 || errno != 0)
		r = error_code(err, r < 0 ? -r : errno, "read directory");
	(void)closedir(list);
	if (r < 0)
		tree_names_done(&names);
	else
		*ret = names;
	return r;
}

void tree_stack_pop(struct tree_stack *stack)
{
	tree_names_done(&stack->frames[--stack->count].names);
}

void tree_stack_done(struct tree_stack *stack)
{
	while (stack->count > 0)
		tree_stack_pop(stack);
	free(stack->frames);
	*stack = (struct tree_stack){0};
}

int tree_stack_push(struct tree_stack *stack, int directory, struct tree_frame **ret,
                    struct error *err)
{
	if (stack->count == stack->capacity) {
		enum { FIRST = 32 };
		size_t wanted = stack->capacity ? 2 * stack->capacity : FIRST;
		struct tree_frame *more = realloc(stack->frames, wanted * sizeof(*more));

		if (!more)
			return error_code(err, ENOMEM, "walk");
		stack->frames = more;
		stack->capacity = wanted;
	}

	struct tree_frame *frame = &stack->frames[stack->count];

	*frame = (struct tree_frame){0};
	if (fstat(directory, &frame->st) < 0)
		return error_errno(err, "stat directory");

	int r = tree_names_read(directory, &frame->names, err);

	if (r < 0)
		return r;
	stack->count++;
	*ret = frame;
	return 0;
}

int tree_go(int *fd, const char *name, struct error *err)
{
	int next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (next < 0)
		return error_errno(err, "open %s", name);
	fd_close(fd);
	*fd = next;
	return 0;
}

bool tree_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static void name_mark(const char *mark, bool user, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s.overlay.%s", user ? "user" : "trusted", mark);
}

bool tree_has_mark(int directory, const char *mark, bool user)
{
	char name[64];
	char value[8];

	name_mark(mark, user, name, sizeof(name));
	return fgetxattr(directory, name, value, sizeof(value)) == 1 && value[0] == 'y';
}

int tree_set_mark(int directory, const char *mark, bool user, struct error *err)
{
	char name[64];

	name_mark(mark, user, name, sizeof(name));
	return fsetxattr(directory, name, "y", 1, 0) < 0 ? error_errno(err, "set %s", name) : 0;
}
