/* The standard streams of a container's first process: where they end outside of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "checkpoint/facts.h"

enum { TEXT_SIZE = 8192, OCTAL = 8 };

struct descriptor {
	char target[256]; /* what the link in /proc/PID/fd says, cut */
	struct stat st;
	uint64_t mount_id;
	int access;
};

static const char *find_value(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	return found ? found + strlen(key) + strspn(found + strlen(key), " \t") : NULL;
}

/* Octal, as fdinfo has it. */
static int parse_access(const char *text)
{
	int flags = 0;

	for (; text && *text >= '0' && *text < '0' + OCTAL; text++)
		flags = flags * OCTAL + (*text - '0');
	return flags & O_ACCMODE;
}

static int read_info(int proc_fd, int number, struct descriptor *ret, struct error *err)
{
	char path[32];
	char text[TEXT_SIZE];
	char digits[24];

	(void)snprintf(path, sizeof(path), "fdinfo/%d", number);
	if (file_read_kernel(proc_fd, path, text, sizeof(text), err) < 0)
		return -err->code;

	const char *mount = find_value(text, "mnt_id:");

	(void)snprintf(digits, sizeof(digits), "%.*s", mount ? (int)strcspn(mount, "\n") : 0,
	               mount ? mount : "");
	ret->access = parse_access(find_value(text, "flags:"));
	if (parse_u64(digits, &ret->mount_id) < 0)
		return error_set(err, EPROTO, "/proc/…/%s: no mount", path);
	return 0;
}

/* 0: it is closed. */
static int read_descriptor(int proc_fd, int number, struct descriptor *ret, struct error *err)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "fd/%d", number);

	ssize_t length = readlinkat(proc_fd, path, ret->target, sizeof(ret->target) - 1);

	if (length < 0)
		return errno == ENOENT ? 0 : error_errno(err, "descriptor %d", number);
	ret->target[length] = '\0';
	if (fstatat(proc_fd, path, &ret->st, 0) < 0)
		return error_errno(err, "descriptor %d", number);

	int r = read_info(proc_fd, number, ret, err);

	return r < 0 ? r : 1;
}

/* Whether that mount is one of the container's own. */
static bool is_inside(const char *mountinfo, uint64_t mount_id)
{
	char wanted[24];
	size_t length =
		(size_t)snprintf(wanted, sizeof(wanted), "%llu ", (unsigned long long)mount_id);

	while (mountinfo) {
		if (strncmp(mountinfo, wanted, length) == 0)
			return true;
		mountinfo = strchr(mountinfo, '\n');
		mountinfo += mountinfo ? 1 : 0;
	}
	return false;
}

static bool is_terminal(const struct descriptor *d)
{
	enum { TTY_MAJOR = 4, TTYAUX_MAJOR = 5, PTS_FIRST = 136, PTS_LAST = 143 };
	unsigned int number = major(d->st.st_rdev);

	return S_ISCHR(d->st.st_mode) && (number == TTY_MAJOR || number == TTYAUX_MAJOR ||
	                                  (number >= PTS_FIRST && number <= PTS_LAST));
}

static int name_stream(struct facts *facts, const struct descriptor *d, struct fact_stream *ret,
                       struct error *err)
{
	ret->access = d->access;
	ret->external = true;
	if (S_ISFIFO(d->st.st_mode) && str_starts(d->target, "pipe:[")) {
		ret->external = false;
		ret->key = arena_strdup(&facts->arena, d->target);
	} else if (is_terminal(d)) {
		ret->key = arena_format(&facts->arena, "tty[%llx:%llx]",
		                        (unsigned long long)d->st.st_rdev,
		                        (unsigned long long)d->st.st_dev);
	} else if (d->target[0] == '/') {
		ret->key = arena_format(&facts->arena, "file[%llx:%llx]",
		                        (unsigned long long)d->mount_id,
		                        (unsigned long long)d->st.st_ino);
	} else {
		*ret = (struct fact_stream){0};
		return 0;
	}
	return ret->key ? 0 : error_code(err, ENOMEM, "standard streams");
}

int facts_collect_streams(int proc_fd, struct facts *facts, struct error *err)
{
	enum { MOUNTINFO_LIMIT = 16 * 1024 * 1024 };
	scoped_str mountinfo = NULL;
	int r = file_read(proc_fd, "mountinfo", MOUNTINFO_LIMIT, &mountinfo, NULL, err);

	for (int number = 0; r >= 0 && number < STREAM_COUNT; number++) {
		struct descriptor d;

		r = read_descriptor(proc_fd, number, &d, err);
		if (r > 0 && (d.target[0] != '/' || !is_inside(mountinfo, d.mount_id)))
			r = name_stream(facts, &d, &facts->streams[number], err);
	}
	return r < 0 ? r : 0;
}
