#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* Reads `fd`, which is said to have `expected` bytes, to its end into *ret. */
static int read_growing(int fd, size_t expected, size_t limit, char **ret, size_t *ret_size)
{
	size_t capacity = expected + 1; /* one more byte, to see the end without another call */
	scoped_str data = malloc(capacity + 1);
	size_t size = 0;

	if (!data)
		return -ENOMEM;
	for (;;) {
		ssize_t count = read(fd, data + size, capacity - size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		size += (size_t)count;
		if (size > limit)
			return -EFBIG;
		if (count == 0 || size == expected)
			break;
		if (size < capacity)
			continue;

		char *grown = realloc(data, 2 * capacity + 1);

		if (!grown)
			return -ENOMEM;
		data = grown;
		capacity *= 2;
	}
	data[size] = '\0';
	*ret = str_take(&data);
	*ret_size = size;
	return 0;
}

int file_read(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_size,
              struct error *err)
{
	scoped_fd fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t size = 0;

	if (fd < 0)
		return error_errno(err, "open %s", path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s: not a regular file", path);
	if (st.st_size < 0 || (uintmax_t)st.st_size > limit)
		return error_set(err, EFBIG, "%s: larger than %zu bytes", path, limit);

	int r = read_growing(fd, (size_t)st.st_size, limit, ret, &size);

	if (r == -EFBIG)
		return error_set(err, EFBIG, "%s: larger than %zu bytes", path, limit);
	if (r < 0)
		return error_code(err, -r, "read %s", path);
	if (ret_size)
		*ret_size = size;
	return 0;
}

ssize_t file_read_kernel(int dirfd, const char *path, char *buffer, size_t size, struct error *err)
{
	scoped_fd fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_errno(err, "open %s", path);

	ssize_t count = read(fd, buffer, size - 1);

	if (count < 0)
		return error_errno(err, "read %s", path);
	if (count > 0 && buffer[count - 1] == '\n')
		count--;
	buffer[count] = '\0';
	return count;
}

int file_write_kernel(int dirfd, const char *path, const char *text, struct error *err)
{
	scoped_fd fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t size = 0;

	if (fd < 0)
		return error_errno(err, "open %s", path);
	while (text[size])
		size++;
	if (write(fd, text, size) < 0)
		return error_errno(err, "write \"%s\" to %s", text, path);
	return 0;
}

int file_write_atomic(int dirfd, const char *name, unsigned int mode, const void *data, size_t size,
                      struct error *err)
{
	scoped_str temporary = str_format(".%s.%ld.tmp", name, (long)getpid());

	if (!temporary)
		return error_code(err, ENOMEM, "write %s", name);

	scoped_fd fd = openat(dirfd, temporary,
	                      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);

	if (fd < 0 && errno == EEXIST) { /* left by a killed process that had our number */
		(void)unlinkat(dirfd, temporary, 0);
		fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		            (mode_t)mode);
	}
	if (fd < 0)
		return error_errno(err, "create %s", name);

	int r = fd_write_all(fd, data, size);

	if (r < 0)
		r = error_code(err, -r, "write %s", name);
	else if (renameat(dirfd, temporary, dirfd, name) < 0)
		r = error_errno(err, "rename %s", name);
	if (r < 0)
		(void)unlinkat(dirfd, temporary, 0);
	return r;
}

/* Gives the nameless file its name; −EEXIST when another keeps taking it. */
static int link_file(int fd, int dirfd, const char *name)
{
	enum { TURNS = 16 };
	char path[FD_PATH_SIZE];

	(void)fd_path(fd, path);
	for (int i = 0; i < TURNS; i++) {
		if (linkat(AT_FDCWD, path, dirfd, name, AT_SYMLINK_FOLLOW) == 0)
			return 0;
		if (errno != EEXIST || unlinkat(dirfd, name, 0) < 0)
			return -errno;
	}
	return -EEXIST;
}

int file_write_whole(int dirfd, const char *name, unsigned int mode, const void *data, size_t size,
                     struct error *err)
{
	scoped_fd fd = openat(dirfd, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, (mode_t)mode);

	/* The file system has no such files. */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		return file_write_atomic(dirfd, name, mode, data, size, err);
	if (fd < 0)
		return error_errno(err, "create %s", name);

	int r = fd_write_all(fd, data, size);

	if (r < 0)
		return error_code(err, -r, "write %s", name);
	r = link_file(fd, dirfd, name);
	return r < 0 ? error_code(err, -r, "name %s", name) : 0;
}
