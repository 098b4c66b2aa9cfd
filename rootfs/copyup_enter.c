/*
 * tmpcopyup: the content of a directory of the image is copied into the tmpfs that will cover it.
 * Runs in the child, without allocation: directories are read into a buffer on the stack, and the
 * depth is bounded. Nothing is followed: every name is opened in the directory that holds it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "rootfs/plan.h"

enum { DEPTH_MAX = 64, DIRECTORY_BUFFER = 2048, XATTR_NAMES = 1024, XATTR_VALUE = 1024 };

static int copy_tree(int from, int to, int depth, struct error *err);

static int copy_data(int from, int to)
{
	char buffer[8192];
	ssize_t size;

	while ((size = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0)
		;
	if (!size)
		return 0;
	while ((size = read(from, buffer, sizeof(buffer))) > 0) {
		int r = fd_write_all(to, buffer, (size_t)size);

		if (r)
			return r;
	}
	return size ? -errno : 0;
}

/* What tmpfs takes of the attributes; the others are of no use there. */
static void copy_xattrs(int from, int to)
{
	char names[XATTR_NAMES], value[XATTR_VALUE];
	ssize_t size = flistxattr(from, names, sizeof(names));

	for (const char *name = names; size > 0 && name < names + size; name += strlen(name) + 1) {
		ssize_t length = fgetxattr(from, name, value, sizeof(value));

		if (length >= 0)
			(void)!fsetxattr(to, name, value, (size_t)length, 0);
	}
}

/* Owner before mode: a change of owner clears set-id bits. */
static int copy_metadata(int from, int to, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};

	if (fchown(to, st->st_uid, st->st_gid) || fchmod(to, st->st_mode & 07777))
		return -errno;
	copy_xattrs(from, to);
	return futimens(to, times) ? -errno : 0;
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	scoped_fd from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	scoped_fd to = -1;
	struct stat opened;
	int r;

	if (from < 0 || fstat(from, &opened))
		return -errno;
	if (!S_ISREG(opened.st_mode))
		return -ESTALE;
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = copy_data(from, to);
	return r ? r : copy_metadata(from, to, st);
}

static int copy_link(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	char text[4096];
	ssize_t size = readlinkat(from_dir, name, text, sizeof(text) - 1);

	if (size < 0)
		return -errno;
	text[size] = '\0';
	if (symlinkat(text, to_dir, name) ||
	    fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return 0;
}

static int copy_special(int to_dir, const char *name, const struct stat *st)
{
	if (mknodat(to_dir, name, st->st_mode, st->st_rdev) ||
	    fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return 0;
}

static int copy_directory(int from_dir, int to_dir, const char *name, const struct stat *st,
                          int depth, struct error *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	scoped_fd from = openat(from_dir, name, flags);
	scoped_fd to = -1;
	int r;

	if (from < 0 || mkdirat(to_dir, name, 0700))
		return error_errno(err, "copy %s", name);
	to = openat(to_dir, name, flags);
	if (to < 0)
		return error_errno(err, "copy %s", name);
	r = copy_tree(from, to, depth + 1, err);
	if (r)
		return error_wrap(err, "%s", name);
	r = copy_metadata(from, to, st);
	return r ? error_code(err, -r, "copy %s", name) : 0;
}

static int copy_entry(int from, int to, const char *name, int depth, struct error *err)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return error_errno(err, "copy %s", name);
	if (S_ISDIR(st.st_mode))
		return copy_directory(from, to, name, &st, depth, err);
	if (S_ISREG(st.st_mode))
		r = copy_file(from, to, name, &st);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(from, to, name, &st);
	else
		r = copy_special(to, name, &st);
	return r ? error_code(err, -r, "copy %s", name) : 0;
}

static int copy_tree(int from, int to, int depth, struct error *err)
{
	_Alignas(struct dirent) char buffer[DIRECTORY_BUFFER];
	ssize_t size;

	if (depth > DEPTH_MAX)
		return error_set(err, ELOOP, "more than %d levels of directories", DEPTH_MAX);
	while ((size = sys_getdents(from, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < size;) {
			const struct dirent *entry = (const void *)(buffer + at);
			const char *name = entry->d_name;
			int r = 0;

			at += entry->d_reclen;
			if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
				r = copy_entry(from, to, name, depth, err);
			if (r)
				return r;
		}
	}
	return size < 0 ? error_errno(err, "read a directory") : 0;
}

int copyup_enter(int from_fd, int to_fd, struct error *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	scoped_fd from = openat(from_fd, ".", flags);
	scoped_fd to = openat(to_fd, ".", flags);
	struct stat st;
	int r;

	if (from < 0 || to < 0 || fstat(from, &st))
		return error_errno(err, "open");
	r = copy_tree(from, to, 0, err);
	if (r)
		return r;
	r = copy_metadata(from, to, &st);
	return r ? error_code(err, -r, "copy the directory's owner and mode") : 0;
}
