#include "security/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

static bool apparmor_is_enabled(void)
{
	struct error ignored = {0};
	char text[8];

	return file_read_kernel(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text,
	                        sizeof(text), &ignored) > 0 &&
	       text[0] == 'Y';
}

static bool selinux_is_enabled(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

/* A write to a file that is not the kernel's would leave the program unconfined without an error. */
static int verify_procfs(int proc_fd, struct error *err)
{
	struct statfs fs;

	if (fstatfs(proc_fd, &fs) < 0)
		return error_errno(err, "statfs /proc");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return error_set(err, EXDEV, "/proc is not a procfs: no label can be set safely");
	return 0;
}

int lsm_prepare(const struct spec_process *process, int proc_fd, struct lsm_plan *ret,
                struct error *err)
{
	const char *profile = process->apparmor_profile, *label = process->selinux_label;

	*ret = (struct lsm_plan){.proc_fd = proc_fd, .profile_fd = -1, .label_fd = -1};
	if (profile && profile[0] && !str_equal(profile, "unconfined"))
		ret->profile = profile;
	if (label && label[0])
		ret->label = label;
	if (ret->profile && !apparmor_is_enabled())
		return error_set(
			err, EOPNOTSUPP,
			"process.apparmorProfile: \"%s\" is asked for, but AppArmor is not enabled "
			"on this kernel",
			profile);
	if (ret->label && !selinux_is_enabled())
		return error_set(
			err, EOPNOTSUPP,
			"process.selinuxLabel: \"%s\" is asked for, but SELinux is not enabled on "
			"this kernel",
			label);
	return ret->profile || ret->label ? verify_procfs(proc_fd, err) : 0;
}
