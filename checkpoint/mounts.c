/* Which mounts of a container CRIU makes again, and where the others come from. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "checkpoint/facts.h"
#include "checkpoint/mountinfo.h"
#include "checkpoint/tmpfs.h"
#include "rootfs/path.h"

struct survey {
	const struct spec *spec;
	struct arena *arena;
	struct mountinfo_list all; /* the container's */
	const struct mountinfo *root;
	const char **own; /* devices of file systems that the container has to itself */
	size_t own_count;
	int root_fd;
};

const struct spec_mount *facts_find_mount(const struct spec *spec, struct arena *arena,
                                          const char *path)
{
	const struct spec_mount *found = NULL;

	for (size_t i = 0; i < spec->mount_count; i++) {
		char *place = arena_strdup(arena, spec->mounts[i].destination);

		if (!place)
			continue;
		path_clean(place);
		if (str_equal(place, path + 1))
			found = &spec->mounts[i];
	}
	return found;
}

static bool is_bind(const struct spec_mount *mount)
{
	if (str_equal(mount->type, "bind"))
		return true;
	for (size_t i = 0; i < mount->options.count; i++)
		if (str_equal(mount->options.items[i], "bind") ||
		    str_equal(mount->options.items[i], "rbind"))
			return true;
	return false;
}

static bool is_own(const struct survey *s, const char *device)
{
	for (size_t i = 0; i < s->own_count; i++)
		if (str_equal(s->own[i], device))
			return true;
	return false;
}

static bool is_masked(const struct survey *s, const char *path)
{
	const struct string_list *masked = &s->spec->linux.masked_paths;

	for (size_t i = 0; i < masked->count; i++)
		if (str_equal(masked->items[i], path))
			return true;
	return false;
}

/* A part of the root file system, mounted once more (a read-only path). */
static bool is_part_of_root(const struct survey *s, const struct mountinfo *m)
{
	size_t length = strlen(s->root->root);

	if (!str_equal(m->device, s->root->device))
		return false;
	if (str_equal(s->root->root, "/"))
		return true;
	return strncmp(m->root, s->root->root, length) == 0 && m->root[length] == '/';
}

/* Bound together with a directory above it (rbind). */
static bool is_below_bind(const struct survey *s, const char *path)
{
	char *above = arena_strdup(s->arena, path);

	for (char *slash = above ? strrchr(above, '/') : NULL; slash && slash != above;
	     slash = strrchr(above, '/')) {
		*slash = '\0';

		const struct spec_mount *mount = facts_find_mount(s->spec, s->arena, above);

		if (mount)
			return is_bind(mount);
	}
	return false;
}

/* Over another one at the same place that is no directory above it. */
static bool is_over(const struct survey *s, const struct mountinfo *m)
{
	for (const struct mountinfo *other = s->all.items; other < m; other++)
		if (str_equal(other->path, m->path) && str_equal(other->id, m->parent))
			return true;
	return false;
}

static enum fact_mount_source classify(struct survey *s, const struct mountinfo *m, bool directory)
{
	/* What lies over a mount of the configuration is none. */
	const struct spec_mount *mount =
		is_over(s, m) ? NULL : facts_find_mount(s->spec, s->arena, m->path);

	if (m == s->root)
		return MOUNT_INTERNAL;
	if (str_starts(m->type, "cgroup"))
		return MOUNT_CGROUP;
	if (mount && is_bind(mount))
		return MOUNT_BIND;
	if (mount) {
		s->own[s->own_count++] = m->device;
		return MOUNT_INTERNAL;
	}
	if (is_own(s, m->device))
		return MOUNT_INTERNAL;
	if (directory && is_masked(s, m->path) && str_equal(m->type, "tmpfs"))
		return MOUNT_MASK;
	/* A masked file is /dev/null, and not what a directory that is bound has there. */
	if (!directory && is_masked(s, m->path) && str_ends(m->root, "/null"))
		return MOUNT_DEVICE;
	if (is_part_of_root(s, m))
		return MOUNT_INTERNAL;
	if (is_below_bind(s, m->path))
		return MOUNT_BIND;
	if (!directory && str_equal(m->type, "devtmpfs"))
		return MOUNT_DEVICE;
	return MOUNT_INTERNAL;
}

static bool is_directory(const struct survey *s, const char *path)
{
	struct stat st;
	scoped_fd fd = path_try_open(s->root_fd, path, O_PATH, 0);

	return fd < 0 || fstat(fd, &st) < 0 || S_ISDIR(st.st_mode);
}

static int describe(struct survey *s, const struct mountinfo *m, struct fact_mount *ret,
                    struct error *err)
{
	ret->path = arena_strdup(s->arena, m->path);
	ret->options = arena_strdup(s->arena, m->options);
	ret->directory = is_directory(s, m->path);
	ret->on_root = str_equal(m->parent, s->root->id);
	ret->source = classify(s, m, ret->directory);
	if (ret->source == MOUNT_DEVICE)
		ret->from = arena_format(s->arena, "/dev%s", m->root);
	if (!ret->path || !ret->options || (ret->source == MOUNT_DEVICE && !ret->from))
		return error_code(err, ENOMEM, "mounts");
	return 0;
}

static int begin(struct survey *s, int proc_fd, struct error *err)
{
	int r = mountinfo_read(proc_fd, s->arena, &s->all, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->all.count; i++)
		if (str_equal(s->all.items[i].path, "/"))
			s->root = &s->all.items[i];
	if (!s->root)
		return error_set(err, ENOENT, "the container has no root mount");
	s->own = arena_alloc(s->arena, s->all.count, sizeof(*s->own));
	return s->own ? 0 : error_code(err, ENOMEM, "mounts");
}

int facts_collect_mounts(int proc_fd, const struct spec *spec, struct facts *facts,
                         struct error *err)
{
	scoped_fd root_fd = openat(proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct survey s = {.spec = spec, .arena = &facts->arena, .root_fd = root_fd};

	if (root_fd < 0)
		return error_errno(err, "root of the container");

	int r = begin(&s, proc_fd, err);

	if (r < 0)
		return r;
	facts->mounts = arena_alloc(&facts->arena, s.all.count, sizeof(*facts->mounts));
	if (!facts->mounts)
		return error_code(err, ENOMEM, "mounts");
	for (size_t i = 0; i < s.all.count && r == 0; i++)
		r = describe(&s, &s.all.items[i], &facts->mounts[facts->mount_count++], err);
	return r < 0 ? r : tmpfs_recognize(&s.all, facts, err);
}
