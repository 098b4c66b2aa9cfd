/* Where the state root is, and whether it may be used. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/store.h"

/* --- Which one --- */

/* $XDG_RUNTIME_DIR, or the place where it would be: su(1) and cron(8) do not set it. */
static const char *user_runtime_dir(char *own, size_t size)
{
	const char *set = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (set && *set == '/')
		return set;
	(void)snprintf(own, size, "/run/user/%u", (unsigned int)geteuid());
	return stat(own, &st) == 0 && st.st_uid == geteuid() ? own : NULL;
}

/* Root of a user's own user namespace is that user, as engines without root call us. */
static bool is_user(void)
{
	return geteuid() != 0 || (getenv("XDG_RUNTIME_DIR") && process_is_rootless());
}

char *store_default_root(struct error *err)
{
	char own[32] = "";
	const char *parent = is_user() ? user_runtime_dir(own, sizeof(own)) : "/run";

	if (!parent) {
		(void)error_set(
			err, ENOENT,
			"no state root for user %u: XDG_RUNTIME_DIR is not set and there is "
			"no %s; set it to a directory of yours, or name one with --root",
			(unsigned int)geteuid(), own);
		return NULL;
	}

	char *path = str_format("%s/lvm-run", parent);

	if (!path)
		(void)error_code(err, ENOMEM, "state root");
	return path;
}

/* --- Opening it --- */

/* mkdir -p; only the last directory is private. */
static int make_directories(const char *path, struct error *err)
{
	scoped_str copy = strdup(path);

	if (!copy)
		return error_code(err, ENOMEM, "state root %s", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0711) < 0 && errno != EEXIST)
			return error_errno(err, "state root %s: mkdir %s", path, copy);
		*slash = '/';
	}
	if (mkdir(copy, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "state root %s: mkdir", path);
	return 0;
}

static int open_root(const char *path, struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd = fd_open(path, flags);

	if (fd < 0 && errno == ENOENT) {
		int r = make_directories(path, err);

		if (r < 0)
			return r;
		fd = fd_open(path, flags);
	}
	return fd < 0 ? error_errno(err, "state root %s", path) : fd;
}

static int explain_foreign(const char *path, uid_t owner, struct error *err)
{
	return error_set(err, EPERM,
	                 "state root %s: it belongs to user %u, not to user %u: name another with "
	                 "--root%s",
	                 path, (unsigned int)owner, (unsigned int)geteuid(),
	                 geteuid() == 0 ? "" : ", or set XDG_RUNTIME_DIR to a directory of yours");
}

/* What somebody can do who may not use it. */
static int explain_refusal(const char *path, const struct error *why, struct error *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_uid != geteuid())
		return explain_foreign(path, st.st_uid, err);
	if (why->code != EACCES && why->code != EPERM && why->code != EROFS)
		return error_set(err, why->code, "%s", why->text);
	return error_set(err, why->code, "%s; name a directory of yours with --root%s", why->text,
	                 geteuid() == 0 ? "" : ", or in XDG_RUNTIME_DIR");
}

int store_open_root(const char *path, struct error *err)
{
	scoped_str usual = path ? NULL : store_default_root(err);
	struct error why = {0};
	struct stat st;

	if (!path)
		path = usual;
	if (!path)
		return -err->code;

	scoped_fd fd = open_root(path, &why);

	if (fd < 0)
		return explain_refusal(path, &why, err);
	if (fstat(fd, &st) < 0)
		return error_errno(err, "state root %s", path);
	if (st.st_uid != geteuid())
		return explain_foreign(path, st.st_uid, err);
	if (st.st_mode & 022)
		return error_set(
			err, EPERM,
			"state root %s: others can write to it; it must be writable by its "
			"owner alone (chmod go-w)",
			path);
	return fd_take(&fd);
}
