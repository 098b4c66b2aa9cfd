#include "runtime/sealed_exe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "base/sys.h"

static const char self_exe[] = "/proc/self/exe";

enum { MEMFD_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/*
 * Executed by descriptor (the kernel then names it /dev/fd/N) and on a read-only mount, or from a
 * memfd with all seals: neither is forged by an environment variable.
 */
static bool is_sealed(void)
{
	const char *name =
		(const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr) */
	struct statfs fs;

	if (!name || !str_starts(name, "/dev/fd/"))
		return false;
	if (statfs(self_exe, &fs) == 0 && (fs.f_flags & ST_RDONLY))
		return true;

	scoped_fd fd = open(self_exe, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && fcntl(fd, F_GET_SEALS) == MEMFD_SEALS;
}

/* A read-only mount of the program that is in no mount namespace; −1 where that is not permitted. */
static int open_readonly_mount(void)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	scoped_fd tree = open_tree(AT_FDCWD, self_exe, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &readonly, sizeof(readonly)) < 0)
		return -1;
	return fd_take(&tree);
}

static int open_sealed_copy(struct error *err)
{
	scoped_fd original = open(self_exe, O_RDONLY | O_CLOEXEC);
	scoped_fd copy = memfd_create("lvm-run", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;

	if (original < 0 || fstat(original, &st) < 0)
		return error_errno(err, "open own program");
	if (copy < 0)
		return error_errno(err, "copy own program: memfd_create");
	for (off_t done = 0; done < st.st_size;) {
		ssize_t sent = sendfile(copy, original, &done, (size_t)(st.st_size - done));

		if (sent <= 0)
			return error_errno(err, "copy own program");
	}
	if (fcntl(copy, F_ADD_SEALS, MEMFD_SEALS) < 0)
		return error_errno(err, "seal own program");
	return fd_take(&copy);
}

int sealed_exe_ensure(char **argv, struct error *err)
{
	if (is_sealed())
		return 0;

	scoped_fd tree = open_readonly_mount();

	if (tree >= 0)
		(void)execveat(tree, "", argv, environ, AT_EMPTY_PATH);

	scoped_fd copy = open_sealed_copy(err);

	if (copy < 0)
		return copy;
	(void)execveat(copy, "", argv, environ, AT_EMPTY_PATH);
	return error_errno(err, "execute own program sealed");
}
