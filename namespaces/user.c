#include "namespaces/user.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/str.h"
#include "namespaces/tool.h"

/* What differs between the two maps of a namespace. */
struct map_kind {
	const char *name;
	const char *file;
	const char *helper; /* setuid program of shadow-utils */
};
static const struct map_kind uid_kind = {"uid", "uid_map", "newuidmap"};
static const struct map_kind gid_kind = {"gid", "gid_map", "newgidmap"};

/* A process of another program that is being waited for. */
struct target {
	int proc_fd;
	pid_t pid;
};

int user_format_map(const struct spec_id_mappings *mappings, char *buffer, size_t size,
                    struct error *err)
{
	size_t length = 0;

	if (mappings->count > USER_MAP_LINES)
		return error_set(err, EINVAL, "%zu id mappings: the kernel takes at most %d",
		                 mappings->count, USER_MAP_LINES);
	for (size_t i = 0; i < mappings->count; i++) {
		const struct spec_id_mapping *m = &mappings->items[i];
		int r = snprintf(buffer + length, size - length,
		                 "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", m->container_id,
		                 m->host_id, m->size);

		if (r < 0 || (size_t)r >= size - length)
			return error_set(
				err, EINVAL,
				"%zu id mappings are more text than the one page that the kernel "
				"takes: merge adjoining ranges",
				mappings->count);
		length += (size_t)r;
	}
	return (int)length;
}

int64_t user_map_id(const struct spec_id_mappings *mappings, uint32_t container_id)
{
	if (mappings->count == 0)
		return container_id;
	for (size_t i = 0; i < mappings->count; i++) {
		const struct spec_id_mapping *m = &mappings->items[i];

		if (container_id >= m->container_id && container_id - m->container_id < m->size) {
			uint64_t id = (uint64_t)m->host_id + (container_id - m->container_id);

			return id < UINT32_MAX ? (int64_t)id : -1;
		}
	}
	return -1;
}

static int write_map_file(const struct target *target, const char *file, const char *text,
                          struct error *err)
{
	char path[64];

	snprintf(path, sizeof(path), "%ld/%s", (long)target->pid, file);
	return file_write_kernel(target->proc_fd, path, text, err);
}

static int write_directly(const struct target *target, const struct map_kind *kind,
                          const struct spec_id_mappings *mappings, struct error *err)
{
	char text[USER_MAP_SIZE];
	int r = user_format_map(mappings, text, sizeof(text), err);

	if (r >= 0)
		r = write_map_file(target, kind->file, text, err);
	if (r < 0 && err->code == EPERM)
		return error_wrap(
			err,
			"map %ss of the user namespace (are all ranges within this namespace's own "
			"/proc/self/%s? does kernel.apparmor_restrict_unprivileged_userns allow "
			"it?)",
			kind->name, kind->file);
	return r < 0 ? error_wrap(err, "map %ss of the user namespace", kind->name) : 0;
}

/* newuidmap PID 0 100000 65536 … */
static char **helper_arguments(struct arena *arena, const struct target *target,
                               const struct map_kind *kind, const struct spec_id_mappings *mappings)
{
	char **argv = arena_alloc(arena, 3 + 3 * mappings->count, sizeof(*argv));
	size_t argc = 0;

	if (!argv)
		return NULL;
	argv[argc++] = arena_strdup(arena, kind->helper);
	argv[argc++] = arena_format(arena, "%ld", (long)target->pid);
	for (size_t i = 0; i < mappings->count; i++) {
		argv[argc++] = arena_format(arena, "%" PRIu32, mappings->items[i].container_id);
		argv[argc++] = arena_format(arena, "%" PRIu32, mappings->items[i].host_id);
		argv[argc++] = arena_format(arena, "%" PRIu32, mappings->items[i].size);
	}
	for (size_t i = 0; i < argc; i++)
		if (!argv[i])
			return NULL;
	return argv;
}

static int run_helper(char **argv, struct error *err)
{
	char said[256];
	int status = 0;
	int r = tool_run(argv, said, sizeof(said), &status, err);

	if (r == -ENOENT)
		return error_set(
			err, ENOENT,
			"%s is not installed: mapping more ids than one's own takes it (Debian: "
			"package uidmap)",
			argv[0]);
	if (r < 0)
		return r;
	said[strcspn(said, "\n")] = '\0';
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, EPERM,
		                 "%s failed: %s (are the ranges in /etc/subuid and /etc/subgid?)",
		                 argv[0], said[0] ? said : "no message");
	return 0;
}

static int write_by_helper(const struct target *target, const struct map_kind *kind,
                           const struct spec_id_mappings *mappings, struct error *err)
{
	scoped_arena arena = {0};
	char **argv = helper_arguments(&arena, target, kind, mappings);
	int r;

	if (!argv)
		return error_code(err, ENOMEM, "arguments of %s", kind->helper);
	r = run_helper(argv, err);
	return r < 0 ? error_wrap(err, "map %ss of the user namespace", kind->name) : 0;
}

/* The one map that the kernel lets an unprivileged process write for its child. */
static bool is_own_id(const struct spec_id_mappings *mappings, uint32_t own)
{
	return mappings->count == 1 && mappings->items[0].size == 1 &&
	       mappings->items[0].host_id == own;
}

/* Of all mappings the one id that needs nobody's help: the caller's own. */
static bool find_own_id(const struct spec_id_mappings *mappings, uint32_t own,
                        struct spec_id_mapping *ret)
{
	for (size_t i = 0; i < mappings->count; i++) {
		const struct spec_id_mapping *m = &mappings->items[i];

		if (own < m->host_id || own - m->host_id >= m->size)
			continue;
		*ret = (struct spec_id_mapping){
			.container_id = m->container_id + (own - m->host_id),
			.host_id = own,
			.size = 1,
		};
		return true;
	}
	return false;
}

static int write_own_id(const struct target *target, const struct map_kind *kind,
                        const struct spec_id_mappings *mappings, struct error *err)
{
	/* user_namespaces(7): without privilege only where groups can no longer be dropped. */
	if (kind == &gid_kind && write_map_file(target, "setgroups", "deny", err) < 0)
		return error_wrap(err, "deny setgroups in the user namespace");
	return write_directly(target, kind, mappings, err);
}

static int write_unprivileged(const struct target *target, const struct map_kind *kind,
                              const struct spec_id_mappings *mappings, uint32_t own,
                              struct error *err)
{
	struct spec_id_mapping single;
	struct error why;

	if (is_own_id(mappings, own))
		return write_own_id(target, kind, mappings, err);
	if (write_by_helper(target, kind, mappings, &why) == 0)
		return 0;
	if (!find_own_id(mappings, own, &single)) {
		*err = why;
		return -why.code;
	}
	log_write(LOG_LEVEL_WARNING, "%s; the container has a single %s, %u", why.text, kind->name,
	          (unsigned int)single.container_id);
	return write_own_id(target, kind, &(struct spec_id_mappings){.items = &single, .count = 1},
	                    err);
}

int user_write_maps(int proc_fd, pid_t pid, const struct spec_id_mappings *uids,
                    const struct spec_id_mappings *gids, struct error *err)
{
	const struct target target = {.proc_fd = proc_fd, .pid = pid};
	int r;

	if (uids->count == 0 || gids->count == 0)
		return error_set(
			err, EINVAL,
			"a new user namespace needs linux.uidMappings and linux.gidMappings");
	if (geteuid() != 0) {
		r = write_unprivileged(&target, &gid_kind, gids, getegid(), err);
		return r < 0 ? r : write_unprivileged(&target, &uid_kind, uids, geteuid(), err);
	}
	r = write_directly(&target, &gid_kind, gids, err);
	if (r < 0)
		return r;
	return write_directly(&target, &uid_kind, uids, err);
}
