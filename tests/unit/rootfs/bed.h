/*
 * A test bed for rootfs/: a bundle in a temporary directory, and a child in new namespaces that takes
 * the child side's steps and then looks around from inside. The child is a copy of the test, so a
 * look is a C function; what it finds wrong it says in a text that the parent asserts to be empty.
 */
#ifndef LVM_RUN_TESTS_UNIT_ROOTFS_BED_H
#define LVM_RUN_TESTS_UNIT_ROOTFS_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "rootfs/path.h"
#include "rootfs/rootfs.h"
#include "spec/spec.h"

enum { BED_TEXT = 8192 };

/* What the child tells the parent; in memory they share. */
struct bed_report {
	struct error error;  /* of the step that failed */
	char step[32];       /* which one; "" when all went well */
	char text[BED_TEXT]; /* what a look found wrong */
	char outside[64];
};

struct bed {
	char dir[64]; /* dir/rootfs is the root, dir/out is the host's, not to be touched */
	struct bed_report *report;
	bool user_namespace; /* container ids 0… are host ids 100000… */
	bool rootless;       /* all of it done by the user 1000, who is the container's root */
	bool no_mount_namespace;
	bool no_mknod; /* the child lacks CAP_MKNOD, as a container's runtime inside another does */
	bool host_network;
	bool host_cgroup;
	bool host_ipc;
	bool console;
	bool no_pivot;
	int cgroup_fd;
	void (*before)(struct bed *bed); /* child: before the pivot */
	void (*look)(struct bed *bed);   /* child: after it */
	int master;
	int seen[2], counted[2]; /* pipes between `before` and the test */
};

static inline const char *bed_privilege_missing(void)
{
	if (geteuid() != 0)
		return "needs root (mounts, namespaces)";
	return NULL;
}

#define BED_NEEDS_ROOT()                                                                           \
	if (bed_privilege_missing()) {                                                             \
		print_message("SKIP %s: %s\n", __func__, bed_privilege_missing());                 \
		skip();                                                                            \
	}

static inline void printf_like(2, 3) bed_complain(struct bed *bed, const char *format, ...)
{
	size_t used = strlen(bed->report->text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(bed->report->text + used, BED_TEXT - used, format, args);
	va_end(args);
	used = strlen(bed->report->text);
	if (used + 1 < BED_TEXT) {
		bed->report->text[used] = '\n';
		bed->report->text[used + 1] = '\0';
	}
}

static inline char *bed_path(const struct bed *bed, const char *name, char buffer[static 256])
{
	(void)snprintf(buffer, 256, "%s/%s", bed->dir, name);
	return buffer;
}

static inline void bed_mkdir(struct bed *bed, const char *name)
{
	char path[256];

	assert_int_equal(mkdir(bed_path(bed, name, path), 0755), 0);
}

static inline void bed_write(struct bed *bed, const char *name, const char *text)
{
	char path[256];
	int fd = open(bed_path(bed, name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static inline void bed_symlink(struct bed *bed, const char *target, const char *name)
{
	char path[256];

	assert_int_equal(symlink(target, bed_path(bed, name, path)), 0);
}

static inline void bed_remove(struct bed *bed, const char *name)
{
	char path[256];

	assert_int_equal(remove(bed_path(bed, name, path)), 0);
}

static inline int bed_begin(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	static const char *const dirs[] = {"rootfs",      "rootfs/proc", "rootfs/sys", "rootfs/dev",
	                                   "rootfs/etc",  "rootfs/tmp",  "out",        "volume",
	                                   "rootfs/data", "volume/sub"};

	if (!bed)
		return -1;
	(void)snprintf(bed->dir, sizeof(bed->dir), "/tmp/lvm-run-rootfs.XXXXXX");
	if (!mkdtemp(bed->dir) || chmod(bed->dir, 0755))
		return -1;
	bed->cgroup_fd = -1;
	bed->report = mmap(NULL, sizeof(*bed->report), PROT_READ | PROT_WRITE,
	                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		bed_mkdir(bed, dirs[i]);
	bed_write(bed, "rootfs/etc/secret", "secret\n");
	bed_write(bed, "volume/file", "volume\n");
	bed_write(bed, "out/marker", "untouched\n");
	*state = bed;
	return 0;
}

static inline int bed_unlink(const char *path, const struct stat *st unused_parameter,
                             int kind unused_parameter, struct FTW *ftw unused_parameter)
{
	return remove(path);
}

static inline int bed_end(void **state)
{
	struct bed *bed = *state;

	(void)nftw(bed->dir, bed_unlink, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	munmap(bed->report, sizeof(*bed->report));
	free(bed);
	return 0;
}

static inline void bed_drop_mknod(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		_exit(1);
	data[0].effective &= ~(1U << CAP_MKNOD);
	data[0].permitted &= ~(1U << CAP_MKNOD);
	if (syscall(SYS_capset, &head, data))
		_exit(1);
}

static inline void bed_child(struct bed *bed, struct rootfs_plan *plan, int go)
{
	struct bed_report *report = bed->report;
	const char *step = "wait";
	char byte;
	int slave, r = 0;

	(void)alarm(20);
	for (int i = 1; i < 32; i++)
		(void)signal(i, SIG_DFL); /* cmocka's handlers belong to the parent */
	if (read(go, &byte, 1) != 1)
		_exit(1);
	if (bed->user_namespace && (setresgid(0, 0, 0) || setresuid(0, 0, 0)))
		_exit(1);
	if (bed->no_mknod)
		bed_drop_mknod();
	step = "mounts";
	r = rootfs_enter_mounts(plan, &report->error);
	if (!r && bed->console) {
		step = "console";
		r = rootfs_enter_console(plan, 0, 0, &bed->master, &slave, &report->error);
	}
	if (!r && bed->before)
		bed->before(bed);
	if (!r) {
		step = "pivot";
		r = rootfs_enter_pivot(plan, &report->error);
	}
	if (r) {
		(void)snprintf(report->step, sizeof(report->step), "%s", step);
		_exit(0);
	}
	if (bed->look)
		bed->look(bed);
	_exit(0);
}

static inline uint64_t bed_flags(const struct bed *bed)
{
	uint64_t flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS;

	flags |= bed->host_ipc ? 0 : CLONE_NEWIPC;
	flags |= bed->host_network ? 0 : CLONE_NEWNET;
	flags |= bed->host_cgroup ? 0 : CLONE_NEWCGROUP;
	flags |= bed->user_namespace ? CLONE_NEWUSER : 0;
	if (bed->no_mount_namespace)
		flags &= ~(uint64_t)CLONE_NEWNS;
	return flags;
}

static inline void bed_put(int proc_fd, pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%d/%s", pid, file);
	fd = openat(proc_fd, path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void bed_host_half(struct bed *bed, struct rootfs_plan *plan, int proc_fd, pid_t pid)
{
	struct error *err = &bed->report->error;
	char path[64];
	int fd;

	if (!bed->user_namespace)
		return;
	if (bed->rootless)
		bed_put(proc_fd, pid, "setgroups", "deny");
	bed_put(proc_fd, pid, "uid_map", bed->rootless ? "0 1000 1\n" : "0 100000 65536\n");
	bed_put(proc_fd, pid, "gid_map", bed->rootless ? "0 1000 1\n" : "0 100000 65536\n");
	if (!rootfs_wants_mapped(plan))
		return;
	(void)snprintf(path, sizeof(path), "%d/ns/user", pid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (rootfs_prepare_mapped(plan, fd, err))
		(void)snprintf(bed->report->step, sizeof(bed->report->step), "mapped");
	close(fd);
}

/* Prepares on the host and runs the child; the report says how it went. */
static inline void bed_run_spec(struct bed *bed, const struct spec *spec)
{
	int bundle = open(bed->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct rootfs_request request = {
		.spec = spec,
		.bundle_fd = bundle,
		.proc_fd = proc_fd,
		.user_namespace = bed->user_namespace,
		.new_mount_namespace = !bed->no_mount_namespace,
		.new_cgroup_namespace = !bed->host_cgroup,
		.new_network_namespace = !bed->host_network,
		.cgroup_fd = bed->cgroup_fd,
		.no_pivot = bed->no_pivot,
	};
	struct clone_args args = {.flags = bed_flags(bed), .exit_signal = SIGCHLD};
	scoped_rootfs_plan plan = NULL;
	int go[2], status;
	pid_t pid;

	memset(bed->report, 0, sizeof(*bed->report));
	if (rootfs_prepare(&request, &plan, &bed->report->error)) {
		(void)snprintf(bed->report->step, sizeof(bed->report->step), "prepare");
	} else {
		assert_int_equal(pipe2(go, O_CLOEXEC), 0);
		pid = sys_clone3(&args);
		assert_true(pid >= 0);
		if (!pid)
			bed_child(bed, plan, go[0]);
		bed_host_half(bed, plan, proc_fd, pid);
		assert_int_equal(write(go[1], "g", 1), 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(go[0]);
		close(go[1]);
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			bed_complain(bed, "the child ended with status %#x", (unsigned)status);
	}
	close(bundle);
	close(proc_fd);
}

/* The same by another process, as the user 1000. */
static inline void bed_run_rootless(struct bed *bed, const struct spec *spec)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		for (int i = 1; i < 32; i++)
			(void)signal(i, SIG_DFL);
		if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) ||
		    setresuid(1000, 1000, 1000) || prctl(PR_SET_DUMPABLE, 1))
			_exit(1);
		bed_run_spec(bed, spec);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static inline void bed_run_text(struct bed *bed, const char *json)
{
	scoped_spec spec = NULL;
	struct error err = {0};

	if (spec_parse("config.json", json, strlen(json), &spec, &err))
		fail_msg("%s", err.text);
	if (bed->rootless)
		bed_run_rootless(bed, spec);
	else
		bed_run_spec(bed, spec);
}

#define BED_PROC "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"}"

/*
 * `mounts` are the entries of the array, after a procfs where they have none of their own; `more` is
 * what is added to "linux".
 */
static inline void bed_run(struct bed *bed, const char *mounts, const char *more)
{
	bool proc = strstr(mounts, "\"destination\":\"/proc\"");
	scoped_str json = str_format(
		"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"mounts\":[%s%s%s],"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]%s%s}}",
		proc ? "" : BED_PROC, proc || !*mounts ? "" : ",", mounts, *more ? "," : "", more);

	bed_run_text(bed, json);
}

/* The same with a list of entries that ends with null. */
static inline void bed_run_list(struct bed *bed, const char *const *mounts, const char *more)
{
	scoped_strbuf text = {0};

	for (size_t i = 0; mounts[i]; i++)
		strbuf_addf(&text, "%s%s", i ? "," : "", mounts[i]);
	bed_run(bed, text.data, more);
}

#define BED_DEV                                                                                    \
	"{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":"           \
	"[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]}"
#define BED_PTS                                                                                    \
	"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\",\"options\":"     \
	"[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]}"

static inline void bed_assert_ok(const struct bed *bed)
{
	if (*bed->report->step)
		fail_msg("%s: %s", bed->report->step, bed->report->error.text);
	if (*bed->report->text)
		fail_msg("%s", bed->report->text);
}

static inline void bed_assert_failed(const struct bed *bed, const char *step, const char *text)
{
	if (*bed->report->text)
		fail_msg("%s", bed->report->text);
	assert_string_equal(bed->report->step, step);
	if (!strstr(bed->report->error.text, text))
		fail_msg("the error is \"%s\"", bed->report->error.text);
}

/* The host's directory `out` holds the marker and nothing else. */
static inline void bed_assert_outside_untouched(struct bed *bed)
{
	char path[256], text[32] = "";
	struct stat st;
	int fd = open(bed_path(bed, "out/marker", path), O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 10);
	assert_string_equal(text, "untouched\n");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_uid, 0);
	close(fd);
	bed_remove(bed, "out/marker");
	bed_remove(bed, "out"); /* fails unless it is empty */
	bed_mkdir(bed, "out");
	bed_write(bed, "out/marker", "untouched\n");
}

/* --- For looks --- */

/* The line of mountinfo whose mount point is `point`, or ""; the last one of several. */
static inline const char *look_mount(const char *point)
{
	static char line[4096];
	char candidate[4096], at[1024];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	bool found = false;

	while (file && fgets(candidate, sizeof(candidate), file)) {
		if (sscanf(candidate, "%*d %*d %*s %*s %1023s", at) == 1 && !strcmp(at, point)) {
			memcpy(line, candidate, sizeof(line));
			found = true;
		}
	}
	if (file)
		fclose(file);
	return found ? line : "";
}

static inline void look_mounted(struct bed *bed, const char *point, const char *text)
{
	const char *line = look_mount(point);

	if (!*line)
		bed_complain(bed, "%s is not mounted", point);
	else if (!strstr(line, text))
		bed_complain(bed, "%s: no \"%s\" in: %s", point, text, line);
}

static inline void look_device(struct bed *bed, const char *path, unsigned int major_number,
                               unsigned int minor_number)
{
	struct stat st;

	if (lstat(path, &st))
		bed_complain(bed, "%s: %s", path, strerror(errno));
	else if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(major_number, minor_number))
		bed_complain(bed, "%s: mode %o device %#lx", path, st.st_mode,
		             (unsigned long)st.st_rdev);
}

static inline void look_text(struct bed *bed, const char *path, const char *want)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		bed_complain(bed, "%s: %s", path, strerror(errno));
	else if (strcmp(text, want) != 0)
		bed_complain(bed, "%s: is \"%s\"", path, text);
	if (fd >= 0)
		close(fd);
}

static inline void look_link(struct bed *bed, const char *path, const char *want)
{
	char text[256];
	ssize_t size = readlink(path, text, sizeof(text) - 1);

	text[size > 0 ? size : 0] = '\0';
	if (strcmp(text, want) != 0)
		bed_complain(bed, "%s: leads to \"%s\"", path, text);
}

#endif
