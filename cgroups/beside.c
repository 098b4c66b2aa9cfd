#include "cgroups/beside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/layout.h"
#include "cgroups/path.h"

/* Processes that fork while they are moved leave their children behind: those come next. */
enum { RELEASE_ROUNDS = 64 };

static int find(const char *mount, const char *name, struct cgroup **ret, struct error *err)
{
	char path[NAME_MAX + 2];

	if (snprintf(path, sizeof(path), "/%s", name) >= (int)sizeof(path))
		return error_code(err, ENAMETOOLONG, "cgroup %.60s…", name);
	return cgroup_open(
		&(struct cgroup_location){
			.driver = CGROUP_DRIVER_CGROUPFS,
			.mount = mount,
			.path = path,
		},
		ret, err);
}

int beside_find(const char *name, struct cgroup **ret, struct error *err)
{
	char mount[LAYOUT_PATH_SIZE];

	return layout_find_unified(mount, err) < 0 ? -err->code : find(mount, name, ret, err);
}

int beside_list(const char *prefix, const char *suffix, struct strbuf *names, struct error *err)
{
	char mount[LAYOUT_PATH_SIZE];

	if (layout_find_unified(mount, err) < 0)
		return -err->code;

	DIR *directory = opendir(mount);

	if (!directory)
		return error_errno(err, "list the cgroups in %s", mount);
	for (struct dirent *e = readdir(directory); e; e = readdir(directory))
		if (str_starts(e->d_name, prefix) && str_ends(e->d_name, suffix))
			strbuf_add(names, e->d_name, strlen(e->d_name) + 1);
	(void)closedir(directory);
	return names->failed ? error_code(err, ENOMEM, "list the cgroups in %s", mount) : 0;
}

/*
 * A lock of flock(2) lives on in a child that is between clone and execve, also when its parent was killed
 * and it is about to follow. So the maker has a lock of fcntl(2) as well, which is the process's alone.
 */
static void mark_as_used(const struct cgroup *group)
{
	struct flock own = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

	(void)fcntl(group->dirfd, F_SETLK, &own);
}

bool beside_lock(const struct cgroup *group)
{
	struct flock others = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (flock(group->dirfd, LOCK_EX | LOCK_NB) == 0)
		return true;
	return fcntl(group->dirfd, F_GETLK, &others) == 0 && others.l_type == F_UNLCK;
}

int beside_make(const char *name, struct cgroup **ret, struct error *err)
{
	char mount[LAYOUT_PATH_SIZE];
	scoped_cgroup group = NULL;

	/* The kernel itself takes longer ones. */
	if (strlen(name) > NAME_MAX)
		return error_code(err, ENAMETOOLONG, "cgroup %.60s…", name);
	if (layout_find_unified(mount, err) < 0)
		return -err->code;

	scoped_str full = str_format("%s/%s", mount, name);

	if (!full)
		return error_code(err, ENOMEM, "cgroup");
	if (mkdir(full, 0755) < 0)
		return error_errno(err, "make the cgroup %s", full);

	int r = find(mount, name, &group, err);

	if (r == 0)
		mark_as_used(group);
	/* Who looks for what killed commands left may have taken it, unlocked as it was. */
	if (r == -ENOENT || (r == 0 && flock(group->dirfd, LOCK_EX | LOCK_NB) < 0))
		return error_set(err, EEXIST, "the cgroup %s is in other hands", full);
	if (r < 0)
		return r;
	*ret = group;
	group = NULL;
	return 0;
}

/* Where processes of ours live; −1 with *err. */
static int open_own_procs(const struct cgroup *group, struct error *err)
{
	char own[PATH_MAX];
	char file[PATH_MAX + LAYOUT_PATH_SIZE];

	if (layout_own_group(0, own, sizeof(own), err) < 0)
		return -1;
	if (!str_equal(own, "/") && path_check(own, err) < 0)
		return -1;
	(void)snprintf(file, sizeof(file), "%s%s/cgroup.procs", group->location.mount,
	               str_equal(own, "/") ? "" : own);

	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		(void)error_errno(err, "open %s", file);
	return fd;
}

static int move_all(int procs, const pid_t *pids, size_t count, struct error *err)
{
	char number[16];

	for (size_t i = 0; i < count; i++) {
		int size = snprintf(number, sizeof(number), "%d", (int)pids[i]);

		if (write(procs, number, (size_t)size) < 0 && errno != ESRCH)
			return error_errno(err, "move process %s to another cgroup", number);
	}
	return 0;
}

int beside_release(const struct cgroup *group, struct error *err)
{
	scoped_fd procs = -1;

	for (int i = 0; i < RELEASE_ROUNDS && events_get(group->dirfd, "populated") != 0; i++) {
		pid_t *pids = NULL;
		size_t count = 0;
		int r = procs_list(group->dirfd, &pids, &count);

		mark_as_used(group); /* closing any descriptor of the directory has taken it away */
		if (r < 0)
			return error_code(err, -r, "list the processes of the cgroup %s",
			                  group->full);
		if (count == 0)
			return 0; /* those that end are counted a moment longer */
		if (procs < 0)
			procs = open_own_procs(group, err);
		r = procs < 0 ? -err->code : move_all(procs, pids, count, err);
		free(pids);
		if (r < 0)
			return r;
	}
	return 0;
}
