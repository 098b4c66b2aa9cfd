#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "namespaces/user.h"

/* The first id of a map's first line: there is one, since 0 is not mapped but something was written. */
static int first_mapped(int proc_fd, const char *file, uint32_t *ret, struct error *err)
{
	char text[USER_MAP_SIZE];
	ssize_t size = file_read_kernel(proc_fd, file, text, sizeof(text), err);

	if (size < 0)
		return (int)size;

	char *number = text + strspn(text, " ");

	number[strcspn(number, " ")] = '\0';
	if (parse_id(number, ret) < 0)
		return error_set(err, EINVAL, "%s: no id is mapped in the user namespace", file);
	return 0;
}

/* Raw system calls: glibc's wrappers would look for threads to tell. */
static int take_id(long call, int proc_fd, const char *file, struct error *err)
{
	uint32_t id = 0;

	if (syscall(call, id, id, id) == 0)
		return 0;
	if (errno != EINVAL)
		return error_errno(err, "become id 0 of the user namespace");
	if (first_mapped(proc_fd, file, &id, err) < 0)
		return -err->code;
	if (syscall(call, id, id, id) < 0)
		return error_errno(err, "become id %u of the user namespace", id);
	return 0;
}

int user_enter_root(int proc_fd, bool keep_groups, struct error *err)
{
	if (take_id(SYS_setresgid, proc_fd, "self/gid_map", err) < 0)
		return error_wrap(err, "groups");
	/* Where the host denied setgroups (an unprivileged map) the groups stay, unmapped and harmless. */
	if (!keep_groups && syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
		return error_errno(err, "drop the supplementary groups");
	if (take_id(SYS_setresuid, proc_fd, "self/uid_map", err) < 0)
		return error_wrap(err, "users");
	return 0;
}
