#include "kill.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A set of lines: paths, mounts, namespaces. */
struct lines {
	char **items;
	size_t count, capacity;
};

/* What a command's children need to die of its death, which the kernel does not wait for. */
enum { GRACE_MS = 20000 };

static struct lines base_files, base_mounts, base_namespaces;
static struct lines *collecting; /* nftw(3) hands nothing over */

static void lines_add(struct lines *lines, const char *text)
{
	if (lines->count == lines->capacity) {
		lines->capacity = lines->capacity ? lines->capacity * 2 : 512;
		lines->items = reallocarray(lines->items, lines->capacity, sizeof(char *));
	}
	if (!lines->items || !(lines->items[lines->count++] = strdup(text))) {
		perror("memory");
		exit(2);
	}
}

static void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i]);
	free(lines->items);
	*lines = (struct lines){0};
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void lines_sort(struct lines *lines)
{
	if (lines->count > 0)
		qsort(lines->items, lines->count, sizeof(char *), compare);
}

static bool lines_have(const struct lines *lines, const char *text)
{
	return lines->count > 0 &&
	       bsearch(&text, lines->items, lines->count, sizeof(char *), compare);
}

static void report_new(const struct lines *before, const struct lines *after, const char *what,
                       const char *when)
{
	for (size_t i = 0; i < after->count; i++)
		if (!lines_have(before, after->items[i]))
			case_fail("%s: %s left: %s", when, what, after->items[i]);
}

static void report_lost(const struct lines *before, const struct lines *after, const char *what,
                        const char *when)
{
	for (size_t i = 0; i < before->count; i++)
		if (!lines_have(after, before->items[i]))
			case_fail("%s: %s is gone: %s", when, what, before->items[i]);
}

static size_t read_file(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (fd >= 0)
		(void)close(fd);
	ret[count > 0 ? count : 0] = '\0';
	return count > 0 ? (size_t)count : 0;
}

/* --- Files --- */

/* Filters by hash may stay in the cache; what is half-written may not. */
static bool may_stay(const char *path)
{
	static const char cache[] = STATE "/.seccomp";

	if (strncmp(path, cache, sizeof(cache) - 1) != 0)
		return false;
	return !strstr(path, ".tmp");
}

static int take_file(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	if (!may_stay(path))
		lines_add(collecting, path);
	return 0;
}

static void collect_files(struct lines *ret)
{
	collecting = ret;
	(void)nftw("/tmp", take_file, 32, FTW_PHYS | FTW_MOUNT);
	lines_sort(ret);
}

/* A pid file may stay, but only whole. */
static void check_pid_file(const char *when)
{
	char text[64];
	size_t size = 0;

	if (access(PID_FILE, F_OK) < 0)
		return;
	size = read_file(PID_FILE, text, sizeof(text));
	if (size == 0 || strspn(text, "0123456789") != size)
		case_fail("%s: half-written pid file: \"%s\"", when, text);
	(void)unlink(PID_FILE);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	(void)remove(path);
	return 0;
}

void remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 32, FTW_PHYS | FTW_DEPTH);
}

/* --- Mounts and namespaces --- */

static void collect_mounts(struct lines *ret)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		lines_add(ret, line);
	free(line);
	if (file)
		(void)fclose(file);
	lines_sort(ret);
}

static void collect_namespaces_of(const char *pid, struct lines *ret)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%.16s/ns", pid);

	DIR *directory = opendir(path);

	for (struct dirent *e = directory ? readdir(directory) : NULL; e; e = readdir(directory)) {
		char target[64];
		ssize_t length =
			readlinkat(dirfd(directory), e->d_name, target, sizeof(target) - 1);

		if (length <= 0)
			continue;
		target[length] = '\0';
		lines_sort(ret);
		if (!lines_have(ret, target))
			lines_add(ret, target);
	}
	if (directory)
		(void)closedir(directory);
}

/* The process above; 0 when it is gone. */
static pid_t parent_of(pid_t pid)
{
	char path[64];
	char text[512];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	(void)read_file(path, text, sizeof(text));

	const char *end = strrchr(text, ')');

	return end ? (pid_t)strtol(end + 3 + strspn(end + 3, " "), NULL, 10) : 0;
}

/* Whether we are to answer for the process: in a pid namespace of our own for all, else for our line. */
static bool is_ours(pid_t pid)
{
	if (!harness.systemd)
		return true;
	while (pid > 1 && pid != getpid())
		pid = parent_of(pid);
	return pid > 1;
}

static void collect_namespaces(struct lines *ret)
{
	DIR *directory = opendir("/proc");

	for (struct dirent *e = directory ? readdir(directory) : NULL; e; e = readdir(directory))
		if (isdigit((unsigned char)e->d_name[0]) &&
		    is_ours((pid_t)strtol(e->d_name, NULL, 10)))
			collect_namespaces_of(e->d_name, ret);
	if (directory)
		(void)closedir(directory);
	lines_sort(ret);
}

/* --- Processes --- */

/* A child that was born traced when its command ended stands still until now, where nobody could end it. */
static void reap(void)
{
	int status = 0;
	pid_t pid = 0;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		if (WIFSTOPPED(status))
			(void)kill(pid, SIGKILL);
}

size_t remains_processes(pid_t *ret, size_t size)
{
	DIR *directory = opendir("/proc");
	size_t count = 0;

	reap();
	for (struct dirent *e = directory ? readdir(directory) : NULL; e && count < size;
	     e = readdir(directory)) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && is_ours(pid))
			ret[count++] = pid;
	}
	if (directory)
		(void)closedir(directory);
	return count;
}

static void describe_process(pid_t pid, const char *when)
{
	char path[64];
	char command[256];
	char status[1024];
	char group[512];
	char state = '?';
	size_t size = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	size = read_file(path, command, sizeof(command));
	for (size_t i = 0; i + 1 < size; i++)
		if (!command[i])
			command[i] = ' ';
	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	(void)read_file(path, status, sizeof(status));
	if (strstr(status, "State:\t"))
		state = strstr(status, "State:\t")[7];
	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	(void)read_file(path, group, sizeof(group));

	char *unified = strstr(group, "0::");

	if (unified)
		unified[strcspn(unified, "\n")] = '\0';
	case_fail("%s: process left: %d, state %c, cgroup %s: %s", when, pid, state,
	          unified ? unified + 3 : "?", command);
}

static void check_processes(const char *when)
{
	pid_t pids[32];
	size_t count = 0;
	uint64_t end = now_us() + (uint64_t)GRACE_MS * 1000 * harness.slow;

	while ((count = remains_processes(pids, ARRAY_SIZE(pids))) > 0 && now_us() < end)
		sleep_us(500);
	for (size_t i = 0; i < count; i++)
		describe_process(pids[i], when);
}

/* --- Cgroups --- */

const char *cgroup_mount(void)
{
	static char mount[256];
	FILE *file = mount[0] ? NULL : fopen("/proc/self/mounts", "re");
	char type[64];
	char place[256];

	while (file && fscanf(file, "%*s %255s %63s %*[^\n]", place, type) == 2)
		if (strcmp(type, "cgroup2") == 0 && !mount[0])
			(void)snprintf(mount, sizeof(mount), "%s", place);
	if (file)
		(void)fclose(file);
	return mount;
}

static int take_group(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	const char *slash = strrchr(path, '/');

	(void)st;
	(void)walk;
	if (type == FTW_D && slash && strstr(slash, harness.id))
		lines_add(collecting, path);
	return 0;
}

/* In the v2 hierarchy and in those of v1. */
static void collect_groups(struct lines *ret)
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char type[64];
	char place[256];

	collecting = ret;
	(void)nftw(cgroup_mount(), take_group, 32, FTW_PHYS | FTW_MOUNT);
	while (file && fscanf(file, "%*s %255s %63s %*[^\n]", place, type) == 2)
		if (strcmp(type, "cgroup") == 0)
			(void)nftw(place, take_group, 32, FTW_PHYS | FTW_MOUNT);
	if (file)
		(void)fclose(file);
}

/* --- The whole --- */

void remains_baseline(void)
{
	collect_files(&base_files);
	collect_mounts(&base_mounts);
	collect_namespaces(&base_namespaces);
}

void remains_check(const char *when)
{
	struct lines groups = {0};
	struct lines files = {0};
	struct lines mounts = {0};
	struct lines namespaces = {0};

	collect_groups(&groups);
	for (size_t i = 0; i < groups.count; i++)
		case_fail("%s: cgroup left: %s", when, groups.items[i]);
	check_pid_file(when);
	console_drain();
	collect_files(&files);
	report_new(&base_files, &files, "file", when);
	report_lost(&base_files, &files, "a file that was not ours to remove", when);
	check_processes(when);
	collect_mounts(&mounts);
	report_new(&base_mounts, &mounts, "mount", when);
	report_lost(&base_mounts, &mounts, "a mount of the host", when);
	collect_namespaces(&namespaces);
	report_new(&base_namespaces, &namespaces, "namespace", when);
	lines_free(&groups);
	lines_free(&files);
	lines_free(&mounts);
	lines_free(&namespaces);
}

static void sweep_groups(void)
{
	struct lines groups = {0};

	collect_groups(&groups);
	for (size_t i = groups.count; i-- > 0;) {
		char path[512];
		int fd = -1;

		(void)snprintf(path, sizeof(path), "%s/cgroup.kill", groups.items[i]);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0) {
			(void)!write(fd, "1", 1);
			(void)close(fd);
		}
		for (unsigned int turn = 0; turn < 500 && rmdir(groups.items[i]) < 0; turn++) {
			reap();
			sleep_us(1000);
		}
	}
	lines_free(&groups);
}

static void sweep_files(void)
{
	struct lines files = {0};

	collect_files(&files);
	for (size_t i = files.count; i-- > 0;)
		if (!lines_have(&base_files, files.items[i]))
			(void)remove(files.items[i]);
	lines_free(&files);
}

void remains_sweep(void)
{
	pid_t pids[32];
	size_t count = 0;

	for (unsigned int turn = 0;
	     turn < 200 && (count = remains_processes(pids, ARRAY_SIZE(pids))) > 0; turn++) {
		for (size_t i = 0; i < count; i++)
			(void)kill(pids[i], SIGKILL);
		sleep_us(1000);
	}
	sweep_groups();
	sweep_files();
	(void)unlink(PID_FILE);
	console_drain();
}

void remains_check_deleted(void)
{
	if (!command_expect(0, "delete --force @"))
		return;
	remains_check("after delete --force");
	(void)command_expect(0, "delete --force @");
	/* The id is free again, and what comes then goes as well. */
	if (command_expect(0, "create -b /tmp/bundles/plain @") &&
	    command_expect(0, "delete --force @"))
		remains_check("after the id was used again");
}
