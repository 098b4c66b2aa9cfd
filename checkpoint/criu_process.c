/* The program CRIU: where it is, its memory of the kernel, and how it is started. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "checkpoint/criu.h"

/* What `criu swrk` gets: 0–2, its socket, then from CRIU_FIRST_FD the inherited ones. */
enum { SWRK_SOCKET = 3, SWRK_ASIDE = 100 };
/* Of a process that should have become CRIU. */
enum { CHECK_FAILED = 127 };

/* --- Finding it --- */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool find_in(const char *directories, char ret[static PATH_MAX])
{
	while (directories && *directories) {
		size_t length = strcspn(directories, ":");
		int size = snprintf(ret, PATH_MAX, "%.*s/criu", (int)length, directories);

		if (length && directories[0] == '/' && size < PATH_MAX && is_program(ret))
			return true;
		directories += length + (directories[length] == ':');
	}
	return false;
}

int criu_find(char ret[static PATH_MAX], struct error *err)
{
	const char *named = secure_getenv("LVM_RUN_CRIU");

	if (named && *named) {
		if (!realpath(named, ret) || !is_program(ret))
			return error_set(err, ENOENT, "LVM_RUN_CRIU: %s is no program", named);
		return 0;
	}
	if (find_in(LVM_RUN_LIBEXECDIR, ret) || find_in(secure_getenv("PATH"), ret) ||
	    find_in("/usr/local/sbin:/usr/sbin:/sbin", ret))
		return 0;
	return error_set(err, ENOENT,
	                 "CRIU is not installed: install the package criu (" CRIU_VERSION_MIN_TEXT
	                 " or later), or name the program in LVM_RUN_CRIU");
}

const char *criu_config(const struct spec *spec)
{
	static const char usual[] = "/etc/criu/lvm-run.conf";

	for (size_t i = 0; i < spec->annotation_count; i++)
		if (str_equal(spec->annotations[i].key, "org.criu.config"))
			return spec->annotations[i].value;
	return access(usual, R_OK) == 0 ? usual : NULL;
}

/* --- Its memory of the kernel --- */

/* Where the CRIU that we build keeps what it has found out about the kernel, if that is a tmpfs. */
#define CACHE_PLACE "/run/lvm-run-criu"
/* Else this is put there for CRIU alone. Anyone can make names in /dev/shm: it must be root's. */
#define CACHE_INSTEAD "/dev/shm/lvm-run-criu"

static bool is_private_tmpfs(const char *path)
{
	scoped_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC &&
	       fstat(fd, &st) == 0 && st.st_uid == 0 && (st.st_mode & 0777) == 0700;
}

/* In the process that becomes CRIU. It finds all out anew, in a tenth of a second, without. */
static void provide_cache(void)
{
	if (mkdir(CACHE_PLACE, 0700) < 0 && errno != EEXIST)
		return;
	if (is_private_tmpfs(CACHE_PLACE) || (mkdir(CACHE_INSTEAD, 0700) < 0 && errno != EEXIST) ||
	    !is_private_tmpfs(CACHE_INSTEAD))
		return;
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		(void)mount(CACHE_INSTEAD, CACHE_PLACE, NULL, MS_BIND, NULL);
}

/* --- Starting it --- */

static int place_descriptors(const struct criu_launch *launch, int socket)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int *copies = calloc(launch->inherit_count + 1, sizeof(*copies));

	/* First out of the way of the numbers that are wanted, then to them. */
	socket = fcntl(socket, F_DUPFD_CLOEXEC, SWRK_ASIDE);
	null = fcntl(null, F_DUPFD_CLOEXEC, SWRK_ASIDE);
	if (socket < 0 || null < 0)
		return -errno;

	if (!copies)
		return -ENOMEM;
	for (size_t i = 0; i < launch->inherit_count; i++) {
		copies[i] = fcntl(launch->inherit[i].fd, F_DUPFD_CLOEXEC, SWRK_ASIDE);
		if (copies[i] < 0)
			return -errno;
	}
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	if (dup2(socket, SWRK_SOCKET) < 0)
		return -errno;
	for (size_t i = 0; i < launch->inherit_count; i++)
		if (dup2(copies[i], CRIU_FIRST_FD + (int)i) < 0)
			return -errno;
	free(copies);
	return fd_cloexec_from(CRIU_FIRST_FD + (unsigned int)launch->inherit_count);
}

static void become_criu(const struct criu_launch *launch, int socket, int report)
{
	char swrk[] = "swrk", number[] = "3", name[] = "criu";
	char *argv[] = {name, swrk, number, NULL};
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = {path, NULL};
	struct error err = {0};
	int program = open(launch->program, O_PATH | O_CLOEXEC);
	sigset_t none;
	int r = program < 0 ? error_errno(&err, "%s", launch->program) : 0;

	/*
	 * What ends all of a job, from a terminal say, must not end CRIU while its own code runs in the
	 * container's processes: nobody else can bring that to its end or take it back.
	 */
	if (!launch->in_session)
		(void)setsid();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	report = fcntl(report, F_DUPFD_CLOEXEC, SWRK_ASIDE);
	program = fcntl(program, F_DUPFD_CLOEXEC, SWRK_ASIDE);
	provide_cache();
	if (r == 0 && launch->prepare)
		r = launch->prepare(launch->context, &err);
	if (r == 0) {
		r = place_descriptors(launch, socket);
		if (r < 0)
			(void)error_code(&err, -r, "descriptors of criu");
	}
	if (r == 0) {
		(void)execveat(program, "", argv, environment, AT_EMPTY_PATH);
		/* A script has no other way than its path. */
		(void)execve(launch->program, argv, environment);
		(void)error_errno(&err, "%s", launch->program);
	}
	(void)!write(report, &err, sizeof(err));
	_exit(127);
}

static void become_check(const char *program)
{
	char name[] = "criu", verb[] = "check", word[] = "--feature",
	     feature[] = "network_lock_nftables";
	char *argv[] = {name, verb, word, feature, NULL};
	char *environment[] = {NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			_exit(CHECK_FAILED);
	provide_cache();
	(void)execve(program, argv, environment);
	_exit(CHECK_FAILED);
}

int criu_can_lock_network(bool *ret, struct error *err)
{
	char program[PATH_MAX];
	scoped_process process = {.pidfd = -1};
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&process.pidfd,
		.exit_signal = SIGCHLD,
	};
	int status = 0;
	int r = criu_find(program, err);

	if (r < 0)
		return r;
	process.pid = sys_clone3(&args);
	if (process.pid == 0)
		become_check(program);
	if (process.pid < 0)
		return error_errno(err, "clone criu");
	r = process_reap(&process, &status, err);
	status = process_exit_code(status);
	if (r == 0 && status == CHECK_FAILED)
		return error_set(err, EPROTO, "criu check did not start");
	*ret = status == 0;
	return r;
}

void criu_become_lazy(const struct criu_lazy *lazy)
{
	char images[FD_PATH_SIZE], work[FD_PATH_SIZE], log[NAME_MAX + 1], ready[16], address[256],
		port[16];
	char name[] = "criu", verb[] = "lazy-pages", images_word[] = "--images-dir",
	     work_word[] = "--work-dir", log_word[] = "--log-file", ready_word[] = "--status-fd",
	     server_word[] = "--page-server", address_word[] = "--address", port_word[] = "--port";
	char *argv[16] = {name,        verb,
	                  images_word, fd_path(lazy->images_fd, images),
	                  work_word,   fd_path(lazy->work_fd, work),
	                  log_word,    log,
	                  ready_word,  ready};
	char *environment[] = {NULL};
	size_t count = 10;

	(void)snprintf(log, sizeof(log), "%s", lazy->log_file);
	(void)snprintf(ready, sizeof(ready), "%d", lazy->ready_fd);
	if (lazy->address) {
		(void)snprintf(address, sizeof(address), "%s", lazy->address);
		(void)snprintf(port, sizeof(port), "%u", lazy->port);
		argv[count++] = server_word;
		argv[count++] = address_word;
		argv[count++] = address;
		argv[count++] = port_word;
		argv[count++] = port;
	}
	provide_cache();
	(void)!fd_set_cloexec(lazy->images_fd, false);
	(void)!fd_set_cloexec(lazy->work_fd, false);
	(void)!fd_set_cloexec(lazy->ready_fd, false);
	(void)execve(lazy->program, argv, environment);
	_exit(127);
}

static int spawn(struct criu *criu, const struct criu_launch *launch, int theirs, int report,
                 struct error *err)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&criu->process.pidfd,
		.exit_signal = SIGCHLD,
	};

	if (launch->cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)launch->cgroup_fd;
	}
	pid_t pid = sys_clone3(&args);

	if (pid < 0)
		return error_errno(err, "clone criu");
	if (pid == 0)
		become_criu(launch, theirs, report);
	criu->process.pid = pid;
	return 0;
}

/* Nothing arrives over the pipe once it has become CRIU. */
static int await_exec(int report, struct error *err)
{
	struct error failure;
	ssize_t count = fd_read_all(report, &failure, sizeof(failure));

	if (count == 0)
		return 0;
	if (count != (ssize_t)sizeof(failure))
		return error_set(err, EPROTO, "criu did not start");
	*err = failure;
	return error_wrap(err, "start criu");
}

int criu_spawn(struct criu *criu, const struct criu_launch *launch, struct error *err)
{
	int sockets[2] = {-1, -1};
	int report[2] = {-1, -1};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return error_errno(err, "socket for criu");
	criu->socket = sockets[0];

	scoped_fd theirs = sockets[1];

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_errno(err, "pipe for criu");

	scoped_fd read_end = report[0], write_end = report[1];
	int r = spawn(criu, launch, theirs, write_end, err);

	fd_close(&theirs);
	fd_close(&write_end);
	return r < 0 ? r : await_exec(read_end, err);
}

void criu_done(struct criu *criu)
{
	struct error ignored;
	int status = 0;

	fd_close(&criu->socket);
	if (criu->process.pidfd < 0)
		return;
	(void)!process_signal(&criu->process, SIGKILL, &ignored);
	(void)!process_reap(&criu->process, &status, &ignored);
	process_done(&criu->process);
}
