/* The child side of program.h: system calls on prepared data, no allocation. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpulist.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/program.h"

/* /etc/passwd belongs to whoever made the image: never more of it is read than this. */
enum { PASSWD_CHUNK = 4096, PASSWD_LIMIT = 1024 * 1024 };

int program_enter_terminal(int slave, struct error *err)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return error_errno(err, "controlling terminal");
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return error_errno(err, "terminal as standard stream %d", fd);
	return 0;
}

void program_enter_all_cpus(void)
{
	unsigned long all[CPULIST_BYTES / sizeof(unsigned long)];

	memset(all, 0xff, sizeof(all));
	(void)sched_setaffinity(0, sizeof(all), (const cpu_set_t *)(const void *)all);
}

/* --- HOME --- */

/* The n-th field (from 0) of a passwd line; its length in *size. */
static const char *passwd_field(const char *line, size_t length, int n, size_t *size)
{
	const char *end = line + length;

	for (; n > 0; n--) {
		line = memchr(line, ':', (size_t)(end - line));
		if (!line)
			return NULL;
		line++;
	}

	const char *colon = memchr(line, ':', (size_t)(end - line));

	*size = (size_t)((colon ? colon : end) - line);
	return line;
}

/* Takes the home directory of a line that belongs to the user. */
static bool take_home(struct program *program, const char *line, size_t length)
{
	char number[12] = "";
	size_t size = 0;
	uint32_t uid = 0;
	const char *field = passwd_field(line, length, 2, &size);

	if (!field || size >= sizeof(number))
		return false;
	memcpy(number, field, size);
	if (parse_id(number, &uid) < 0 || uid != program->uid)
		return false;
	field = passwd_field(line, length, 5, &size);
	if (!field || size == 0 || size >= PATH_MAX)
		return false;
	memcpy(program->home + strlen("HOME="), field, size);
	program->home[strlen("HOME=") + size] = '\0';
	return true;
}

/* Looks through whole lines; a line longer than the chunk is skipped. */
static void search_passwd(struct program *program, int fd)
{
	char chunk[PASSWD_CHUNK];
	size_t have = 0;

	for (size_t total = 0; total < PASSWD_LIMIT;) {
		ssize_t count = read(fd, chunk + have, sizeof(chunk) - have);
		char *line = chunk;

		if (count <= 0) { /* the last line may lack its end */
			if (have > 0)
				(void)take_home(program, chunk, have);
			return;
		}
		have += (size_t)count;
		total += (size_t)count;
		for (char *end = memchr(line, '\n', have); end;
		     end = memchr(line, '\n', (size_t)(chunk + have - line))) {
			if (take_home(program, line, (size_t)(end - line)))
				return;
			line = end + 1;
		}
		have -= (size_t)(line - chunk);
		memmove(chunk, line, have);
		if (have == sizeof(chunk))
			have = 0;
	}
}

static void find_home(struct program *program)
{
	struct stat st;

	(void)memcpy(program->home, "HOME=/", sizeof("HOME=/"));

	scoped_fd fd = fd_open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		search_passwd(program, fd);
	program->envp[program->env_count] = program->home;
	program->envp[program->env_count + 1] = NULL;
}

/* --- Working directory --- */

/* mkdir -p inside the new root, where a string path is safe. The caller's umask is not the image's. */
static int make_cwd(const char *cwd, struct error *err)
{
	char path[PATH_MAX];
	size_t length = strlen(cwd);

	if (length >= sizeof(path))
		return error_code(err, ENAMETOOLONG, "working directory");
	memcpy(path, cwd, length + 1);
	(void)umask(022);
	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "make working directory \"%s\"", path);
		path[i] = cwd[i];
	}
	return 0;
}

/* An inherited descriptor as working directory leads out of the container (CVE-2024-21626). */
static int verify_cwd(const char *cwd, struct error *err)
{
	char path[PATH_MAX];

	if (sys_getcwd(path, sizeof(path)) < 0)
		return error_errno(err, "working directory \"%s\"", cwd);
	if (path[0] != '/')
		return error_set(err, EPERM,
		                 "working directory \"%s\": lies outside of the container", cwd);
	return 0;
}

static int enter_cwd(const char *cwd, struct error *err)
{
	int r = chdir(cwd);

	if (r < 0 && errno == ENOENT) {
		r = make_cwd(cwd, err);
		if (r < 0)
			return r;
		r = chdir(cwd);
	}
	if (r < 0)
		return error_errno(err, "working directory \"%s\"", cwd);
	return verify_cwd(cwd, err);
}

/* --- Executable --- */

/* 0 when `path` can be executed; −errno otherwise. */
static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	return st.st_mode & 0111 ? 0 : -EACCES;
}

static int take_file(struct program *program, const char *directory, size_t size, const char *name)
{
	size_t length = strlen(name);
	bool slash = size > 0 && directory[size - 1] != '/';

	if (size + slash + length >= sizeof(program->file))
		return -ENAMETOOLONG;
	memcpy(program->file, directory, size);
	if (slash)
		program->file[size] = '/';
	memcpy(program->file + size + slash, name, length + 1);
	return check_executable(program->file);
}

static int search_file(struct program *program, const char *name, struct error *err)
{
	int denied = 0;

	for (const char *entry = program->search;; entry = strchr(entry, ':') + 1) {
		size_t size = strcspn(entry, ":");
		int r = take_file(program, size ? entry : ".", size ? size : 1, name);

		if (r == 0)
			return 0;
		if (r == -EACCES)
			denied = r;
		if (entry[size] == '\0')
			break;
	}
	if (denied)
		return error_code(err, EACCES, "open executable \"%s\"", name);
	return error_code(err, ENOENT, "executable file not found in $PATH: \"%s\"", name);
}

static int find_file(struct program *program, struct error *err)
{
	const char *name = program->argv[0];

	if (!*name)
		return error_code(err, ENOENT, "executable file not found in $PATH: \"\"");
	if (!strchr(name, '/'))
		return search_file(program, name, err);

	int r = take_file(program, "", 0, name);

	if (r == -EISDIR)
		return error_code(err, EPERM, "the path \"%s\" is not a regular file", name);
	return r < 0 ? error_code(err, -r, "open executable \"%s\"", name) : 0;
}

int program_enter_find(struct program *program, struct error *err)
{
	int r = enter_cwd(program->cwd, err);

	if (r < 0)
		return r;
	if (program->wants_home)
		find_home(program);
	return find_file(program, err);
}

/* --- Descriptors and execve --- */

static void sort_fds(int *fds, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0 && fds[j - 1] > fds[j]; j--) {
			int swap = fds[j];

			fds[j] = fds[j - 1];
			fds[j - 1] = swap;
		}
}

/* What stands in the gaps of the range that is passed on is ours and no more the container's. */
static void close_fillers(unsigned int kept)
{
	for (unsigned int fd = 3; fd < 3 + kept; fd++) {
		int flags = fcntl((int)fd, F_GETFD);

		if (flags >= 0 && flags & FD_CLOEXEC)
			(void)close((int)fd);
	}
}

/*
 * Truly closed, not only close-on-exec: "/proc/self/fd/N/…" as the program's path or its directory
 * would be resolved before execve closes anything.
 */
int program_enter_close_fds(unsigned int kept, int *needed, size_t count, struct error *err)
{
	unsigned int next = 3 + kept;

	close_fillers(kept);
	sort_fds(needed, count);
	for (size_t i = 0; i < count; i++) {
		if (needed[i] < 0 || (unsigned int)needed[i] < next)
			continue;
		if ((unsigned int)needed[i] > next &&
		    close_range(next, (unsigned int)needed[i] - 1, 0) < 0)
			return error_errno(err, "close_range");
		next = (unsigned int)needed[i] + 1;
	}
	if (close_range(next, UINT32_MAX, 0) < 0)
		return error_errno(err, "close_range");
	return 0;
}

int program_enter_exec(const struct program *program, struct error *err)
{
	(void)execve(program->file, program->argv, program->envp);
	return error_errno(err, "open executable \"%s\"", program->file);
}
