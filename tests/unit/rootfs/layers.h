/* What the tests of the layer_ files share: trees in a temporary directory, made and read by shell-like words. */
#ifndef LVM_RUN_TESTS_LAYERS_H
#define LVM_RUN_TESTS_LAYERS_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "rootfs/layer.h"
#include "rootfs/layer_tree.h"

struct trees {
	char path[64];
	int fd;
	struct error err;
};

static inline int trees_begin(void **state)
{
	struct trees *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	(void)snprintf(t->path, sizeof(t->path), "/tmp/lvm-run-layers-XXXXXX");
	assert_non_null(mkdtemp(t->path));
	t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->fd >= 0);
	*state = t;
	return 0;
}

static inline int trees_end(void **state)
{
	struct trees *t = *state;
	struct error err;
	const char *name = strrchr(t->path, '/') + 1;
	scoped_fd tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = layer_remove(tmp, name, &err);

	fd_close(&t->fd);
	free(t);
	return r;
}

static inline void make_dir(struct trees *t, const char *path)
{
	assert_int_equal(0, mkdirat(t->fd, path, 0755));
}

static inline void make_file(struct trees *t, const char *path, const char *text)
{
	scoped_fd fd = openat(t->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(0, fd_write_all(fd, text, strlen(text)));
}

static inline void make_whiteout(struct trees *t, const char *path)
{
	if (mknodat(t->fd, path, S_IFCHR, makedev(0, 0)) < 0)
		skip();
}

static inline void make_opaque(struct trees *t, const char *path)
{
	struct error err;
	scoped_fd fd = openat(t->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	if (tree_set_mark(fd, "opaque", false, &err) < 0)
		skip();
}

static inline bool is_opaque_dir(struct trees *t, const char *path)
{
	scoped_fd fd = openat(t->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && tree_has_mark(fd, "opaque", false);
}

static inline void has_text(struct trees *t, const char *path, const char *text)
{
	char buffer[256];
	scoped_fd fd = openat(t->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	assert_true(size >= 0);
	buffer[size] = '\0';
	assert_string_equal(text, buffer);
}

static inline bool is_there(struct trees *t, const char *path)
{
	return faccessat(t->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline int open_tree_dir(struct trees *t, const char *path)
{
	int fd = openat(t->fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

#endif
