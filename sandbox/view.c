#include "sandbox/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sandbox/secrets.h"
#include "sandbox/view_parts.h"

void view_done(struct view *view)
{
	free(view->mounts);
	free(view->hidden);
	free(view->notes);
	arena_done(&view->arena);
	*view = (struct view){0};
}

/* --- The lists --- */

/* Room for one more; null when memory runs out. */
static void *grow(void *items, size_t size, size_t count, size_t *capacity)
{
	enum { FIRST = 32 };
	size_t wanted = *capacity ? *capacity * 2 : FIRST;
	void *grown = items;

	if (count < *capacity)
		return items;
	grown = realloc(items, wanted * size);
	if (grown)
		*capacity = wanted;
	return grown;
}

struct view_mount *view_add(struct view *view, const char *target, const char *type,
                            const char *source, struct error *err)
{
	struct view_mount *grown =
		grow(view->mounts, sizeof(*grown), view->mount_count, &view->mount_capacity);

	if (!grown || !target) {
		(void)error_code(err, ENOMEM, "list of mounts");
		return NULL;
	}
	view->mounts = grown;
	grown[view->mount_count] = (struct view_mount){
		.target = target,
		.type = type,
		.source = source,
	};
	return &grown[view->mount_count++];
}

static int add_text(const char ***list, size_t *count, size_t *capacity, const char *text,
                    struct error *err)
{
	const char **grown = grow((void *)*list, sizeof(*grown), *count, capacity);

	if (!grown || !text)
		return error_code(err, ENOMEM, "list of paths");
	*list = grown;
	grown[(*count)++] = text;
	return 0;
}

int view_hide(struct view *view, const char *path, struct error *err)
{
	return add_text(&view->hidden, &view->hidden_count, &view->hidden_capacity, path, err);
}

int view_note(struct view *view, const char *text, struct error *err)
{
	return add_text(&view->notes, &view->note_count, &view->note_capacity, text, err);
}

bool view_is_below(const char *path, const char *parent)
{
	size_t length = strlen(parent);

	if (length == 1)
		return true;
	return strncmp(path, parent, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* --- The caller's wishes --- */

static int add_step(const struct view_builder *b, const struct sandbox_step *step,
                    struct error *err)
{
	struct stat st;

	if (step->kind == SANDBOX_HIDE)
		return view_hide(b->view, step->target, err);
	if (step->kind == SANDBOX_TMPFS)
		return view_add_own(b, step->target, 0755, NULL, err);
	if (stat(step->source, &st) < 0)
		return error_errno(err, "%s", step->source);
	if (step->kind != SANDBOX_OVERLAY)
		return view_add_bind(b->view, step->source, step->target, step->kind, err);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "overlay %s: only for directories", step->source);
	return view_add_overlay(b, step->source, step->target, &st, err);
}

/* The deepest step that decides what is at `path`. */
static const struct sandbox_step *step_for(const struct sandbox_options *options, const char *path)
{
	for (size_t i = options->step_count; i > 0; i--)
		if (view_is_below(path, options->steps[i - 1].target))
			return &options->steps[i - 1];
	return NULL;
}

/* What is there could only be shown read-only as a whole; the directory alone may do better. */
static bool fell_back(const struct view *view, const char *path)
{
	const struct view_mount *found = NULL;

	for (size_t i = 0; i < view->mount_count; i++)
		if (view_is_below(path, view->mounts[i].target))
			found = &view->mounts[i];
	return found && !found->writable && !str_equal(found->target, path);
}

/* A project below /tmp is worked on like any other, though the rest of /tmp is not there. */
static int add_directory(const struct view_builder *b, struct error *err)
{
	const char *directory = b->view->directory;
	struct stat st;

	if (step_for(b->options, directory) || str_equal(directory, "/"))
		return 0;
	if (view_is_below(directory, "/proc") || view_is_below(directory, "/sys") ||
	    view_is_below(directory, "/dev"))
		return error_set(err, EINVAL, "%s: not a directory for a sandbox to work in",
		                 directory);
	if (!view_is_own(directory) && !view_is_below(directory, "/var/tmp") &&
	    !fell_back(b->view, directory))
		return 0;
	if (str_equal(directory, "/tmp") || str_equal(directory, "/var/tmp") ||
	    str_equal(directory, "/run"))
		return 0;
	if (stat(directory, &st) < 0)
		return error_errno(err, "%s", directory);
	if (b->options->read_only)
		return view_add_bind(b->view, directory, directory, SANDBOX_RO_BIND, err);
	return view_add_overlay(b, directory, directory, &st, err);
}

static int find_directory(struct view *view, const struct sandbox_options *options,
                          struct error *err)
{
	char path[PATH_MAX];

	if (options->directory) {
		view->directory = options->directory;
		return 0;
	}
	if (!getcwd(path, sizeof(path)))
		return error_errno(err, "present directory");
	view->directory = arena_strdup(&view->arena, path);
	return view->directory ? 0 : error_code(err, ENOMEM, "present directory");
}

/* What the caller shows himself is no secret of his. */
static void drop_shown(struct view *view, const struct sandbox_options *options)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->hidden_count; i++) {
		const struct sandbox_step *step = step_for(options, view->hidden[i]);

		if (!step || step->kind == SANDBOX_HIDE ||
		    !str_equal(step->target, view->hidden[i]))
			view->hidden[kept++] = view->hidden[i];
	}
	view->hidden_count = kept;
}

static int hide_state_root(struct view *view, const struct scratch *scratch, struct error *err)
{
	const char *slash = strrchr(scratch->path, '/');

	if (view_is_own(scratch->path) || view_is_below(scratch->path, "/var/tmp"))
		return 0;
	return view_hide(
		view, arena_strndup(&view->arena, scratch->path, (size_t)(slash - scratch->path)),
		err);
}

int view_build(struct view *ret, struct scratch *scratch, struct storage *storage,
               const struct sandbox_options *options, struct error *err)
{
	scoped_fd root = openat(scratch->fd, "rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_fd proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct view_builder b = {ret, scratch, storage, options, root, {0}};

	if (root < 0 || proc < 0)
		return error_errno(err, "prepare the view");

	int r = find_directory(ret, options, err);

	if (r == 0)
		r = mountinfo_read(proc, &ret->arena, &b.mounts, err);
	if (r == 0)
		r = view_add_host(&b, err);
	if (r == 0)
		r = view_add_own_all(&b, err);
	if (r == 0)
		r = add_directory(&b, err);
	if (r == 0 && !options->show_secrets)
		r = secrets_hide(ret, scratch->uid == 0, err);
	if (r == 0)
		r = hide_state_root(ret, scratch, err);
	if (r == 0 && storage->place[0])
		r = view_hide(ret, storage->place, err);
	for (size_t i = 0; r == 0 && i < options->step_count; i++)
		r = add_step(&b, &options->steps[i], err);
	drop_shown(ret, options);
	return r;
}
