/*
 * Id-mapped mounts (mount_setattr(2), MOUNT_ATTR_IDMAP): a mount is shown through the id maps of a
 * user namespace. The namespace is the container's own, or, for maps of the mount's own, one made for
 * this alone: a process that lives until its maps are written and its namespace is open.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "base/sys.h"
#include "rootfs/plan.h"

#define IDENTITY "0 0 4294967295\n"

bool idmap_is_own(const struct mount_step *step)
{
	return step->kind == MOUNT_TREE && step->options.idmap && !step->options.idmap_text &&
	       !step->spec->uid_mappings.count && !step->spec->gid_mappings.count;
}

int idmap_tree(int tree, bool recursive, int user_namespace_fd, struct error *err)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (unsigned int)user_namespace_fd,
	};
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0U);

	if (!mount_setattr(tree, "", flags, &attr, sizeof(attr)))
		return 0;
	if (errno == EINVAL)
		return error_set(err, EINVAL,
		                 "idmap: the source's file system cannot be id-mapped");
	return error_errno(err, "idmap: mount_setattr");
}

int idmap_apply(const struct mount_step *step, int user_namespace_fd, struct error *err)
{
	return idmap_tree(step->tree, step->options.idmap_recursive, user_namespace_fd, err);
}

/* --- Maps as the kernel takes them --- */

static void add_mappings(struct strbuf *text, const struct spec_id_mappings *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		strbuf_addf(text, "%u %u %u\n", maps->items[i].container_id, maps->items[i].host_id,
		            maps->items[i].size);
}

/* The host's id for one of the container. */
static int to_host(const struct spec_id_mappings *maps, uint32_t size, uint32_t *id)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct spec_id_mapping *m = &maps->items[i];

		if (*id < m->container_id || *id - m->container_id >= m->size)
			continue;
		if (size > m->size - (*id - m->container_id))
			return -ERANGE;
		*id = m->host_id + (*id - m->container_id);
		return 0;
	}
	return maps->count ? -ERANGE : 0;
}

/* One "FILE-SYSTEM-ID-HOST-ID-SIZE"; with '@' before it the second is an id of the container. */
static int add_range(struct strbuf *text, char *range, bool relative,
                     const struct spec_id_mappings *own)
{
	uint32_t number[3];

	if (*range == '@') {
		relative = true;
		range++;
	}
	for (int i = 0; i < 3; i++) {
		char *part = strsep(&range, "-");

		if (!part || parse_id(part, &number[i]))
			return -EINVAL;
	}
	if (range || !number[2])
		return -EINVAL;
	if (relative && to_host(own, number[2], &number[1]))
		return -ERANGE;
	strbuf_addf(text, "%u %u %u\n", number[0], number[1], number[2]);
	return 0;
}

int idmap_add_list(struct strbuf *text, const char *option, const char *key,
                   const struct spec_id_mappings *own)
{
	scoped_str copy = str_format("%s", option);
	char *sections = copy;

	if (!copy)
		return -ENOMEM;
	while (sections) {
		char *section = strsep(&sections, ";");
		bool relative;

		if (!str_starts(section, key))
			continue;
		section += strlen(key);
		relative = *section == '@';
		while (section) {
			int r = add_range(text, strsep(&section, "#"), relative, own);

			if (r)
				return r;
		}
	}
	return 0;
}

/* The text of one map: from the option, else from the mount, else the container's, else identity. */
static char *map_text(const struct mount_step *step, const char *key,
                      const struct spec_id_mappings *mount, const struct spec_id_mappings *own,
                      struct error *err)
{
	scoped_strbuf text = {0};
	char *result;

	if (step->options.idmap_text && *step->options.idmap_text &&
	    idmap_add_list(&text, step->options.idmap_text, key, own)) {
		(void)error_set(err, EINVAL,
		                "idmap=%s: not of the form uids=A-B-N#…;gids=…, or "
		                "outside the container's ids",
		                step->options.idmap_text);
		return NULL;
	}
	if (!text.length)
		add_mappings(&text, mount);
	if (!text.length)
		add_mappings(&text, own);
	if (!text.length)
		strbuf_adds(&text, IDENTITY);
	result = strbuf_take(&text);
	if (!result)
		(void)error_code(err, ENOMEM, "idmap");
	return result;
}

/* --- A user namespace for them --- */

/* Lives until the other end of the pipe is closed, which the death of its maker does too. */
static void __attribute__((noreturn)) hold_namespace(int pipe_fds[2])
{
	char byte;

	close(pipe_fds[1]);
	while (read(pipe_fds[0], &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int open_namespace(int proc_fd, pid_t pid, const char *uids, const char *gids,
                          struct error *err)
{
	scoped_str uid_path = str_format("%d/uid_map", pid);
	scoped_str gid_path = str_format("%d/gid_map", pid);
	scoped_str ns_path = str_format("%d/ns/user", pid);
	int fd;

	if (!uid_path || !gid_path || !ns_path)
		return error_code(err, ENOMEM, "idmap");
	if (file_write_kernel(proc_fd, uid_path, uids, err) ||
	    file_write_kernel(proc_fd, gid_path, gids, err))
		return error_wrap(err, "idmap");
	fd = openat(proc_fd, ns_path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "idmap: open the user namespace") : fd;
}

static int make_namespace(int proc_fd, const char *uids, const char *gids, struct error *err)
{
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	int fds[2], result;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return error_errno(err, "idmap: pipe");
	pid = sys_clone3(&args);
	if (!pid)
		hold_namespace(fds);
	if (pid < 0)
		result = error_errno(err, "idmap: make a user namespace");
	else
		result = open_namespace(proc_fd, pid, uids, gids, err);
	close(fds[1]);
	close(fds[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return result;
}

/* Mounts with the same maps share one namespace: that of the last is kept. */
static int namespace_for(struct rootfs_plan *plan, const char *uids, const char *gids,
                         struct error *err)
{
	struct idmap_cache *cache = &plan->idmap;

	if (cache->fd >= 0 && !strcmp(cache->uids, uids) && !strcmp(cache->gids, gids))
		return cache->fd;
	fd_close(&cache->fd);
	cache->uids = arena_strdup(&plan->arena, uids);
	cache->gids = arena_strdup(&plan->arena, gids);
	if (!cache->uids || !cache->gids)
		return error_code(err, ENOMEM, "idmap");
	cache->fd = make_namespace(plan->proc_fd, uids, gids, err);
	return cache->fd;
}

int idmap_prepare(struct rootfs_plan *plan, const struct rootfs_request *request,
                  struct mount_step *step, struct error *err)
{
	const struct spec_linux *spec = &request->spec->linux;
	const struct spec_mount *m = step->spec;
	int fd;

	if (!step->options.idmap && !m->uid_mappings.count && !m->gid_mappings.count)
		return 0;
	if (idmap_is_own(step)) {
		if (!request->user_namespace)
			return error_set(
				err, EINVAL,
				"idmap needs uidMappings and gidMappings, or a user namespace");
		plan->wants_mapped = true;
		return 0;
	}
	scoped_str uids = map_text(step, "uids=", &m->uid_mappings, &spec->uid_mappings, err);
	if (!uids)
		return -err->code;
	scoped_str gids = map_text(step, "gids=", &m->gid_mappings, &spec->gid_mappings, err);
	if (!gids)
		return -err->code;
	fd = namespace_for(plan, uids, gids, err);
	return fd < 0 ? fd : idmap_apply(step, fd, err);
}

int rootfs_open_shared(int proc_fd, int fd, uint32_t gid, struct error *err)
{
	scoped_str gids = str_format("0 %u 1\n", gid);

	if (!gids)
		return error_code(err, ENOMEM, "idmap");

	scoped_fd namespace = make_namespace(proc_fd, "0 0 1\n", gids, err);

	if (namespace < 0)
		return -err->code;

	scoped_fd tree = open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return error_errno(err, "idmap: open_tree");

	int r = idmap_tree(tree, false, namespace, err);
	int copy = r < 0 ? r : openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return r == 0 && copy < 0 ? error_errno(err, "idmap: open the mount") : copy;
}
