#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "namespaces/user.h"

/* Raw system calls: glibc's wrappers would look for threads to tell. */
int user_enter_root(struct error *err)
{
	if (syscall(SYS_setresgid, 0, 0, 0) < 0)
		return error_errno(err, "become gid 0 of the user namespace (is it mapped?)");
	/* Where the host denied setgroups (an unprivileged map) the groups stay, unmapped and harmless. */
	if (syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM)
		return error_errno(err, "drop the supplementary groups");
	if (syscall(SYS_setresuid, 0, 0, 0) < 0)
		return error_errno(err, "become uid 0 of the user namespace (is it mapped?)");
	return 0;
}
