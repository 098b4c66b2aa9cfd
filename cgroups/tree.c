#include "cgroups/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* The names from the start down to where we are. */
struct trail {
	char **names;
	size_t depth, capacity;
};

static void trail_done(struct trail *trail)
{
	for (size_t i = 0; i < trail->depth; i++)
		free(trail->names[i]);
	free(trail->names);
}

static int trail_push(struct trail *trail, char **name)
{
	if (trail->depth == trail->capacity) {
		size_t capacity = trail->capacity ? trail->capacity * 2 : 16;
		char **names = reallocarray(trail->names, capacity, sizeof(*names));

		if (!names)
			return -ENOMEM;
		trail->names = names;
		trail->capacity = capacity;
	}
	trail->names[trail->depth++] = str_take(name);
	return 0;
}

/*
 * Removes the groups in `fd` that can be removed at once; *ret is the first that cannot (it has groups
 * or processes), or null.
 */
static int remove_children(int fd, char **ret)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = errno == ENOENT ? 0 : -errno;
		fd_close(&copy);
		return r;
	}
	while (r == 0 && !*ret && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			continue;
		if (errno != EBUSY)
			r = -errno;
		else if (!(*ret = strdup(entry->d_name)))
			r = -ENOMEM;
	}
	(void)closedir(dir);
	return r;
}

static int descend(int *fd, struct trail *trail, char **name)
{
	int child = openat(*fd, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (child < 0)
		return errno == ENOENT ? 0 : -errno;
	fd_close(fd);
	*fd = child;
	return trail_push(trail, name);
}

static int ascend_and_remove(int *fd, struct trail *trail)
{
	int parent = openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_str name = trail->names[--trail->depth];

	if (parent < 0)
		return -errno;
	fd_close(fd);
	*fd = parent;
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int tree_remove_below(int dirfd)
{
	scoped(trail_done) struct trail trail = {0};
	scoped_fd fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	for (;;) {
		scoped_str busy = NULL;
		int r = remove_children(fd, &busy);

		if (r == 0 && busy)
			r = descend(&fd, &trail, &busy);
		else if (r == 0 && trail.depth > 0)
			r = ascend_and_remove(&fd, &trail);
		else
			return r;
		if (r < 0)
			return r;
	}
}
