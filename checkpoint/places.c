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
#include "rootfs/path.h"

void places_done(struct places *places)
{
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
	default:
		*ret = NULL;
	}
	return 0;
}

static int list_external(const struct places_request *request, struct places *places,
                         struct error *err)
{
	const struct facts *facts = request->facts;
	char key[MOUNT_KEY_SIZE];

	places->external =
		arena_alloc(&places->arena, facts->mount_count + 1, sizeof(*places->external));
	if (!places->external)
		return error_code(err, ENOMEM, "restore");
	for (size_t i = 0; i < facts->mount_count; i++) {
		const char *source = NULL;
		char *text;
		int r = name_source(request, places, &facts->mounts[i], &source, err);

		if (r < 0)
			return r;
		if (!source)
			continue;
		text = arena_format(&places->arena, "mnt[%s]:%s", facts_mount_key(i, key), source);
		if (!text)
			return error_code(err, ENOMEM, "restore");
		places->external[places->external_count++] = text;
	}
	return 0;
}

/* --- Mount points --- */

static int make_points(const struct places *places, struct error *err)
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
	return 0;
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
	ret->root = arena_format(&ret->arena, "%s/root", request->hidden);
	ret->mask = arena_format(&ret->arena, "%s/mask", request->hidden);
	if (!ret->root || !ret->mask)
		return error_code(err, ENOMEM, "restore");

	r = make_points(ret, err);
	return r < 0 ? r : list_external(request, ret, err);
}

/* --- CRIU's mount namespace --- */

int places_enter(const struct places *places, struct error *err)
{
	const unsigned long strict = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (unshare(CLONE_NEWNS) < 0)
		return error_errno(err, "mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return error_errno(err, "mount propagation");
	if (mount("lvm-run", places->hidden, "tmpfs", strict, "mode=0700,size=64k") < 0)
		return error_errno(err, "tmpfs on %s", places->hidden);
	if (mkdir(places->root, 0700) < 0 || mkdir(places->mask, 0755) < 0)
		return error_errno(err, "mount points");
	if (mount("none", places->mask, "tmpfs", strict | MS_RDONLY, "mode=0755,nr_inodes=1") < 0)
		return error_errno(err, "tmpfs for masked paths");
	if (places->root_fd >= 0) {
		if (move_mount(places->root_fd, "", AT_FDCWD, places->root,
		               MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return error_errno(err, "attach %s", places->rootfs);
	} else if (mount(places->rootfs, places->root, NULL, MS_BIND | MS_REC, NULL) < 0) {
		return error_errno(err, "bind mount %s", places->rootfs);
	}
	if (mount(NULL, places->root, NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return error_errno(err, "make %s private", places->rootfs);
	return 0;
}
