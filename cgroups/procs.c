#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/pidfd.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/text.h"

/* Deeper than any use of groups, and few enough descriptors to have open at a time. */
enum { DEPTH_LIMIT = 128 };

struct pid_list {
	pid_t *items;
	size_t count, capacity;
};

static void pid_list_done(struct pid_list *list)
{
	free(list->items);
}

static int pid_list_add(struct pid_list *list, pid_t pid)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 32;
		pid_t *items = realloc(list->items, capacity * sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = pid;
	return 0;
}

/* Numbers, one a line; 0 stands for a process outside of the reader's pid namespace. */
static int add_lines(struct pid_list *list, char *text)
{
	char *line;

	while ((line = text_next_line(&text))) {
		int pid = 0;

		if (parse_int(line, 1, INT_MAX, &pid) < 0)
			continue;
		if (pid_list_add(list, (pid_t)pid) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_group(struct pid_list *list, int dirfd)
{
	scoped_str text = NULL;
	struct error err;
	int r = file_read(dirfd, "cgroup.procs", 64 * 1024 * 1024, &text, NULL, &err);

	/* A threaded group's processes are listed by the group above it. */
	if (r == -EOPNOTSUPP || r == -ENODEV || r == -ENOENT)
		return 0;
	return r < 0 ? r : add_lines(list, text);
}

static int add_tree(struct pid_list *list, int dirfd, int depth);

static int add_children(struct pid_list *list, DIR *dir, int depth)
{
	struct dirent *entry;
	int r = 0;

	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;

		scoped_fd child = openat(dirfd(dir), entry->d_name,
		                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (child >= 0)
			r = add_tree(list, child, depth + 1);
		else if (errno != ENOENT)
			r = -errno;
	}
	return r;
}

static int add_tree(struct pid_list *list, int fd, int depth)
{
	if (depth > DEPTH_LIMIT)
		return -ELOOP;

	int r = add_group(list, fd);

	if (r < 0)
		return r;

	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir) {
		r = errno == ENOENT ? 0 : -errno;
		fd_close(&copy);
		return r;
	}
	r = add_children(list, dir, depth);
	(void)closedir(dir);
	return r;
}

int procs_list(int dirfd, pid_t **ret, size_t *ret_count)
{
	__attribute__((cleanup(pid_list_done))) struct pid_list list = {0};
	int r = add_tree(&list, dirfd, 0);

	if (r < 0)
		return r;
	*ret = list.items;
	*ret_count = list.count;
	list.items = NULL;
	return 0;
}

static bool contains(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

/* Pidfds held at a time. */
enum { BATCH = 128 };

/*
 * Signals `count` processes. A number may have passed to another process between the list and
 * pidfd_open: who is still (or again) listed once the pidfd is open is a process of the group.
 */
static int signal_batch(int dirfd, const pid_t *pids, size_t count, int signal)
{
	int pidfds[BATCH];
	pid_t *now = NULL;
	size_t now_count = 0;
	int sent = 0;

	for (size_t i = 0; i < count; i++)
		pidfds[i] = pidfd_open(pids[i], 0);

	int r = procs_list(dirfd, &now, &now_count);

	for (size_t i = 0; i < count; i++) {
		if (r >= 0 && pidfds[i] >= 0 && contains(now, now_count, pids[i])) {
			if (pidfd_send_signal(pidfds[i], signal, NULL, 0) == 0)
				sent++;
			else if (errno != ESRCH)
				r = -errno;
		}
		fd_close(&pidfds[i]);
	}
	free(now);
	return r < 0 ? r : sent;
}

int procs_signal(int dirfd, int signal)
{
	pid_t *pids = NULL;
	size_t count = 0;
	int sent = 0;
	int r = procs_list(dirfd, &pids, &count);

	for (size_t i = 0; r >= 0 && i < count; i += BATCH) {
		r = signal_batch(dirfd, pids + i, count - i < BATCH ? count - i : BATCH, signal);
		if (r > 0)
			sent += r;
	}
	free(pids);
	return r < 0 ? r : sent;
}
