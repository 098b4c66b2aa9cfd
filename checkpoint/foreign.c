/* The root of a container that is not managed: an engine's overlay, or a plain directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "checkpoint/session.h"

/* Undoes the octal escapes of mountinfo, in place. */
static void unescape_octal(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
		    in[3] >= '0' && in[3] <= '7') {
			*out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
			in += 3;
		} else {
			*out++ = *in;
		}
	}
	*out = '\0';
}

/* Splits at colons and undoes overlayfs's own backslashes; the names stay where they are. */
static int add_split(char *text, struct arena *arena, struct string_list *list)
{
	char *begin = text, *out = text;

	for (char *in = text;; in++) {
		bool end = *in == '\0';

		if (*in == '\\' && in[1]) {
			*out++ = *++in;
			continue;
		}
		if (!end && *in != ':') {
			*out++ = *in;
			continue;
		}
		*out = '\0';
		/* "::" begins layers that hold data alone. */
		if (*begin) {
			list->items[list->count] = arena_strdup(arena, begin);
			if (!list->items[list->count++])
				return -ENOMEM;
		}
		if (end)
			return 0;
		begin = out = in + 1;
	}
}

static int take_option(char *option, struct arena *arena, struct string_list *lowers, char **upper,
                       bool *metacopy)
{
	char *value = strchr(option, '=');

	if (!value)
		return 0;
	*value++ = '\0';
	unescape_octal(value);
	if (str_equal(option, "lowerdir"))
		return add_split(value, arena, lowers);
	if (str_equal(option, "lowerdir+")) {
		lowers->items[lowers->count] = arena_strdup(arena, value);
		return lowers->items[lowers->count++] ? 0 : -ENOMEM;
	}
	if (str_equal(option, "upperdir")) {
		*upper = arena_strdup(arena, value);
		return *upper ? 0 : -ENOMEM;
	}
	if (str_equal(option, "metacopy"))
		*metacopy = str_equal(value, "on");
	return 0;
}

int foreign_parse(const char *options, struct arena *arena, struct string_list *ret_lowers,
                  char **ret_upper, bool *ret_metacopy, struct error *err)
{
	char *copy = arena_strdup(arena, options);
	struct string_list lowers = {0};
	char *upper = NULL;
	bool metacopy = false;
	int r = 0;

	if (copy)
		lowers.items = arena_alloc(arena, strlen(options) + 1, sizeof(*lowers.items));
	if (!lowers.items)
		return error_code(err, ENOMEM, "overlay");
	for (char *option = strsep(&copy, ","); option && r == 0; option = strsep(&copy, ","))
		r = take_option(option, arena, &lowers, &upper, &metacopy);
	if (r < 0)
		return error_code(err, -r, "overlay");
	for (size_t i = 0; i < lowers.count; i++)
		if (lowers.items[i][0] != '/')
			return error_set(err, ENOTSUP,
			                 "the root's overlay has a relative layer (%s)",
			                 lowers.items[i]);
	if (upper && upper[0] != '/')
		return error_set(err, ENOTSUP, "the root's overlay has a relative layer (%s)",
		                 upper);
	*ret_lowers = lowers;
	*ret_upper = upper;
	*ret_metacopy = metacopy;
	return 0;
}

/* The options of the overlay mounted at `place`, in the arena; null: what is there is none. */
static char *find_overlay(char *text, const char *place, struct arena *arena)
{
	char *found = NULL;

	for (char *line = strsep(&text, "\n"); line; line = strsep(&text, "\n")) {
		char *end = strstr(line, " - ");
		char *path = line;

		/* id, parent, device and root come before the mount point. */
		for (int i = 0; path && i < 4; i++) {
			path = strchr(path, ' ');
			path += path ? 1 : 0;
		}
		if (!path || !end)
			continue;

		scoped_str point = str_format("%.*s", (int)strcspn(path, " "), path);

		if (!point)
			continue;
		unescape_octal(point);
		if (!str_equal(point, place))
			continue;
		found = NULL;
		if (str_starts(end, " - overlay ")) {
			char *options = strchr(end + strlen(" - overlay "), ' ');

			found = options ? arena_strdup(arena, options + 1) : NULL;
		}
	}
	return found;
}

static int read_mounts(const char *path, const char *place, struct arena *arena, char **ret,
                       struct error *err)
{
	enum { LIMIT = 16 * 1024 * 1024 };
	scoped_str text = NULL;
	int r = file_read(AT_FDCWD, path, LIMIT, &text, NULL, err);

	if (r == 0)
		*ret = find_overlay(text, place, arena);
	return r;
}

int foreign_find(struct session *session, struct error *err)
{
	const struct record *record = &session->container.record;
	struct disk_record *disk = &session->disk.record;
	struct arena *arena = &session->disk.arena;
	char path[64];
	char *options = NULL;
	char *upper = NULL;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", record->pid);
	r = session_is_alive(session)
	            ? read_mounts(path, "/", arena, &options, err)
	            : read_mounts("/proc/self/mountinfo", record->rootfs, arena, &options, err);
	if (r < 0)
		return r;
	disk->lowers = (struct string_list){0};
	disk->metacopy = false;
	if (options)
		r = foreign_parse(options, arena, &disk->lowers, &upper, &disk->metacopy, err);
	if (r < 0)
		return r;
	if (options && !upper)
		return error_set(err, ENOTSUP, "the root's overlay has no writable layer");

	int size = snprintf(session->foreign, sizeof(session->foreign), "%s",
	                    upper ? upper : record->rootfs);

	return size >= PATH_MAX ? error_code(err, ENAMETOOLONG, "root of the container") : 0;
}
