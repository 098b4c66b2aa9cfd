#include "checkpoint/places.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "base/sys.h"
#include "checkpoint/tmpfs.h"
#include "rootfs/path.h"
#include "rootfs/rootfs.h"

void places_done(struct places *places)
{
	for (size_t i = 0; places->list && i < places->facts->mount_count; i++)
		if (places->list[i].tree > 0)
			close(places->list[i].tree);
	arena_done(&places->arena);
}

/* --- Sources --- */

/* A relative path starts in the bundle. */
static char *from_bundle(struct arena *arena, const char *bundle, const char *path)
{
	return path[0] == '/' ? arena_strdup(arena, path)
	                      : arena_format(arena, "%s/%s", bundle, path);
}

/* The source of the bind mount at `path`, or of the one above it with what is left of the path. */
static char *find_source(const struct places_request *request, struct arena *arena,
                         const char *path)
{
	const struct spec *spec = request->spec;
	char *found = NULL;
	size_t best = 0;

	for (size_t i = 0; i < spec->mount_count; i++) {
		char *place = arena_strdup(arena, spec->mounts[i].destination);
		size_t length;

		if (!place || !spec->mounts[i].source)
			continue;
		path_clean(place);
		length = strlen(place);
		if (length == 0 || length < best || strncmp(path + 1, place, length) != 0 ||
		    (path[1 + length] != '/' && path[1 + length] != '\0'))
			continue;
		found = from_bundle(arena, request->bundle, spec->mounts[i].source);
		if (found)
			found = arena_format(arena, "%s%s", found, path + 1 + length);
		best = length;
	}
	return found;
}

static int name_source(const struct places_request *request, struct places *places,
                       const struct fact_mount *mount, const char **ret, struct error *err)
{
	switch (mount->source) {
	case MOUNT_BIND:
		*ret = find_source(request, &places->arena, mount->path);
		if (!*ret)
			return error_set(err, ENOENT,
			                 "config.json has no mount at %s, which the checkpoint "
			                 "needs",
			                 mount->path);
		break;
	case MOUNT_CGROUP:
		*ret = request->cgroup;
		if (!*ret)
			return error_set(err, ENOTSUP,
			                 "the checkpoint has a cgroup mount, but the container "
			                 "gets no cgroup of its own");
		break;
	case MOUNT_MASK:
		*ret = places->mask;
		break;
	case MOUNT_DEVICE:
		*ret = mount->from;
		break;
	case MOUNT_TMPFS:
	case MOUNT_PART:
		*ret = mount->path;
		break;
	default:
		*ret = NULL;
	}
	return 0;
}

static bool is_carried(const struct places *places, size_t index)
{
	enum fact_mount_source source = places->facts->mounts[index].source;

	return source == MOUNT_TMPFS || source == MOUNT_PART ||
	       (places->carried && source != MOUNT_MASK);
}

static int list_external(const struct places_request *request, struct places *places,
                         struct error *err)
{
	const struct facts *facts = request->facts;
	char key[MOUNT_KEY_SIZE];

	places->external =
		arena_alloc(&places->arena, facts->mount_count + 1, sizeof(*places->external));
	places->list = arena_alloc(&places->arena, facts->mount_count + 1, sizeof(*places->list));
	if (!places->external || !places->list)
		return error_code(err, ENOMEM, "restore");
	for (size_t i = 0; i < facts->mount_count; i++) {
		struct place *place = &places->list[i];
		char *text;
		int r = name_source(request, places, &facts->mounts[i], &place->source, err);

		if (r < 0)
			return r;
		if (!place->source)
			continue;
		if (is_carried(places, i)) {
			place->from = place->source;
			place->source = arena_format(&places->arena, "%s/%zu", places->hidden, i);
		}
		text = !place->source ? NULL
		                      : arena_format(&places->arena, "mnt[%s]:%s",
		                                     facts_mount_key(i, key), place->source);
		if (!text)
			return error_code(err, ENOMEM, "restore");
		places->external[places->external_count++] = text;
	}
	return 0;
}

static bool has_id_maps(const struct spec *spec)
{
	for (size_t i = 0; i < spec->mount_count; i++)
		if (rootfs_is_idmapped(&spec->mounts[i]))
			return true;
	return false;
}

/* CRIU mounts what it finds, so the id maps are made here. */
static int map_mounts(const struct places_request *request, struct places *places,
                      struct error *err)
{
	const struct facts *facts = request->facts;
	scoped_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_fd bundle = open(request->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct rootfs_request part = {
		.spec = request->spec,
		.bundle_fd = bundle,
		.bundle_path = request->bundle,
		.proc_fd = proc,
		.user_namespace = request->user_namespace,
	};

	if (proc < 0 || bundle < 0)
		return error_errno(err, "bundle %s", request->bundle);
	for (size_t i = 0; i < facts->mount_count; i++) {
		const struct spec_mount *mount;

		if (facts->mounts[i].source != MOUNT_BIND)
			continue;
		mount = facts_find_mount(request->spec, &places->arena, facts->mounts[i].path);
		if (!mount || !rootfs_is_idmapped(mount))
			continue;
		places->list[i].tree = rootfs_open_bind(&part, mount, err);
		if (places->list[i].tree < 0)
			return -err->code;
	}
	return 0;
}

/* --- Mount points --- */

/* CRIU leaves its own root by way of /tmp, or of a directory that it makes, which a read-only root refuses. */
static int make_exit(int root, struct error *err)
{
	scoped_fd place = path_try_open(root, "tmp", O_PATH, 0);

	if (place != -ENOENT)
		return 0;
	place = path_open_made_dir(root, "tmp", 01777, err);
	return place < 0 ? error_wrap(err, "CRIU needs a directory /tmp in a read-only root") : 0;
}

static int make_points(const struct places *places, bool read_only, struct error *err)
{
	const struct facts *facts = places->facts;
	scoped_fd root = places->root_fd < 0
	                         ? open(places->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC)
	                         : fcntl(places->root_fd, F_DUPFD_CLOEXEC, 3);

	if (root < 0)
		return error_errno(err, "root file system %s", places->rootfs);
	for (size_t i = 0; i < facts->mount_count; i++) {
		const struct fact_mount *mount = &facts->mounts[i];
		scoped_fd point = -1;

		if (!mount->on_root)
			continue;
		point = path_try_open(root, mount->path, O_PATH, 0);
		if (point >= 0)
			continue;
		point = mount->directory ? path_open_made_dir(root, mount->path, 0755, err)
		                         : path_open_made_file(root, mount->path, 0644, err);
		if (point < 0)
			return point;
	}
	return read_only ? make_exit(root, err) : 0;
}

static int find_root(const struct places_request *request, struct places *ret, struct error *err)
{
	if (request->root_fd >= 0) {
		(void)snprintf(ret->rootfs, sizeof(ret->rootfs), "%s", request->root_path);
		return 0;
	}

	scoped_str root =
		str_format("%s%s%s", request->spec->root.path[0] == '/' ? "" : request->bundle,
	                   request->spec->root.path[0] == '/' ? "" : "/", request->spec->root.path);

	if (!root)
		return error_code(err, ENOMEM, "restore");
	if (!realpath(root, ret->rootfs))
		return error_errno(err, "root file system %s", root);
	return 0;
}

int places_prepare(const struct places_request *request, struct places *ret, struct error *err)
{
	int r = find_root(request, ret, err);

	if (r < 0)
		return r;
	ret->root_fd = request->root_fd;
	ret->facts = request->facts;
	ret->hidden = request->hidden;
	ret->image_fd = request->image_fd;
	ret->carried = request->user_namespace || has_id_maps(request->spec);
	ret->root = arena_format(&ret->arena, "%s/root", request->hidden);
	ret->mask = arena_format(&ret->arena, "%s/mask", request->hidden);
	if (!ret->root || !ret->mask)
		return error_code(err, ENOMEM, "restore");

	r = make_points(ret, request->spec->root.readonly, err);
	if (r == 0)
		r = list_external(request, ret, err);
	return r == 0 && has_id_maps(request->spec) ? map_mounts(request, ret, err) : r;
}

/* --- CRIU's mount namespace --- */

/* What lies in the way of others than root: the first directory on the way to `path` that they may not enter. */
static void find_barrier(const char *path, char ret[static PATH_MAX])
{
	struct stat st;

	(void)snprintf(ret, PATH_MAX, "%s", path);
	for (char *slash = strchr(ret + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (stat(ret, &st) == 0 && !(st.st_mode & S_IXOTH))
			return;
		*slash = '/';
	}
}

/* A tmpfs over `hidden`, which has the other mounts in it. */
static int cover(const struct places *places, struct error *err)
{
	const unsigned long strict = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char place[PATH_MAX];

	if (!places->carried) {
		if (mount("lvm-run", places->hidden, "tmpfs", strict, "mode=0700,size=64k") < 0)
			return error_errno(err, "tmpfs on %s", places->hidden);
		return 0;
	}
	find_barrier(places->hidden, place);
	if (mount("lvm-run", place, "tmpfs", strict, "mode=0755,size=256k") < 0)
		return error_errno(err, "tmpfs on %s", place);
	for (size_t end = strlen(place); places->hidden[end]; end = strlen(place)) {
		size_t length = end + 1 + strcspn(places->hidden + end + 1, "/");

		(void)snprintf(place, sizeof(place), "%.*s", (int)length, places->hidden);
		if (mkdir(place, 0755) < 0)
			return error_errno(err, "%s", place);
	}
	return 0;
}

static int make_tmpfs(const struct places *places, const struct fact_mount *mount,
                      struct error *err)
{
	int fd = tmpfs_make(mount->tmpfs, (unsigned int)places_attributes(mount->options),
	                    places->image_fd, err);

	return fd < 0 ? error_wrap(err, "tmpfs %s", mount->path) : fd;
}

/*
 * Nothing else is mounted in what is taken, so that it may be mounted again by who owns less. What is made is made
 * here, in the container's group, which the memory of it counts for.
 */
static int take_tree(const struct places *places, size_t index, struct error *err)
{
	const struct fact_mount *mount = &places->facts->mounts[index];
	const struct place *place = &places->list[index];
	int fd;

	if (mount->source == MOUNT_TMPFS)
		return make_tmpfs(places, mount, err);
	if (!place->from || place->tree || mount->source == MOUNT_PART)
		return place->tree;
	fd = open_tree(AT_FDCWD, place->from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return fd < 0 ? error_errno(err, "source %s", place->from) : fd;
}

static int take_trees(const struct places *places, int *trees, struct error *err)
{
	for (size_t i = 0; i < places->facts->mount_count; i++) {
		trees[i] = take_tree(places, i, err);
		if (trees[i] < 0)
			return trees[i];
	}
	return 0;
}

static int put_tree(const struct places *places, size_t index, int tree, struct error *err)
{
	const struct place *place = &places->list[index];
	struct stat st;

	if (fstat(tree, &st) < 0)
		return error_errno(err, "source %s", place->from);
	if ((S_ISDIR(st.st_mode) ? mkdir(place->source, 0755)
	                         : mknod(place->source, S_IFREG | 0644, 0)) < 0 ||
	    move_mount(tree, "", AT_FDCWD, place->source, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "bind mount %s", place->from);
	return 0;
}

/* A part of one that is in its place; nothing in it leads out of it. */
static int put_part(const struct places *places, size_t index, struct error *err)
{
	const struct fact_mount *part = &places->facts->mounts[index];
	scoped_fd whole = open(places->list[part->of].source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_fd place = whole < 0 ? -errno
	                            : path_try_open(whole, part->from, O_PATH,
	                                            RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	scoped_fd tree = -1;

	if (place < 0)
		return error_code(err, -place, "source %s", part->path);
	tree = open_tree(place, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	return tree < 0 ? error_errno(err, "source %s", part->path)
	                : put_tree(places, index, tree, err);
}

static int put_trees(const struct places *places, const int *trees, struct error *err)
{
	const struct facts *facts = places->facts;
	int r = 0;

	for (size_t i = 0; i < facts->mount_count && r == 0; i++)
		if (places->list[i].from && facts->mounts[i].source != MOUNT_PART)
			r = put_tree(places, i, trees[i], err);
	for (size_t i = 0; i < facts->mount_count && r == 0; i++)
		if (facts->mounts[i].source == MOUNT_PART)
			r = put_part(places, i, err);
	return r;
}

/* The root as a detached mount; −errno: *err. */
static int take_root(const struct places *places, struct error *err)
{
	const unsigned int all = places->carried ? 0 : AT_RECURSIVE;
	int fd = places->root_fd >= 0 ? places->root_fd
	                              : open_tree(AT_FDCWD, places->rootfs,
	                                          OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | all);

	return fd < 0 ? error_errno(err, "bind mount %s", places->rootfs) : fd;
}

static int fill(const struct places *places, int root, const int *trees, struct error *err)
{
	const unsigned long strict = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int r = cover(places, err);

	if (r < 0)
		return r;
	if (mkdir(places->root, 0755) < 0 || mkdir(places->mask, 0755) < 0)
		return error_errno(err, "mount points");
	if (mount("none", places->mask, "tmpfs", strict | MS_RDONLY, "mode=0755,nr_inodes=1") < 0)
		return error_errno(err, "tmpfs for masked paths");
	if (move_mount(root, "", AT_FDCWD, places->root, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "attach %s", places->rootfs);
	if (mount(NULL, places->root, NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return error_errno(err, "make %s private", places->rootfs);
	return put_trees(places, trees, err);
}

int places_enter(const struct places *places, struct error *err)
{
	/* In a process that soon executes CRIU. */
	int *trees = calloc(places->facts->mount_count + 1, sizeof(*trees));

	if (!trees)
		return error_code(err, ENOMEM, "restore");
	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, "mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return error_errno(err, "mount propagation");

	int root = take_root(places, err);
	int r = root < 0 ? root : take_trees(places, trees, err);

	if (r == 0)
		r = fill(places, root, trees, err);
	free(trees);
	return r;
}
