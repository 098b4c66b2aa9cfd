#include "checkpoint/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "checkpoint/facts.h"
#include "rootfs/layer.h"

/* Not in every C library. */
static int exchange(int parent, const char *a, const char *b)
{
	return (int)syscall(SYS_renameat2, parent, a, parent, b, RENAME_EXCHANGE);
}

/* Removes all of a directory but the file named `spared` (may be null). */
static void empty(int parent, const char *name, const char *spared)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct error ignored;

	if (!list) {
		fd_close(&fd);
		return;
	}
	for (struct dirent *e = readdir(list); e; e = readdir(list))
		if (!str_equal(e->d_name, ".") && !str_equal(e->d_name, "..") &&
		    !str_equal(e->d_name, spared) && unlinkat(fd, e->d_name, 0) < 0 &&
		    errno == EISDIR)
			(void)!layer_remove(fd, e->d_name, &ignored); /* parent.h */
	(void)closedir(list);
}

static void discard(int parent, const char *name)
{
	empty(parent, name, NULL);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

void image_done(struct image *image)
{
	int keep_errno = errno;

	if (image->fd >= 0 && !image->kept) {
		const char *name = image->sealed ? image->name : image->temporary;

		empty(image->parent_fd, name, DUMP_LOG_NAME);
		/* Nothing in it: gone. A log in it: it takes the place if that is free. */
		if (unlinkat(image->parent_fd, name, AT_REMOVEDIR) < 0 && !image->sealed &&
		    renameat(image->parent_fd, name, image->parent_fd, image->name) < 0) {
			char log[2 * NAME_MAX + 4], place[2 * NAME_MAX + 4];

			(void)snprintf(log, sizeof(log), "%s/" DUMP_LOG_NAME, name);
			(void)snprintf(place, sizeof(place), "%s/" DUMP_LOG_NAME, image->name);
			(void)renameat(image->parent_fd, log, image->parent_fd, place);
			discard(image->parent_fd, name);
		}
	}
	fd_close(&image->fd);
	fd_close(&image->parent_fd);
	errno = keep_errno;
}

void image_keep(struct image *image)
{
	image->kept = true;
}

/* mkdir -p for all but the last name. */
static int open_parent(char *path, struct error *err)
{
	for (char *c = path + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "%s", path);
		*c = '/';
	}

	char *slash = strrchr(path, '/');

	slash[slash == path] = '\0';

	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "%s", path) : fd;
}

static int make_absolute(const char *path, char ret[static PATH_MAX], struct error *err)
{
	char here[PATH_MAX] = "";

	if (path[0] != '/' && !getcwd(here, sizeof(here)))
		return error_errno(err, "current directory");

	int size = snprintf(ret, PATH_MAX, "%s%s%s", here, path[0] == '/' ? "" : "/", path);

	if (size < 0 || size >= PATH_MAX)
		return error_code(err, ENAMETOOLONG, "%s", path);
	while (size > 1 && (ret[size - 1] == '/' || str_ends(ret, "/.")))
		ret[--size] = '\0';
	return 0;
}

/* What is in its place must be nobody else's. */
static int check_place(const struct image *image, struct error *err)
{
	int fd = openat(image->parent_fd, image->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool strange = false;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_errno(err, "%s", image->path);
	if (faccessat(fd, MANIFEST_NAME, F_OK, 0) == 0) {
		fd_close(&fd);
		return 0;
	}

	DIR *list = fdopendir(fd);

	if (!list) {
		int r = error_errno(err, "%s", image->path);

		fd_close(&fd);
		return r;
	}
	for (struct dirent *e = readdir(list); e; e = readdir(list))
		strange |= !str_equal(e->d_name, ".") && !str_equal(e->d_name, "..") &&
		           !str_equal(e->d_name, DUMP_LOG_NAME);
	(void)closedir(list);
	return strange ? error_set(err, ENOTEMPTY,
	                           "%s is not empty and holds no checkpoint of lvm-run",
	                           image->path)
	               : 0;
}

/* A name that nobody else has: it is known before it is taken, so that it can be removed by who learns of it then. */
static int name_temporary(struct image *image, struct error *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return error_errno(err, "random name");
	(void)snprintf(image->temporary, sizeof(image->temporary), ".lvm-run-%016llx",
	               (unsigned long long)number);
	return 0;
}

void image_find(struct image *image)
{
	if (image->fd < 0)
		image->fd = openat(image->parent_fd, image->temporary,
		                   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int image_make(struct image *image, struct error *err)
{
	if (mkdirat(image->parent_fd, image->temporary, 0700) < 0)
		return error_errno(err, "make image directory beside %s", image->path);
	image_find(image);
	return image->fd < 0 ? error_errno(err, "open image directory") : 0;
}

int image_begin(const char *path, struct image *ret, struct error *err)
{
	char parent[PATH_MAX];
	int r = make_absolute(path, ret->path, err);

	if (r < 0)
		return r;

	const char *name = strrchr(ret->path, '/') + 1;

	if (!*name || strlen(name) > NAME_MAX || str_equal(name, ".."))
		return error_set(err, EINVAL, "image path %s has no name", path);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	(void)snprintf(parent, sizeof(parent), "%s", ret->path);
	ret->parent_fd = open_parent(parent, err);
	if (ret->parent_fd < 0)
		return -err->code;
	r = check_place(ret, err);
	return r < 0 ? r : name_temporary(ret, err);
}

int image_seal(struct image *image, struct error *err)
{
	int parent = image->parent_fd;

	if (renameat(parent, image->temporary, parent, image->name) == 0) {
		image->sealed = true;
		return 0;
	}
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_errno(err, "put the images in place: %s", image->path);
	if (exchange(parent, image->temporary, image->name) < 0)
		return error_errno(err, "replace %s", image->path);
	image->sealed = true;
	discard(parent, image->temporary);
	return 0;
}
