/* --commit: what a run that succeeded has changed below a path becomes the host's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "rootfs/path.h"
#include "sandbox/outputs.h"

enum { DEPTH_LIMIT = 128 };

/* Removes `name` with all that is below it; what is not there is no error. −errno. */
static int remove_tree(int dirfd, const char *name, unsigned int depth)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if ((errno != EISDIR && errno != EPERM) || depth >= DEPTH_LIMIT)
		return -errno;

	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	int r = 0;

	if (!directory) {
		r = -errno;
		fd_close(&fd);
		return r;
	}
	while (r == 0) {
		const struct dirent *entry = readdir(directory);

		if (!entry)
			break;
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			r = remove_tree(fd, entry->d_name, depth + 1);
	}
	(void)closedir(directory);
	return r == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 ? -errno : r;
}

/* The directory of the host that holds `path`, reached through no link. */
static int open_parent(const char *path, const char **ret_name, struct error *err)
{
	scoped_arena arena = {0};
	scoped_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *slash = strrchr(path, '/');
	const char *directory = arena_strndup(&arena, path, (size_t)(slash - path));

	if (root < 0 || !directory)
		return error_code(err, ENOMEM, "commit %s", path);
	*ret_name = slash + 1;

	int fd = path_try_open(root, directory + strspn(directory, "/"), O_PATH | O_DIRECTORY,
	                       RESOLVE_NO_SYMLINKS);

	return fd < 0 ? error_code(err, -fd, "commit %s: open its directory", path) : fd;
}

static const char *commit_root(const struct sandbox_options *options, const char *path)
{
	for (size_t i = 0; i < options->commit_count; i++)
		if (view_is_below(path, options->commits[i]))
			return options->commits[i];
	return NULL;
}

/* How many directories lie between the two. */
static int levels_below(const char *path, const char *root)
{
	int levels = -1;

	for (const char *c = path + (root[1] ? strlen(root) : 0); *c; c++)
		levels += *c == '/';
	return levels;
}

/* Whether what is there must go before `mode` comes: a file or a link replaces anything else in one step. */
static bool is_in_the_way(int parent, const char *name, mode_t mode)
{
	struct stat st;

	return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (S_ISDIR(st.st_mode) || S_ISDIR(mode));
}

static int remove_old(int parent, const char *name, const struct change *change, struct error *err)
{
	int r = remove_tree(parent, name, 0);

	return r < 0 ? error_code(err, -r, "commit %s: remove what is there", change->path) : 0;
}

/* Old and new are each reached through no link, and what the name leads to on the host does not matter. */
static int apply(const struct view *view, const struct scratch *scratch,
                 const struct change *change, struct copy *copy, struct error *err)
{
	scoped_output_source source = OUTPUT_SOURCE_NONE;
	const char *name = "";
	scoped_fd parent = open_parent(change->path, &name, err);
	int r = 1;

	if (parent < 0)
		return parent;
	if (change->kind == CHANGE_DELETED)
		return remove_old(parent, name, change, err);
	r = outputs_find(view, scratch, change->path, copy, &source, err);
	if (r <= 0)
		return r;
	if (is_in_the_way(parent, name, source.mode) && remove_old(parent, name, change, err) < 0)
		return -err->code;
	return copy_entry(copy, source.directory, source.name, parent, name, err);
}

int outputs_commit(const struct view *view, const struct scratch *scratch,
                   const struct sandbox_options *options, const struct changes *changes,
                   struct copy *ret, struct error *err)
{
	const char *done = NULL; /* a directory that was copied whole */
	int r = 0;

	for (size_t i = 0; r == 0 && i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		const char *root = commit_root(options, change->path);

		if (!root || (done && view_is_below(change->path, done)))
			continue;
		done = change->kind == CHANGE_DELETED ? NULL : change->path;
		ret->above = levels_below(change->path, root);
		r = apply(view, scratch, change, ret, err);
	}
	ret->above = -1;
	return r;
}
