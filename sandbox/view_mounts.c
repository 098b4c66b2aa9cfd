#include "sandbox/view_parts.h"

#include <errno.h>

#include "base/str.h"
#include "sandbox/overlay.h"

int view_add_bind(struct view *view, const char *source, const char *target,
                  enum sandbox_step_kind kind, struct error *err)
{
	struct view_mount *mount = view_add(view, target, "bind", source, err);

	if (!mount)
		return -ENOMEM;
	mount->options[mount->option_count++] = "rbind";
	mount->options[mount->option_count++] = "nosuid";
	if (kind == SANDBOX_RO_BIND)
		mount->options[mount->option_count++] = "rro";
	if (kind != SANDBOX_DEV_BIND)
		mount->options[mount->option_count++] = "nodev";
	mount->writable = kind != SANDBOX_RO_BIND;
	return 0;
}

int view_add_own(const struct view_builder *b, const char *target, mode_t mode, const char *host,
                 struct error *err)
{
	struct view *view = b->view;
	const char *source = NULL;
	int r = storage_directory(b->storage, &view->arena, target, mode, host != NULL, &source,
	                          err);

	if (r == 0)
		r = view_add_bind(view, source, target, SANDBOX_BIND, err);
	if (r < 0)
		return r;

	struct view_mount *mount = &view->mounts[view->mount_count - 1];

	mount->discarded = true;
	if (host) {
		mount->upper = source;
		mount->lower = host;
	}
	return 0;
}

/* --- Overlays --- */

static bool has_mounts_below(const struct view_builder *b, const char *path)
{
	for (size_t i = 0; i < b->mounts.count; i++)
		if (view_is_below(b->mounts.items[i].path, path) &&
		    !str_equal(b->mounts.items[i].path, path))
			return true;
	return false;
}

/*
 * The kernel takes no directory with mounts below it from somebody who may not lift them off: for the
 * sandbox's user namespace root shows it bare. Nor one that the upper directory lies in.
 */
static const char *find_lower(const struct view_builder *b, const char *source)
{
	struct arena *arena = &b->view->arena;
	const char *other = b->storage->once;
	const char *lower = source;
	struct error ignored;

	if (!overlay_possible(source, other))
		return NULL;
	if (has_mounts_below(b, source))
		lower = b->scratch->rootless ? NULL
		                             : scratch_bare(b->scratch, arena, source, &ignored);
	if (!lower || !b->storage->place[0] || !view_is_below(b->storage->place, source))
		return lower;
	lower = scratch_apart(b->scratch, arena, lower, &ignored);
	return lower && overlay_possible(lower, other) ? lower : NULL;
}

static int add_read_only(const struct view_builder *b, const char *source, const char *target,
                         struct error *err)
{
	int r = view_add_bind(b->view, source, target, SANDBOX_RO_BIND, err);

	return r < 0 ? r
	             : view_note(b->view,
	                         arena_format(&b->view->arena,
	                                      "%s is read-only: no overlay can be made over it",
	                                      target),
	                         err);
}

static int add_overlay_options(const struct view_builder *b, struct view_mount *mount,
                               const struct storage_layer *layer, struct error *err)
{
	struct arena *arena = &b->view->arena;
	const char *options[] = {
		"nosuid",
		"nodev",
		"userxattr",
		overlay_option(arena, "lowerdir", mount->lower),
		overlay_option(arena, "upperdir", layer->upper),
		overlay_option(arena, "workdir", layer->work),
	};

	_Static_assert(ARRAY_SIZE(options) <= VIEW_OPTION_LIMIT, "room for all");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!options[i])
			return error_code(err, ENOMEM, "list of mounts");
		mount->options[mount->option_count++] = options[i];
	}
	mount->writable = mount->discarded = true;
	mount->upper = layer->upper;
	return 0;
}

int view_add_overlay(const struct view_builder *b, const char *source, const char *target,
                     const struct stat *like, struct error *err)
{
	const char *lower = find_lower(b, source);
	struct storage_layer layer;

	if (!lower)
		return add_read_only(b, source, target, err);

	int r = storage_layer(b->storage, &b->view->arena, source, target, like, &layer, err);
	struct view_mount *mount =
		r < 0 ? NULL : view_add(b->view, target, "overlay", "overlay", err);

	if (!mount)
		return r < 0 ? r : -ENOMEM;
	mount->lower = lower;
	return add_overlay_options(b, mount, &layer, err);
}
