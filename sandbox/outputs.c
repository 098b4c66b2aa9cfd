#include "sandbox/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "rootfs/path.h"
#include "sandbox/overlay.h"

/* --- The tree --- */

/* The mount that decides about `path`, which is the last one that covers it; null: the root itself. */
static const struct view_mount *mount_of(const struct view *view, const char *path)
{
	for (size_t i = view->mount_count; i > 0; i--)
		if (view_is_below(path, view->mounts[i - 1].target))
			return &view->mounts[i - 1];
	return NULL;
}

int outputs_open_tree(const struct view *view, const struct scratch *scratch, const char *path,
                      const char **ret_rest, struct error *err)
{
	const struct view_mount *mount = mount_of(view, path);
	const char *rest = path + (mount ? strlen(mount->target) : 0);
	int fd = -1;

	rest += strspn(rest, "/");
	*ret_rest = *rest ? rest : ".";
	/* An overlay once more, read-only, in this process's namespaces. */
	if (mount && str_equal(mount->type, "overlay"))
		return overlay_open(mount->upper, mount->lower, err);
	if (mount && !str_equal(mount->type, "bind"))
		return error_set(err, EINVAL, "%s: nothing can be taken from there", path);
	fd = mount ? open(mount->source, O_PATH | O_CLOEXEC)
	           : openat(scratch->fd, "rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open %s", mount ? mount->source : "/") : fd;
}

/* --- Sources --- */

void output_source_done(struct output_source *source)
{
	fd_close(&source->directory);
}

int outputs_find(const struct view *view, const struct scratch *scratch, const char *path,
                 struct copy *copy, struct output_source *ret, struct error *err)
{
	const char *rest = NULL;
	scoped_fd tree = outputs_open_tree(view, scratch, path, &rest, err);
	struct stat st;

	if (tree < 0)
		return tree;

	const char *slash = strrchr(rest, '/');
	const char *last = slash ? slash + 1 : rest;
	const char *directory =
		slash ? arena_strndup(&copy->arena, rest, (size_t)(slash - rest)) : ".";
	const char *name = arena_strdup(&copy->arena, last);

	if (!directory || !name)
		return error_code(err, ENOMEM, "outputs");

	scoped_fd from = path_try_open(tree, directory, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);

	if (from < 0 || fstatat(from, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return copy_refuse(copy, path, "is not there", err);
	*ret = (struct output_source){
		.directory = fd_take(&from),
		.name = name,
		.mode = st.st_mode,
	};
	return 1;
}

/* --- Destinations --- */

void output_places_done(struct output_places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		fd_close(&places->items[i].parent);
		fd_close(&places->items[i].directory);
	}
	arena_done(&places->arena);
	*places = (struct output_places){0};
}

/* The directory that will hold it, and its name there. */
static int open_place(struct arena *arena, const char *to, struct output_place *ret,
                      struct error *err)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	char *directory = arena_strdup(arena, to);
	char *slash = directory ? strrchr(directory, '/') : NULL;

	*ret = (struct output_place){.parent = -1, .directory = -1};
	if (!slash)
		return error_code(err, ENOMEM, "outputs");
	ret->name = slash + 1;
	if (!*ret->name)
		return error_set(err, EINVAL, "output to %s: no name", to);
	ret->directory = open(to, flags);
	*slash = '\0';
	ret->parent = open(*directory ? directory : "/", flags);
	return ret->parent < 0 ? error_errno(err, "output to %s", to) : 0;
}

int outputs_open_places(const struct sandbox_options *options, struct output_places *ret,
                        struct error *err)
{
	int r = 0;

	ret->items = arena_alloc(&ret->arena, options->output_count + 1, sizeof(*ret->items));
	if (!ret->items)
		return error_code(err, ENOMEM, "outputs");
	while (r == 0 && ret->count < options->output_count) {
		r = open_place(&ret->arena, options->outputs[ret->count].destination,
		               &ret->items[ret->count], err);
		ret->count++;
	}
	return r;
}

/* One of them: a file goes into a directory that is there, under its own name. */
static int copy_output(const struct view *view, const struct scratch *scratch, const char *path,
                       const struct output_place *place, struct copy *copy, struct error *err)
{
	scoped_output_source source = OUTPUT_SOURCE_NONE;
	int r = outputs_find(view, scratch, path, copy, &source, err);

	if (r <= 0)
		return r;
	if (place->directory >= 0 && !S_ISDIR(source.mode))
		return copy_entry(copy, source.directory, source.name, place->directory,
		                  source.name, err);
	return copy_entry(copy, source.directory, source.name, place->parent, place->name, err);
}

int outputs_collect(const struct view *view, const struct scratch *scratch,
                    const struct sandbox_options *options, const struct output_places *places,
                    struct copy *ret, struct error *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	int r = 0;

	if (options->reproducible && (!epoch || parse_i64(epoch, &ret->latest) < 0))
		ret->latest = SANDBOX_EPOCH;
	for (size_t i = 0; r == 0 && i < options->output_count; i++) {
		r = copy_output(view, scratch, options->outputs[i].path, &places->items[i], ret,
		                err);
		if (r < 0)
			return error_wrap(err, "output %s", options->outputs[i].path);
	}
	return 0;
}
