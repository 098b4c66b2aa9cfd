/* Security modules, user namespaces, file systems. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd/doctor.h"
#include "cmd/subprocess.h"
#include "namespaces/subid.h"
#include "runtime/runtime.h"

static const char security_area[] = "Security";
static const char users_area[] = "User namespaces";
static const char files_area[] = "File systems";

/* One line of a kernel file; false when it cannot be read. */
static bool read_line(const char *path, char *line, size_t size)
{
	struct error ignored;

	if (file_read_kernel(AT_FDCWD, path, line, size, &ignored) < 0)
		return false;
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static void check_security(struct report *report)
{
	char line[160];

	if (read_line("/sys/kernel/security/lsm", line, sizeof(line)))
		report_add(report, security_area, "active modules", CHECK_OK, NULL, "%s", line);
	else
		report_add(report, security_area, "active modules", CHECK_NOTE,
		           "Mount securityfs at /sys/kernel/security to see them.", "not known");

	bool apparmor = read_line("/sys/module/apparmor/parameters/enabled", line, sizeof(line)) &&
	                line[0] == 'Y';
	bool selinux = access("/sys/fs/selinux/enforce", F_OK) == 0;

	report_add(report, security_area, "AppArmor", apparmor ? CHECK_OK : CHECK_NOTE,
	           "process.apparmorProfile cannot be set here.", "%s",
	           apparmor ? "enabled" : "off");
	report_add(report, security_area, "SELinux", selinux ? CHECK_OK : CHECK_NOTE,
	           "process.selinuxLabel and linux.mountLabel cannot be set here.", "%s",
	           selinux ? "enabled" : "off");
}

static void check_sysctl(struct report *report, const char *name, const char *path, const char *bad,
                         const char *advice)
{
	char line[32];

	if (read_line(path, line, sizeof(line)))
		report_add(report, users_area, name,
		           str_equal(line, bad) ? CHECK_MISSING : CHECK_OK, advice, "%s", line);
}

static void check_range(struct report *report, const char *path)
{
	static const char advice[] =
		"A container of this user has a single user id and a single "
		"group id. Add a line USER:100000:65536 (usermod --add-subuids).";
	scoped_str name = subid_user_name(geteuid());
	struct subid_list ranges;

	subid_read(path, geteuid(), name, &ranges);
	if (ranges.count > 0)
		report_add(report, users_area, path, CHECK_OK, NULL, "%u:%u",
		           (unsigned int)ranges.items[0].start,
		           (unsigned int)ranges.items[0].count);
	else if (geteuid() == 0)
		report_add(report, users_area, path, CHECK_OK, NULL, "not needed by root");
	else
		report_add(report, users_area, path, CHECK_MISSING, advice,
		           "no range for this user");
}

static void check_program(struct report *report, const char *name)
{
	scoped_str path = NULL;
	bool found = subprocess_find(name, &path);

	report_add(report, users_area, name, found || geteuid() == 0 ? CHECK_OK : CHECK_MISSING,
	           "Users who are not root need it to map more ids than their own. Install the "
	           "package "
	           "uidmap.",
	           "%s", found ? path : "not installed");
}

static void check_users(struct report *report)
{
	check_sysctl(
		report, "max_user_namespaces", "/proc/sys/user/max_user_namespaces", "0",
		"No user namespace can be made. Set user.max_user_namespaces to a larger number.");
	check_sysctl(
		report, "unprivileged_userns_clone", "/proc/sys/kernel/unprivileged_userns_clone",
		"0",
		"Only root can make user namespaces. Set kernel.unprivileged_userns_clone=1 to "
		"let users run containers.");
	check_sysctl(
		report, "apparmor_restrict",
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
		"Users get no rights in their user namespaces unless an AppArmor profile of this "
		"program says userns. Add one, or set "
		"kernel.apparmor_restrict_unprivileged_userns=0.");
	check_program(report, "newuidmap");
	check_program(report, "newgidmap");
	check_range(report, "/etc/subuid");
	check_range(report, "/etc/subgid");
}

static void check_bpffs(struct report *report)
{
	struct statfs fs;
	bool mounted = statfs("/sys/fs/bpf", &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;

	report_add(report, files_area, "bpffs", mounted ? CHECK_OK : CHECK_NOTE,
	           "Device programs are loaded anew for each container, which costs about 0.3 ms. "
	           "Mount it: mount -t bpf bpf /sys/fs/bpf.",
	           "%s", mounted ? "/sys/fs/bpf" : "not mounted at /sys/fs/bpf");
}

static void check_state_root(struct report *report, const char *wanted)
{
	struct error why;
	scoped_str path = wanted ? strdup(wanted) : store_default_root(&why);
	struct statfs fs;
	struct stat st;

	if (!path) {
		report_add(report, files_area, "state root", CHECK_MISSING,
		           "Set XDG_RUNTIME_DIR, or name a directory with --root.", "none");
		return;
	}
	if (stat(path, &st) < 0) {
		report_add(report, files_area, "state root", CHECK_OK, NULL,
		           "%s, made when first needed", path);
		return;
	}

	bool safe = S_ISDIR(st.st_mode) && (st.st_mode & 022) == 0 && st.st_uid == geteuid();
	bool in_memory = statfs(path, &fs) == 0 && (unsigned long)fs.f_type == TMPFS_MAGIC;

	if (!safe)
		report_add(report, files_area, "state root", CHECK_MISSING,
		           "It must be a directory of yours that nobody else can write to: chmod "
		           "700, or "
		           "name another with --root.",
		           "%s is not safe", path);
	else
		report_add(report, files_area, "state root", CHECK_OK, NULL, "%s%s", path,
		           in_memory ? ", in memory" : ", on disk");
}

void doctor_host(struct report *report, const char *state_root)
{
	check_security(report);
	check_users(report);
	check_bpffs(report);
	check_state_root(report, state_root);
}
