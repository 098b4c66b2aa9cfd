/* Control groups: the layout, what is bound where, and what only a real group can show. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/process.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "cmd/doctor.h"

static const char area[] = "Control groups";

/* Whether `word` is among words separated by blanks (and, with values, "word:value"). */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; *at;) {
		size_t size = strcspn(at, " ");

		if (size >= length && memcmp(at, word, length) == 0 &&
		    (size == length || at[length] == ':'))
			return true;
		at += size + (at[size] == ' ');
	}
	return false;
}

/* The group this process is in, below the v2 mount; the root of it when that cannot be seen. */
static int open_own_group(const char *mount)
{
	char list[4096];
	struct error ignored;
	scoped_str path = NULL;

	if (file_read_kernel(AT_FDCWD, "/proc/self/cgroup", list, sizeof(list), &ignored) > 0) {
		char *line = str_starts(list, "0::") ? list : strstr(list, "\n0::");

		if (line) {
			line = strchr(line, '/');
			path = line ? str_format("%s%.*s", mount, (int)strcspn(line, "\n"), line)
			            : NULL;
		}
	}

	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd >= 0 ? fd : open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A child that is born in the group and ends at once. */
static int try_clone_into(int group)
{
	const struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned int)group,
	};
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -errno;
	return waitpid(pid, NULL, 0) < 0 ? -errno : 0;
}

/* A new, empty group has all files, unlike the root of the hierarchy. */
static int try_new_group(int parent, bool *ret_kill, bool *ret_freeze, int *ret_clone)
{
	char name[40];

	(void)snprintf(name, sizeof(name), "lvm-run-doctor-%d", (int)getpid());
	if (mkdirat(parent, name, 0755) < 0)
		return -errno;

	scoped_fd group = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ret_kill = group >= 0 && faccessat(group, "cgroup.kill", F_OK, 0) == 0;
	*ret_freeze = group >= 0 && faccessat(group, "cgroup.freeze", F_OK, 0) == 0;
	*ret_clone = group >= 0 ? try_clone_into(group) : -errno;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static void check_group_features(struct report *report, const char *mount)
{
	scoped_fd parent = open_own_group(mount);
	bool kill = false, freeze = false;
	int cloned = -EIO;
	int r = parent < 0 ? -errno : try_new_group(parent, &kill, &freeze, &cloned);

	if (r < 0) {
		report_add(
			report, area, "own groups", CHECK_MISSING,
			"Without one a container runs, with a warning, and cannot be limited, "
			"paused "
			"or measured. Be root, have a group delegated to you (systemd-run --user "
			"--scope -p Delegate=yes), or be content with --cgroup-manager=disabled.",
			"cannot be made: %s", error_describe(-r));
		return;
	}
	report_add(report, area, "clone3 into a group", cloned == 0 ? CHECK_OK : CHECK_FATAL,
	           "Processes cannot be born in their group. Linux 5.7 or later is needed.", "%s",
	           cloned == 0 ? "works" : error_describe(-cloned));
	report_add(report, area, "cgroup.kill", kill ? CHECK_OK : CHECK_NOTE,
	           "Containers are then ended process by process. Linux 5.14 or later has it.",
	           "%s", kill ? "there" : "no such file");
	report_add(report, area, "cgroup.freeze", freeze ? CHECK_OK : CHECK_MISSING,
	           "pause and checkpoints need it. Linux 5.2 or later has it.", "%s",
	           freeze ? "there" : "no such file");
}

static void check_device_rules(struct report *report)
{
	static const char license[] = "GPL";
	const struct bpf_insn allow_all[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attributes = {0};

	attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attributes.insns = (uintptr_t)allow_all;
	attributes.insn_cnt = ARRAY_SIZE(allow_all);
	attributes.license = (uintptr_t)license;

	scoped_fd program = sys_bpf(BPF_PROG_LOAD, &attributes, sizeof(attributes));
	bool works = program >= 0;

	report_add(
		report, area, "device rules", works ? CHECK_OK : CHECK_MISSING,
		"linux.resources.devices needs BPF programs of control groups: be root on a kernel "
		"with CONFIG_CGROUP_BPF.",
		"%s", works ? "works" : error_describe(errno));
}

/* Whether limits can be set in version 1; the helper tells why not. */
static void check_legacy(struct report *report, const char *controllers)
{
	struct error err = {0};

	if (process_is_rootless())
		report_add(report, area, "limits in version 1", CHECK_NOTE,
		           "Limits of these kinds are refused with an error: only root sets limits "
		           "in version 1.",
		           "not for this user: %s", controllers);
	else if (helper_ask("legacy-check\n", HELPER_TIMEOUT_MS, NULL, &err) < 0)
		report_add(report, area, "limits in version 1", CHECK_MISSING,
		           "Limits of these kinds are refused with an error. They need the helper "
		           "program and libcgroup (Debian: libcgroup2 or libcgroup3).",
		           "%s: %s", controllers, err.text);
	else
		report_add(report, area, "limits in version 1", CHECK_OK, NULL,
		           "%s, by the cgroupfs driver through libcgroup", controllers);
}

static void add_word(char *list, size_t size, const char *word)
{
	size_t used = strlen(list);

	(void)snprintf(list + used, size - used, "%s%s", used > 0 ? " " : "", word);
}

static void check_controllers(struct report *report, const struct cgroup_layout *layout)
{
	static const char *const names[][2] = {{"cpu", "cpu"},       {"memory", "memory"},
	                                       {"pids", "pids"},     {"io", "blkio"},
	                                       {"cpuset", "cpuset"}, {"hugetlb", "hugetlb"}};
	char missing[64] = "";
	char older[64] = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (has_word(layout->controllers, names[i][0]))
			continue;
		if (has_word(layout->legacy, names[i][1]))
			add_word(older, sizeof(older), names[i][0]);
		else
			add_word(missing, sizeof(missing), names[i][0]);
	}
	report_add(report, area, "controllers", CHECK_OK, NULL, "%s",
	           layout->controllers[0] ? layout->controllers : "none");
	if (older[0])
		check_legacy(report, older);
	if (missing[0])
		report_add(report, area, "without controller", CHECK_MISSING,
		           "Limits of these kinds are refused with an error: the kernel lacks the "
		           "controller, it was not delegated here, or it is bound to a version 1 "
		           "hierarchy that is not mounted.",
		           "%s", missing);
	if (layout->legacy[0])
		report_add(report, area, "bound to version 1", CHECK_NOTE,
		           "Containers live in the version 2 hierarchy all the same.", "%s",
		           layout->legacy);
}

/* A question that it does not know shows that it is there. */
static bool helper_answers(struct error *err)
{
	scoped_str answer = NULL;

	return helper_ask("doctor\n", HELPER_TIMEOUT_MS, &answer, err) == -EOPNOTSUPP;
}

static void check_systemd_driver(struct report *report)
{
	struct error err = {0};

	if (access("/run/systemd/system", F_OK) < 0)
		report_add(report, area, "systemd driver", CHECK_NOTE,
		           "--systemd-cgroup is refused, --cgroup-manager=cgroupfs works.",
		           "systemd does not run here");
	else if (!helper_answers(&err))
		report_add(report, area, "systemd driver", CHECK_MISSING,
		           "--systemd-cgroup fails without the helper program; make install "
		           "installs it.",
		           "%s", err.text);
	else
		report_add(report, area, "systemd driver", CHECK_OK, NULL,
		           "works through the helper");
}

void doctor_cgroups(struct report *report)
{
	struct cgroup_layout layout = {0};
	struct error err = {0};

	if (cgroup_read_layout(&layout, &err) < 0) {
		report_add(report, area, "layout", CHECK_MISSING,
		           "The mounts of control groups could not be read.", "%s", err.text);
		return;
	}
	if (!layout.mount[0]) {
		report_add(
			report, area, "layout", CHECK_MISSING,
			"No version 2 hierarchy is mounted, so containers run only with "
			"--cgroup-manager=disabled. Mount one: mkdir -p /sys/fs/cgroup/unified && "
			"mount -t cgroup2 none /sys/fs/cgroup/unified.",
			"%s", layout.kind);
		return;
	}
	report_add(report, area, "layout", CHECK_OK, NULL, "%s, version 2 at %s", layout.kind,
	           layout.mount);
	check_controllers(report, &layout);
	check_group_features(report, layout.mount);
	check_device_rules(report);
	check_systemd_driver(report);
}
