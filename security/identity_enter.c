#include "security/identity.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What crun and runc set; the specification leaves it open. */
enum { DEFAULT_UMASK = 0022 };

void identity_prepare(const struct spec_user *user, bool needs_capabilities,
                      struct identity_plan *ret)
{
	*ret = (struct identity_plan){
		.user = user,
		.keep_capabilities = needs_capabilities && user->uid != 0,
	};
}

/* Who has CAP_SETGID and is refused is in a user namespace whose creator had no right to setgroups. */
static bool has_setgid(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capget, &header, data) == 0 && data[0].effective >> CAP_SETGID & 1;
}

/*
 * The ids are set by raw system calls: glibc's wrappers would look for other threads to tell, and there
 * are none.
 */
static int set_groups(const struct identity_plan *plan, struct error *err)
{
	const struct spec_user *user = plan->user;

	if (user->keep_groups ||
	    syscall(SYS_setgroups, user->additional_gid_count, user->additional_gids) == 0)
		return 0;

	const int code = errno;

	if (code == EPERM && has_setgid()) {
		if (user->additional_gid_count == 0)
			return 0;
		return error_set(
			err, EPERM,
			"process.user.additionalGids: setgroups is denied in this user namespace "
			"(map a range of ids with newgidmap to allow it)");
	}
	return error_code(err, code, "set %zu additional groups", user->additional_gid_count);
}

int identity_enter(const struct identity_plan *plan, struct error *err)
{
	const uid_t uid = plan->user->uid;
	const gid_t gid = plan->user->gid;

	if (plan->keep_capabilities && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_errno(err, "keep capabilities");

	int r = set_groups(plan, err);

	if (r < 0)
		return r;
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return errno == EINVAL
		               ? error_set(err, EINVAL,
		                           "gid %u is not mapped in the user namespace", gid)
		               : error_errno(err, "set gid %u", gid);
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		return errno == EINVAL
		               ? error_set(err, EINVAL,
		                           "uid %u is not mapped in the user namespace", uid)
		               : error_errno(err, "set uid %u", uid);
	return 0;
}

void identity_enter_umask(const struct identity_plan *plan)
{
	const struct optional_u64 *asked = &plan->user->umask;

	umask(asked->set ? (mode_t)(asked->value & 0777) : DEFAULT_UMASK);
}

int identity_enter_private(struct error *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_errno(err, "forbid other processes to look in");
	return 0;
}
