/* Runs on the host and in init: no allocation. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/sys.h"
#include "runtime/hooks.h"
#include "spec/annotations.h"

/* The state as a file, so that a hook that reads nothing blocks nobody. */
static int open_state(const char *state, size_t size, struct error *err)
{
	scoped_fd fd = memfd_create("state", MFD_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "memfd_create");

	int r = fd_write_all(fd, state, size);

	if (r < 0)
		return error_code(err, -r, "write state");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "write state");
	return fd_take(&fd);
}

/*
 * A hook ends with who runs it, at once and also where it has no group. Its children do not inherit this.
 */
static _Noreturn void become_hook(const struct spec_hook *hook, char **env, const int fds[3],
                                  pid_t parent)
{
	char *only_path[] = {hook->path, NULL};
	sigset_t none;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(126);
	process_reset_signals();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (int fd = 0; fd < 3; fd++)
		if (fds[fd] >= 0 && dup2(fds[fd], fd) < 0)
			_exit(126);
	if (fd_cloexec_from(3) < 0)
		_exit(126);
	(void)execve(hook->path, hook->args.count > 0 ? hook->args.items : only_path,
	             hook->has_env ? hook->env.items : env);
	_exit(errno == ENOENT ? 127 : 126);
}

static int spawn(const struct spec_hook *hook, char **env, const int fds[3], int group_fd,
                 struct process *ret, struct error *err)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t self = getpid();

	if (group_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)group_fd;
	}

	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return error_errno(err, "clone");
	if (pid == 0)
		become_hook(hook, env, fds, self);
	*ret = (struct process){.pid = pid, .pidfd = pidfd};
	return 0;
}

static int describe_end(int status, struct error *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		return error_set(err, ECANCELED, "killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == 127)
		return error_set(err, ECANCELED, "exit status 127 (is the program there?)");
	return error_set(err, ECANCELED, "exit status %d", WEXITSTATUS(status));
}

/* As poll(2) takes it. */
static int timeout_of(const struct spec_hook *hook)
{
	if (hook->timeout_s <= 0)
		return -1;
	return hook->timeout_s > INT32_MAX / 1000 ? INT32_MAX : (int)hook->timeout_s * 1000;
}

static int run_one(const struct spec_hook *hook, char **env, const int fds[3], int group_fd,
                   struct error *err)
{
	scoped_process process = {.pidfd = -1};
	struct error late;
	int status = 0;

	if (lseek(fds[0], 0, SEEK_SET) < 0)
		return error_errno(err, "write state");

	int r = spawn(hook, env, fds, group_fd, &process, err);

	if (r < 0)
		return r;

	int timed_out = process_wait_gone(&process, timeout_of(hook), &late);

	if (timed_out < 0)
		(void)!process_signal(&process, SIGKILL, err);
	r = process_reap(&process, &status, err);
	if (timed_out == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "still running after %lld s: killed",
		                 (long long)hook->timeout_s);
	if (timed_out < 0) {
		*err = late;
		return timed_out;
	}
	return r < 0 ? r : describe_end(status, err);
}

/* What a hook without an environment of its own gets: inside the container nothing of the host's. */
static char **environment_for(const struct spec *spec, enum spec_hook_kind kind)
{
	static char *const none[] = {NULL};

	if (kind != HOOK_START_CONTAINER)
		return environ;
	return spec->process.env.count > 0 ? spec->process.env.items : (char **)(uintptr_t)none;
}

/*
 * Where an annotation sends what hooks of the host write: −1 stays as it is. In a container the path would
 * be one of the container. Failures are below −1.
 */
static int open_output(const struct spec *spec, enum spec_hook_kind kind, const char *annotation,
                       struct error *err)
{
	bool host = kind != HOOK_START_CONTAINER && kind != HOOK_CREATE_CONTAINER;
	const char *path = host ? spec_annotation(spec, annotation) : NULL;
	int fd;

	if (!path || path[0] == '\0')
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd >= 0)
		return fd;
	(void)error_errno(err, "%s: open %s", annotation, path);
	return -ECANCELED;
}

int hooks_run(const struct spec *spec, enum spec_hook_kind kind, const char *state,
              size_t state_size, struct hook_group *group, struct error *err)
{
	const struct spec_hook_list *list = &spec->hooks[kind];
	int result = 0;

	if (list->count == 0)
		return 0;

	scoped_fd state_fd = open_state(state, state_size, err);

	if (state_fd < 0)
		return error_wrap(err, "%s hook", spec_hook_names[kind]);

	scoped_fd output = open_output(spec, kind, ANNOTATION_HOOKS_STDOUT, err);
	scoped_fd errors = output < -1 ? -1 : open_output(spec, kind, ANNOTATION_HOOKS_STDERR, err);

	if (output < -1 || errors < -1)
		return error_wrap(err, "%s hook", spec_hook_names[kind]);

	const int fds[] = {state_fd, output, errors};

	for (size_t i = 0; i < list->count; i++) {
		struct error failure;
		int r = run_one(&list->items[i], environment_for(spec, kind), fds,
		                group ? group->fd : -1, &failure);

		if (group)
			group->settle(group, r >= 0);
		if (r >= 0)
			continue;
		if (result == 0) {
			*err = failure;
			result = error_wrap(err, "%s hook %s", spec_hook_names[kind],
			                    list->items[i].path);
		}
		/* runtime.md: the rest of these run all the same. */
		if (kind != HOOK_POSTSTOP)
			return result;
	}
	return result;
}
