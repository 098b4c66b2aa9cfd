#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "security/lsm.h"

/* Below /proc/self/attr, and nothing that somebody mounted over it. */
static int open_attribute(const struct lsm_plan *plan, const char *path)
{
	return sys_openat2(plan->proc_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY, 0,
	                   RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
}

int lsm_enter_open(struct lsm_plan *plan, struct error *err)
{
	if (plan->profile) {
		plan->profile_fd = open_attribute(plan, "self/attr/apparmor/exec");
		/* AppArmor's own directory is there since 5.8; before, all modules share one file. */
		if (plan->profile_fd < 0 && errno == ENOENT)
			plan->profile_fd = open_attribute(plan, "self/attr/exec");
		if (plan->profile_fd < 0)
			return error_errno(err, "open /proc/self/attr/apparmor/exec");
	}
	if (plan->label) {
		plan->label_fd = open_attribute(plan, "self/attr/exec");
		if (plan->label_fd < 0)
			return error_errno(err, "open /proc/self/attr/exec");
	}
	return 0;
}

static int write_attribute(int *fd, const char *text, const char *what, const char *name,
                           struct error *err)
{
	const ssize_t r = write(*fd, text, strlen(text));
	const int code = errno;

	fd_close(fd);
	if (r >= 0)
		return 0;
	if (code == ENOENT)
		return error_set(err, ENOENT, "%s \"%.256s\" is not loaded on this host", what,
		                 name);
	return error_code(err, code, "set %s \"%.256s\" for the next execve", what, name);
}

static int set_profile(struct lsm_plan *plan, struct error *err)
{
	char text[512];

	if (snprintf(text, sizeof(text), "exec %s", plan->profile) >= (int)sizeof(text))
		return error_set(err, ENAMETOOLONG, "name of the AppArmor profile");
	return write_attribute(&plan->profile_fd, text, "AppArmor profile", plan->profile, err);
}

int lsm_enter_label(struct lsm_plan *plan, struct error *err)
{
	int r = plan->profile ? set_profile(plan, err) : 0;

	if (r == 0 && plan->label)
		r = write_attribute(&plan->label_fd, plan->label, "SELinux label", plan->label,
		                    err);
	return r;
}
