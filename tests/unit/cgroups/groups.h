/* Real groups on this host's v2 hierarchy, each with a name of its own, for tests as root. */
#ifndef LVM_RUN_TESTS_CGROUPS_GROUPS_H
#define LVM_RUN_TESTS_CGROUPS_GROUPS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroups/cgroup.h"
#include "cgroups/group.h"
#include "cgroups/text.h"

enum { PROMPT_MS = 5000 };

static const struct spec_resources no_resources;

static inline void need_root(void)
{
	char mount[LAYOUT_PATH_SIZE];
	struct error err = {0};

	if (geteuid() == 0 && layout_find_unified(mount, &err) == 0 && access(mount, W_OK) == 0)
		return;
	(void)printf("SKIP needs root and a writable cgroup v2 hierarchy\n");
	skip();
}

static inline char *new_id(void)
{
	static int number;

	return str_format("unit-%ld-%d", (long)getpid(), number++);
}

static inline struct cgroup_request request_for(const char *id)
{
	return (struct cgroup_request){
		.driver = CGROUP_DRIVER_CGROUPFS,
		.id = id,
		.resources = &no_resources,
		.pin_dir = "",
	};
}

static inline struct cgroup *create(const struct cgroup_request *request)
{
	struct cgroup *group = NULL;
	struct error err = {0};

	if (cgroup_plan(request, &group, &err) < 0 || cgroup_create(group, &err) < 0)
		fail_msg("%s", err.text);
	return group;
}

/* One without limits and with a name of its own, for a test that needs to know no more of it. */
static inline struct cgroup *new_group(void)
{
	need_root();

	scoped_str id = new_id();
	const struct cgroup_request request = request_for(id);

	return create(&request);
}

static inline void destroy(struct cgroup *group)
{
	struct error err = {0};

	if (cgroup_destroy(group, &err) < 0)
		fail_msg("%s", err.text);
}

/* A process born in the group; it ends with this one. */
static inline pid_t start(int dirfd, void (*body)(void))
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned int)dirfd,
	};
	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		body();
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static inline void nothing(void)
{
}

static inline void spin(void)
{
	for (;;)
		__asm__ volatile("");
}

static inline int status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline bool exists(const struct cgroup *group)
{
	scoped_str path =
		str_format("%s%s", cgroup_locate(group)->mount, cgroup_locate(group)->path);

	return access(path, F_OK) == 0;
}

/* Runs `body` in a mount namespace of its own; its exit status. */
static inline int in_private_view(int (*body)(void))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(77);
		_exit(body());
	}

	int status = status_of(pid);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
