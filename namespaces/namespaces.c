#include "namespaces/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* One row a type, indexed by it. */
static const struct {
	int flag;
	const char *proc_name;
} table[NAMESPACE_TYPE_COUNT] = {
	[NAMESPACE_USER] = {CLONE_NEWUSER, "user"},
	[NAMESPACE_PID] = {CLONE_NEWPID, "pid"},
	[NAMESPACE_NETWORK] = {CLONE_NEWNET, "net"},
	[NAMESPACE_MOUNT] = {CLONE_NEWNS, "mnt"},
	[NAMESPACE_IPC] = {CLONE_NEWIPC, "ipc"},
	[NAMESPACE_UTS] = {CLONE_NEWUTS, "uts"},
	[NAMESPACE_CGROUP] = {CLONE_NEWCGROUP, "cgroup"},
	[NAMESPACE_TIME] = {CLONE_NEWTIME, "time"},
};

/*
 * The order of entering: the user namespace has its own place in namespaces_enter; pid late, because a
 * process in it could look at us from the next fork on; mount last, because it moves root and cwd.
 */
static const enum spec_namespace_type join_order[] = {
	NAMESPACE_USER,   NAMESPACE_IPC,  NAMESPACE_UTS, NAMESPACE_NETWORK,
	NAMESPACE_CGROUP, NAMESPACE_TIME, NAMESPACE_PID, NAMESPACE_MOUNT,
};

int namespace_clone_flag(enum spec_namespace_type type)
{
	return table[type].flag;
}

const char *namespace_proc_name(enum spec_namespace_type type)
{
	return table[type].proc_name;
}

void namespace_plan_done(struct namespace_plan *plan)
{
	for (unsigned int i = 0; i < plan->join_count; i++)
		fd_close(&plan->joins[i].fd);
	plan->join_count = 0;
}

static const char *name_of_flag(int flag)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].flag == flag)
			return spec_namespace_names[i];
	return "unknown";
}

static int open_namespace(enum spec_namespace_type type, const char *path, int *ret_fd,
                          struct error *err)
{
	/* Not blocking: the path may name anything, a FIFO for one. */
	scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *name = spec_namespace_names[type];
	int found;

	if (fd < 0)
		return error_errno(err, "%s namespace: open %s", name, path);
	found = ioctl(fd, NS_GET_NSTYPE);
	if (found < 0)
		return error_set(err, EINVAL, "%s namespace: %s is no namespace", name, path);
	if (found != table[type].flag)
		return error_set(err, EINVAL, "%s namespace: %s is a %s namespace", name, path,
		                 name_of_flag(found));
	*ret_fd = fd_take(&fd);
	return 0;
}

/* Entering the user namespace that one is in is refused by the kernel, and means nothing. */
static bool is_own_user_namespace(int fd)
{
	struct stat own, other;

	return stat("/proc/self/ns/user", &own) == 0 && fstat(fd, &other) == 0 &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

bool namespace_is_own_user(const char *path)
{
	scoped_fd fd = open(path, O_PATH | O_CLOEXEC);

	return fd >= 0 && is_own_user_namespace(fd);
}

bool namespaces_join_user(const struct namespace_plan *plan)
{
	return plan->join_count > 0 && plan->joins[0].type == NAMESPACE_USER;
}

static int add_join(enum spec_namespace_type type, const char *path, struct namespace_plan *plan,
                    struct error *err)
{
	scoped_fd fd = -1;
	int r = open_namespace(type, path, &fd, err);

	if (r < 0)
		return r;
	if (type == NAMESPACE_USER && is_own_user_namespace(fd))
		return 0;
	if (type == NAMESPACE_USER || type == NAMESPACE_PID)
		plan->needs_stage = true;
	plan->joins[plan->join_count++] = (struct namespace_join){
		.fd = fd_take(&fd),
		.flag = table[type].flag,
		.type = type,
	};
	return 0;
}

static void add_new(enum spec_namespace_type type, const struct spec_linux *linux_spec,
                    struct namespace_plan *plan)
{
	if (type == NAMESPACE_TIME &&
	    (linux_spec->monotonic_offset.set || linux_spec->boottime_offset.set)) {
		plan->new_time_offsets = true;
		plan->needs_stage = true;
		return;
	}
	plan->clone_flags |= (uint64_t)(unsigned int)table[type].flag;
}

int namespaces_prepare(const struct spec_linux *linux_spec, struct namespace_plan *ret,
                       struct error *err)
{
	scoped_namespace_plan plan = {0};

	for (size_t i = 0; i < ARRAY_SIZE(join_order); i++) {
		enum spec_namespace_type type = join_order[i];
		const struct spec_namespace *wanted = &linux_spec->namespaces[type];
		int r;

		if (!wanted->set)
			continue;
		if (!wanted->path) {
			add_new(type, linux_spec, &plan);
			continue;
		}
		r = add_join(type, wanted->path, &plan, err);
		if (r < 0)
			return r;
	}
	if (plan.clone_flags & CLONE_NEWUSER && plan.join_count > 0)
		plan.needs_stage = true;
	*ret = plan;
	plan.join_count = 0;
	return 0;
}
