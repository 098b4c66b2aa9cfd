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

void tree_stack_pop(struct tree_stack *stack)
{
	names_done(&stack->frames[--stack->count].names);
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

	int r = names_read(directory, &frame->names, err);

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
