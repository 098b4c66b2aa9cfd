#include "helper/legacy_service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "helper/legacy_cgroup.h"

enum { VALUE_SIZE = 4096, NAME_SIZE = 64 };

/* The mark of groups that were made for the way down, as in the v2 hierarchy (cgroups/unified.c). */
static const char made_mark[] = "user.lvm_run.made";

/* --- Requests --- */

/* "cpu,cpuacct@1:/sys/fs/cgroup/cpu": the first controller stands for the hierarchy. */
struct hierarchy {
	char controller[NAME_SIZE];
	int above; /* of the groups above the container's so many were there before it */
	const char *mount;
};

static int parse_hierarchy(const char *text, struct hierarchy *ret)
{
	size_t size = strcspn(text, ",@:");
	const char *at = strchr(text, '@');
	const char *colon = strchr(text, ':');
	char number[12] = "";

	if (!at || !colon || colon < at || colon[1] != '/' || size == 0 ||
	    size >= sizeof(ret->controller) || (size_t)(colon - at) > sizeof(number))
		return -EINVAL;
	memcpy(ret->controller, text, size);
	ret->controller[size] = '\0';
	memcpy(number, at + 1, (size_t)(colon - at) - 1);
	ret->mount = colon + 1;
	return parse_int(number, 0, INT_MAX, &ret->above);
}

/* What the caller has checked already; a root, or a way up, must never get through. */
static const char *path_of(const struct request *request)
{
	const char *path = request_get(request, "path");

	if (!path || path[0] != '/' || !path[1] || strstr(path, "/../") || str_ends(path, "/..") ||
	    strstr(path, "/./") || strstr(path, "//") || str_ends(path, "/"))
		return NULL;
	return path;
}

/* A request in work. */
struct service {
	const struct request *request;
	const char *path;
	struct library *lib;
};

typedef int each_hierarchy(const struct service *s, const struct hierarchy *hierarchy,
                           const char *path);

static int for_each_hierarchy(const struct service *s, each_hierarchy *step)
{
	const struct request *request = s->request;

	for (size_t i = 0; i < request->count; i++) {
		struct hierarchy hierarchy;

		if (strcmp(request->lines[i].key, "hierarchy") != 0)
			continue;
		if (parse_hierarchy(request->lines[i].value, &hierarchy) < 0) {
			answer_error(EINVAL, "broken hierarchy \"%s\"", request->lines[i].value);
			return -EINVAL;
		}

		int r = step(s, &hierarchy, s->path);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The library has to mean the same place as whoever asks. */
static int check_mount(const struct service *s, const struct hierarchy *hierarchy, const char *path)
{
	char *mount = NULL;
	int r = legacy_mount_point(s->lib, hierarchy->controller, &mount);

	(void)path;
	if (r < 0 || strcmp(mount, hierarchy->mount) != 0) {
		r = r < 0 ? r : -EXDEV;
		answer_error(-r, "libcgroup finds the %s controller at %s, not at %s",
		             hierarchy->controller, mount ? mount : "no place", hierarchy->mount);
	}
	free(mount);
	return r;
}

static void service_done(struct service *s)
{
	legacy_unload(&s->lib);
}

/* Fills *s once all is checked and the library is ready; a failure is answered. */
static int begin(struct service *s, const struct request *request)
{
	const char *why = NULL;

	*s = (struct service){.request = request, .path = path_of(request)};
	if (!s->path) {
		answer_error(EINVAL, "not the path of a container's group");
		return -EINVAL;
	}

	int r = legacy_load(&s->lib, &why);

	if (r < 0) {
		answer_error(-r, "%s", why);
		return r;
	}
	return for_each_hierarchy(s, check_mount);
}

/* --- Making --- */

/*
 * From here on whoever ends the container's processes ends this one too and waits for it, and a group
 * that is gone admits nobody: no group is made after somebody has cleaned up.
 */
static int join_container(const struct request *request)
{
	const char *procs = request_get(request, "join");
	scoped_fd fd = procs ? open(procs, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	int r = !procs ? -EINVAL : fd < 0 || write(fd, "0", 1) < 0 ? -errno : 0;

	if (r < 0)
		answer_error(-r, "enter the container's cgroup: %s", strerror(-r));
	return r;
}

/* A new cpuset is empty and admits nobody: it gets what the group above it has. */
static int inherit_cpuset(const struct service *s, const char *path)
{
	static const char *const files[] = {"cpuset.cpus", "cpuset.mems"};
	scoped_str parent = strdup(path);
	char value[VALUE_SIZE];

	if (!parent)
		return -ENOMEM;
	*strrchr(parent, '/') = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int r = legacy_read(s->lib, "cpuset", path, files[i], value, sizeof(value));

		if (r == 0 && *value)
			continue;
		if (r == 0)
			r = legacy_read(s->lib, "cpuset", *parent ? parent : "/", files[i], value,
			                sizeof(value));
		if (r == 0 && *value)
			r = legacy_write(s->lib, "cpuset", path, files[i], value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* 1 made, 0 it was there. */
static int make_one(const struct service *s, const struct hierarchy *hierarchy, const char *path)
{
	scoped_str full = str_format("%s%s", hierarchy->mount, path);

	if (!full)
		return -ENOMEM;

	bool there = access(full, F_OK) == 0;
	int r = there ? 0 : legacy_make(s->lib, hierarchy->controller, path);

	if (r == 0 && strcmp(hierarchy->controller, "cpuset") == 0)
		r = inherit_cpuset(s, path);
	return r < 0 ? r : !there;
}

static int make_parents(const struct service *s, const struct hierarchy *hierarchy,
                        const char *path)
{
	scoped_str copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *cut = strchr(copy + 1, '/'); cut; cut = strchr(cut + 1, '/')) {
		*cut = '\0';

		int r = make_one(s, hierarchy, copy);

		if (r < 0)
			return r;
		if (r > 0) {
			scoped_str full = str_format("%s%s", hierarchy->mount, copy);

			/* Without the mark it stays when the container goes; no harm is done. */
			if (full && setxattr(full, made_mark, "1", 1, 0) < 0)
				errno = 0;
		}
		*cut = '/';
	}
	return 0;
}

static int make_group(const struct service *s, const struct hierarchy *hierarchy, const char *path)
{
	int r = make_parents(s, hierarchy, path);

	if (r == 0)
		r = make_one(s, hierarchy, path);
	if (r >= 0 && request_get(s->request, "occupied"))
		return 0;

	int count = r < 0 ? r : legacy_count_processes(s->lib, hierarchy->controller, path);

	if (count > 0)
		answer_error(EBUSY, "the cgroup %s%s is in use: %d process%s in it",
		             hierarchy->mount, path, count, count == 1 ? " lives" : "es live");
	else if (count < 0)
		answer_error(-count, "make the cgroup %s%s: %s", hierarchy->mount, path,
		             strerror(-count));
	return count > 0 ? -EBUSY : count;
}

/* --- Values --- */

struct value {
	const char *file;
	const char *text;
	const char *property;
	const char *fallback_file;
	const char *fallback_text;
	bool if_present; /* nothing to do where the file does not exist */
	bool retry;      /* refused with EINVAL: once more after the rest */
	bool verify;     /* read back: a kernel may take it and do nothing */
};

/* The value that begins with line *at, a "limit"; *at is then the last of its lines. */
static void read_value(const struct request *request, size_t *at, struct value *ret)
{
	*ret = (struct value){.file = request->lines[*at].value, .text = "", .property = ""};
	for (; *at + 1 < request->count; ++*at) {
		const struct request_line *line = &request->lines[*at + 1];

		if (strcmp(line->key, "value") == 0)
			ret->text = line->value;
		else if (strcmp(line->key, "property") == 0)
			ret->property = line->value;
		else if (strcmp(line->key, "fallback") == 0)
			ret->fallback_file = line->value;
		else if (strcmp(line->key, "fallback-value") == 0)
			ret->fallback_text = line->value;
		else if (strcmp(line->key, "if-present") == 0)
			ret->if_present = true;
		else if (strcmp(line->key, "retry") == 0)
			ret->retry = true;
		else if (strcmp(line->key, "verify") == 0)
			ret->verify = true;
		else
			return;
	}
}

static int controller_of(const char *file, char *ret, size_t size)
{
	size_t length = strcspn(file, ".");

	if (length == 0 || length >= size || !file[length] || strchr(file, '/'))
		return -EINVAL;
	memcpy(ret, file, length);
	ret[length] = '\0';
	return 0;
}

static int write_text(const struct service *s, const char *file, const char *text)
{
	char controller[NAME_SIZE];
	int r = controller_of(file, controller, sizeof(controller));

	return r < 0 ? r : legacy_write(s->lib, controller, s->path, file, text);
}

/* Whether the kernel has kept no more than it was given. */
static bool has_taken(const struct service *s, const struct value *value)
{
	char controller[NAME_SIZE];
	char text[NAME_SIZE];
	uint64_t given = 0;
	uint64_t kept = 0;

	return controller_of(value->file, controller, sizeof(controller)) == 0 &&
	       legacy_read(s->lib, controller, s->path, value->file, text, sizeof(text)) == 0 &&
	       parse_u64(value->text, &given) == 0 && parse_u64(text, &kept) == 0 && kept <= given;
}

static int explain_absent(const struct value *value)
{
	bool swap = str_starts(value->file, "memory.memsw.");

	answer_error(ENOTSUP, "%s: this kernel does not offer %s%s%s%s", value->property,
	             value->file, value->fallback_file ? ", nor " : "",
	             value->fallback_file ? value->fallback_file : "",
	             swap ? " (boot with swapaccount=1)" : "");
	return -ENOTSUP;
}

/* 0, −EAGAIN: to be tried again later; any other failure is answered. */
static int set_one(const struct service *s, const struct value *value, bool again)
{
	const char *file = value->file;
	const char *text = value->text;
	int r = write_text(s, file, text);

	if (r == -ENOENT && value->fallback_file) {
		file = value->fallback_file;
		text = value->fallback_text ? value->fallback_text : "";
		r = write_text(s, file, text);
	}
	if (r == -ENOENT)
		return value->if_present ? 0 : explain_absent(value);
	if (r == -EINVAL && value->retry && !again)
		return -EAGAIN;
	if (r < 0) {
		answer_error(-r, "%s: write \"%s\" to %s (cgroup v1): %s", value->property, text,
		             file, strerror(-r));
		return r;
	}
	if (value->verify && !has_taken(s, value)) {
		answer_error(ENOTSUP,
		             "%s: this kernel takes %s and does nothing with it; take it out of "
		             "the configuration",
		             value->property, file);
		return -ENOTSUP;
	}
	return 0;
}

static int set_round(const struct service *s, bool again, bool *ret_later)
{
	const struct request *request = s->request;

	for (size_t i = 0; i < request->count; i++) {
		struct value value;

		if (strcmp(request->lines[i].key, "limit") != 0)
			continue;
		read_value(request, &i, &value);
		if (again && !value.retry)
			continue;

		int r = set_one(s, &value, again);

		if (r == -EAGAIN && !again)
			*ret_later = true;
		else if (r < 0)
			return r;
	}
	return 0;
}

static int set_values(const struct service *s)
{
	bool later = false;
	int r = set_round(s, false, &later);

	return r == 0 && later ? set_round(s, true, &later) : r;
}

/* What is to be set back is: a value that is refused keeps nothing from the others. */
static int set_each(const struct service *s)
{
	for (size_t i = 0; i < s->request->count; i++) {
		struct value value;

		if (strcmp(s->request->lines[i].key, "limit") != 0)
			continue;
		read_value(s->request, &i, &value);
		if (write_text(s, value.file, value.text) < 0)
			errno = 0;
	}
	return set_values(s);
}

/* --- Removing --- */

/*
 * Whether a group above was made for a container: by its mark, or by what the container's journal says, when
 * who made it was killed before marking it. Then it gets its mark now, should another container live below.
 */
static bool is_ours(const struct hierarchy *hierarchy, const char *path)
{
	scoped_str full = str_format("%s%s", hierarchy->mount, path);
	int depth = 0;

	for (const char *c = path; *c; c++)
		depth += *c == '/';
	if (!full)
		return false;
	if (depth > hierarchy->above && setxattr(full, made_mark, "1", 1, 0) == 0)
		return true;
	return getxattr(full, made_mark, NULL, 0) >= 0 || errno == ENOENT;
}

/* Groups above that were made for a container go when they are empty. */
static void remove_parents(const struct service *s, const struct hierarchy *hierarchy,
                           const char *path)
{
	scoped_str copy = strdup(path);
	char *cut = copy ? strrchr(copy, '/') : NULL;

	for (; cut && cut > copy; cut = strrchr(copy, '/')) {
		*cut = '\0';
		if (!is_ours(hierarchy, copy) ||
		    legacy_remove_group(s->lib, hierarchy->controller, copy) < 0)
			break;
	}
}

static int remove_group(const struct service *s, const struct hierarchy *hierarchy,
                        const char *path)
{
	int r = legacy_remove_tree(s->lib, hierarchy->controller, path);

	if (r < 0)
		answer_error(-r, "remove the cgroup %s%s: %s", hierarchy->mount, path,
		             r == -EBUSY ? "processes are still in it" : strerror(-r));
	else
		remove_parents(s, hierarchy, path);
	return r;
}

/* --- Services --- */

static int finish(int r)
{
	if (r == 0)
		answer_ok();
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int legacy_check(const struct request *request)
{
	scoped(service_done) struct service s = {.request = request};
	const char *why = NULL;
	int r = legacy_load(&s.lib, &why);

	if (r < 0)
		answer_error(-r, "%s", why);
	return finish(r);
}

int legacy_create(const struct request *request)
{
	scoped(service_done) struct service s = {0};
	int r = join_container(request);

	if (r == 0)
		r = begin(&s, request);
	if (r == 0)
		r = for_each_hierarchy(&s, make_group);
	return finish(r < 0 ? r : set_values(&s));
}

int legacy_set(const struct request *request)
{
	scoped(service_done) struct service s = {0};
	int r = begin(&s, request);

	if (r == 0)
		r = request_get(request, "each") ? set_each(&s) : set_values(&s);
	return finish(r);
}

int legacy_remove(const struct request *request)
{
	scoped(service_done) struct service s = {0};
	int r = begin(&s, request);

	return finish(r < 0 ? r : for_each_hierarchy(&s, remove_group));
}
