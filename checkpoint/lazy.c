#include "checkpoint/lazy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "checkpoint/criu.h"
#include "checkpoint/explain.h"
#include "checkpoint/verify.h"

/* Where the watcher has its descriptors; all others are closed, the locks of the command first of all. */
enum watcher_fd { FD_IMAGES = 3, FD_WORK, FD_CGROUP, FD_CONTROL, FD_READY, FD_COUNT };
enum { ASIDE = 100 };
static const char restored = 'r';

/* How the line begins by which the watcher says that the memory is not what was saved. */
#define VERDICT "lvm-run: memory: "

struct watcher {
	const struct lazy_request *request;
	struct process daemon;
	struct verify verify;
	bool restored;
};

/* --- The watcher --- */

static int take_descriptors(const struct lazy_request *request, int control, int ready)
{
	const int wanted[] = {request->images_fd, request->work_fd, request->cgroup_fd, control,
	                      ready};
	int copies[ARRAY_SIZE(wanted)];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		copies[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, ASIDE);
		if (copies[i] < 0)
			return -errno;
	}
	for (int fd = 0; fd < FD_IMAGES; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (dup3(copies[i], FD_IMAGES + (int)i, O_CLOEXEC) < 0)
			return -errno;
	return close_range(FD_COUNT, UINT_MAX, 0) < 0 ? -errno : 0;
}

/* What a person finds who looks for the reason. */
static void note(const char *begin, const char *text)
{
	scoped_fd log =
		openat(FD_WORK, LAZY_LOG_NAME, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (log < 0)
		return;
	(void)!fd_write_all(log, begin, strlen(begin));
	(void)!fd_write_all(log, text, strlen(text));
	(void)!fd_write_all(log, "\n", 1);
}

/* A restore that is not done yet fails by it, and finds the reason. */
static void end_container(const char *begin, const char *reason)
{
	struct error ignored;

	note(begin, reason);
	(void)!file_write_kernel(FD_CGROUP, "cgroup.kill", "1", &ignored);
}

static int start_daemon(struct watcher *w)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&w->daemon.pidfd,
		.exit_signal = SIGCHLD,
	};
	const struct criu_lazy lazy = {
		.program = w->request->program,
		.log_file = LAZY_LOG_NAME,
		.images_fd = FD_IMAGES,
		.work_fd = FD_WORK,
		.ready_fd = FD_READY,
		.address = w->request->address,
		.port = w->request->port,
	};

	w->daemon.pid = sys_clone3(&args);
	if (w->daemon.pid == 0)
		criu_become_lazy(&lazy);
	return w->daemon.pid < 0 ? -errno : 0;
}

static int end_daemon(struct watcher *w, bool kill)
{
	struct error ignored;
	int status = -1;

	if (kill)
		(void)!process_signal(&w->daemon, SIGKILL, &ignored);
	(void)!process_reap(&w->daemon, &status, &ignored);
	process_done(&w->daemon);
	return status;
}

/* False: the restore has failed, or the command has died before it was done. */
static bool on_control(struct watcher *w)
{
	char word = 0;

	w->restored = read(FD_CONTROL, &word, 1) == 1 && word == restored;
	return w->restored;
}

/* Until the daemon has nothing more to do and the memory was checked. */
static int watch(struct watcher *w)
{
	bool serving = true;

	while (serving || w->verify.report >= 0 || !w->restored) {
		struct pollfd fds[] = {
			{.fd = serving ? w->daemon.pidfd : -1, .events = POLLIN},
			{.fd = w->verify.report, .events = POLLIN},
			{.fd = w->restored ? -1 : FD_CONTROL, .events = POLLIN},
		};
		struct error err = {0};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return 1;
		if (fds[2].revents && !on_control(w))
			return 1;
		if (fds[1].revents && verify_finish(&w->verify, &err) < 0) {
			end_container(VERDICT, err.text);
			return 1;
		}
		if (!fds[0].revents)
			continue;
		serving = false;
		if (end_daemon(w, false) != 0) {
			end_container("lvm-run: ",
			              "the daemon of lazy pages has failed: the container "
			              "was ended, because a part of its memory is missing");
			return 1;
		}
	}
	return 0;
}

static void become_watcher(const struct lazy_request *request, int control, int ready)
{
	struct watcher w = {
		.request = request,
		.daemon = {.pidfd = -1},
		.verify = VERIFY_NONE,
	};
	struct error ignored;
	sigset_t none;

	(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (take_descriptors(request, control, ready) < 0 || start_daemon(&w) < 0)
		_exit(1);
	(void)close(FD_READY);
	if (verify_start(FD_IMAGES, request->facts, &w.verify, &ignored) < 0)
		_exit(1);

	int status = watch(&w);

	verify_done(&w.verify);
	if (w.daemon.pidfd >= 0)
		(void)end_daemon(&w, true);
	if (status == 0)
		(void)unlinkat(FD_WORK, LAZY_LOG_NAME, 0);
	_exit(status);
}

/* --- The command's side --- */

void lazy_done(struct lazy *lazy)
{
	struct error ignored;
	int status = 0;

	fd_close(&lazy->ready);
	fd_close(&lazy->control);
	if (lazy->watcher.pidfd < 0)
		return;
	(void)!process_reap(&lazy->watcher, &status, &ignored);
	process_done(&lazy->watcher);
}

int lazy_start(const struct lazy_request *request, struct lazy *ret, struct error *err)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&ret->watcher.pidfd,
		.exit_signal = SIGCHLD,
	};
	int control[2] = {-1, -1};
	int ready[2] = {-1, -1};

	if (pipe2(control, O_CLOEXEC) < 0)
		return error_errno(err, "lazy pages");

	scoped_fd control_read = control[0];

	ret->control = control[1];
	if (pipe2(ready, O_CLOEXEC) < 0)
		return error_errno(err, "lazy pages");

	scoped_fd ready_write = ready[1];

	ret->ready = ready[0];
	/* One that was left behind would be in the daemon's way. */
	(void)unlinkat(request->work_fd, LAZY_SOCKET_NAME, 0);

	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		become_watcher(request, control_read, ready_write);
	if (pid < 0)
		return error_errno(err, "lazy pages");
	ret->watcher.pid = pid;
	return 0;
}

int lazy_await(struct lazy *lazy, int work_fd, struct error *err)
{
	char word;
	int r = (int)fd_read_all(lazy->ready, &word, 1);

	fd_close(&lazy->ready);
	if (r == 1)
		return 0;
	(void)error_set(err, EIO, "the daemon of lazy pages did not start");
	return explain_failure(work_fd, LAZY_LOG_NAME, NULL, err);
}

int lazy_explain(const struct lazy *lazy, int work_fd, struct error *err)
{
	enum { LOG_LIMIT = 1 << 20 };
	scoped_str log = NULL;
	struct error ignored;

	if (lazy->watcher.pidfd < 0 ||
	    file_read(work_fd, LAZY_LOG_NAME, LOG_LIMIT, &log, NULL, &ignored) < 0)
		return -err->code;

	char *reason = strstr(log, VERDICT);

	if (!reason)
		return -err->code;
	reason += strlen(VERDICT);
	reason[strcspn(reason, "\n")] = '\0';
	return error_set(err, EILSEQ, "%s", reason);
}

void lazy_keep(struct lazy *lazy)
{
	(void)!fd_write_all(lazy->control, &restored, 1);
	fd_close(&lazy->control);
	process_done(&lazy->watcher);
}
