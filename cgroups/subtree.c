#include "cgroups/subtree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/text.h"

#define CONTROL "cgroup.subtree_control"

enum { DEPTH_MAX = 32, NODES_MAX = 4096, TEXT_MAX = 1024 * 1024 };

/* In the order in which they are set. Lines are set one by one. */
static const char *const value_files[] = {
	"cgroup.max.depth", "cgroup.max.descendants",
	"memory.min",       "memory.low",
	"memory.high",      "memory.max",
	"memory.swap.max",  "memory.swap.high",
	"memory.zswap.max", "memory.oom.group",
	"cpuset.mems",      "cpuset.cpus",
	"cpu.max",          "cpu.max.burst",
	"cpu.weight",       "cpu.idle",
	"pids.max",         "io.max",
	"io.weight",
};

static bool is_hugetlb(const char *file)
{
	return str_starts(file, "hugetlb.") && str_ends(file, ".max") && !strchr(file, '/');
}

bool subtree_is_value(const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(value_files); i++)
		if (str_equal(file, value_files[i]))
			return true;
	return str_equal(file, CONTROL) || is_hugetlb(file);
}

/* --- Saving --- */

struct saving {
	struct arena *arena;
	struct subtree *ret;
	bool own;
};

/*
 * The process's number in the pid namespace below that of the reader; 0: it lives in the reader's; −ESRCH. The
 * line "NSpid:" of /proc/PID/status has one number for each namespace.
 */
static int inner_pid(pid_t pid)
{
	char path[32], text[8192], number[16];
	struct error ignored;
	int value = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (file_read_kernel(AT_FDCWD, path, text, sizeof(text), &ignored) < 0)
		return -ESRCH;

	const char *line = strstr(text, "\nNSpid:");

	if (!line)
		return -ESRCH;
	line += strlen("\nNSpid:");
	for (int i = 0; i < 2; i++) {
		line += strspn(line, "\t ");
		(void)snprintf(number, sizeof(number), "%.*s", (int)strspn(line, "0123456789"),
		               line);
		line += strspn(line, "0123456789");
	}
	return *number && parse_int(number, 1, INT_MAX, &value) == 0 ? value : 0;
}

static int save_pids(struct saving *s, int fd, struct subtree_node *node, struct error *err)
{
	scoped_str text = NULL;
	int r = file_read(fd, "cgroup.procs", TEXT_MAX, &text, NULL, err);
	size_t count = 0;
	char *line;

	if (r < 0)
		return r;
	for (const char *c = text; *c; c++)
		count += *c == '\n';
	node->pids = arena_alloc(s->arena, count + 1, sizeof(*node->pids));
	if (!node->pids)
		return error_code(err, ENOMEM, "group %s", node->path);
	for (char *rest = text; (line = text_next_line(&rest));) {
		int pid = 0;

		if (parse_int(line, 1, INT_MAX, &pid) == 0)
			pid = inner_pid(pid);
		if (pid > 0)
			node->pids[node->pid_count++] = pid;
	}
	return 0;
}

static int save_value(struct saving *s, int fd, const char *file, struct subtree_node *node,
                      struct error *err)
{
	char text[16384];
	struct subtree_value *value = &node->values[node->value_count];

	if (faccessat(fd, file, F_OK, 0) < 0)
		return 0;
	if (file_read_kernel(fd, file, text, sizeof(text), err) < 0)
		return -err->code;
	if (!*text)
		return 0;
	value->file = arena_strdup(s->arena, file);
	value->value = arena_strdup(s->arena, text);
	if (!value->file || !value->value)
		return error_code(err, ENOMEM, "group %s", node->path);
	node->value_count++;
	return 0;
}

static int save_values(struct saving *s, int fd, DIR *dir, struct subtree_node *node,
                       struct error *err)
{
	enum { HUGETLB_MAX = 16 };
	int r = 0;

	node->values = arena_alloc(s->arena, ARRAY_SIZE(value_files) + HUGETLB_MAX + 1,
	                           sizeof(*node->values));
	if (!node->values)
		return error_code(err, ENOMEM, "group %s", node->path);
	if (!*node->path && !s->own)
		return save_value(s, fd, CONTROL, node, err);
	for (size_t i = 0; i < ARRAY_SIZE(value_files) && r == 0; i++)
		r = save_value(s, fd, value_files[i], node, err);
	for (struct dirent *e = readdir(dir); e && r == 0; e = readdir(dir))
		if (is_hugetlb(e->d_name) &&
		    node->value_count < ARRAY_SIZE(value_files) + HUGETLB_MAX)
			r = save_value(s, fd, e->d_name, node, err);
	rewinddir(dir);
	return r < 0 ? r : save_value(s, fd, CONTROL, node, err);
}

/* Null: *err says why. */
static struct subtree_node *add_node(struct saving *s, const char *path, struct error *err)
{
	struct subtree_node *node;

	if (!s->ret->nodes)
		s->ret->nodes = arena_alloc(s->arena, NODES_MAX, sizeof(*s->ret->nodes));
	if (s->ret->count == NODES_MAX) {
		(void)error_set(err, E2BIG, "the container has more than %d groups", NODES_MAX);
		return NULL;
	}
	node = s->ret->nodes ? &s->ret->nodes[s->ret->count] : NULL;
	if (node)
		node->path = arena_strdup(s->arena, path);
	if (!node || !node->path) {
		(void)error_code(err, ENOMEM, "groups of the container");
		return NULL;
	}
	s->ret->count++;
	return node;
}

static int save_group(struct saving *s, int fd, const char *path, unsigned int depth,
                      struct error *err);

static int save_children(struct saving *s, DIR *dir, const char *path, unsigned int depth,
                         struct error *err)
{
	int r = 0;

	for (struct dirent *e = readdir(dir); e && r == 0; e = readdir(dir)) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;

		scoped_fd child = openat(dirfd(dir), e->d_name,
		                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		scoped_str name = str_format("%s%s%s", path, *path ? "/" : "", e->d_name);

		if (child < 0 || !name)
			return error_errno(err, "group %s", e->d_name);
		r = save_group(s, child, name, depth + 1, err);
	}
	return r;
}

static int check_type(int fd, const char *path, struct error *err)
{
	char type[64];

	if (file_read_kernel(fd, "cgroup.type", type, sizeof(type), err) < 0)
		return -err->code;
	return strstr(type, "threaded")
	               ? error_set(err, EOPNOTSUPP,
	                           "the container has the threaded group %s, which cannot be "
	                           "saved: use --manage-cgroups-mode ignore",
	                           path)
	               : 0;
}

static int save_node(struct saving *s, int fd, DIR *dir, const char *path, struct error *err)
{
	struct subtree_node *node = add_node(s, path, err);
	int r;

	if (!node)
		return -err->code;
	r = *path ? save_pids(s, fd, node, err) : 0;
	return r < 0 ? r : save_values(s, fd, dir, node, err);
}

static int save_group(struct saving *s, int fd, const char *path, unsigned int depth,
                      struct error *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	int r = 0;

	if (!dir) {
		r = error_errno(err, "group %s", path);
		fd_close(&copy);
		return r;
	}
	if (depth == DEPTH_MAX)
		r = error_set(err, ELOOP, "the container's groups are too deep");
	if (r == 0 && *path)
		r = check_type(fd, path, err);
	if (r == 0)
		r = save_node(s, fd, dir, path, err);
	if (r == 0)
		r = save_children(s, dir, path, depth, err);
	(void)closedir(dir);
	return r;
}

int subtree_save(const struct cgroup *group, bool own, struct arena *arena, struct subtree *ret,
                 struct error *err)
{
	struct saving s = {.arena = arena, .ret = ret, .own = own};
	int r;

	*ret = (struct subtree){0};
	r = group->dirfd < 0 ? 0 : save_group(&s, group->dirfd, "", 0, err);
	if (ret->count == 1 && !own)
		ret->count = 0;
	return r;
}

bool subtree_was_there(const struct cgroup *group)
{
	return group->dirfd >= 0 && !group->made;
}

/* --- Checking --- */

static bool is_plain(const char *path)
{
	unsigned int depth = 0;

	for (const char *part = path; *part; depth++) {
		size_t length = strcspn(part, "/");

		if (length == 0 || length > NAME_MAX || part[0] == '.' || depth == DEPTH_MAX ||
		    memchr(part, '\n', length))
			return false;
		part += length + (part[length] == '/');
		if (!*part && part[-1] == '/')
			return false;
	}
	return true;
}

int subtree_check(const struct subtree *subtree, struct error *err)
{
	for (size_t i = 0; i < subtree->count; i++) {
		const struct subtree_node *node = &subtree->nodes[i];

		if (!is_plain(node->path))
			return error_set(err, EBADMSG, "'%.100s' names no group of a container",
			                 node->path);
		for (size_t j = 0; j < node->value_count; j++)
			if (!subtree_is_value(node->values[j].file))
				return error_set(err, EBADMSG, "'%.100s' is no limit of a group",
				                 node->values[j].file);
	}
	return 0;
}

/* --- Loading --- */

struct member {
	pid_t pid;
	int inner; /* 0: of our own pid namespace */
};

struct loading {
	int top;
	struct member *members;
	size_t count;
};

static int find_members(const struct cgroup *group, struct loading *l, struct error *err)
{
	pid_t *pids = NULL;
	size_t count = 0;
	int r = cgroup_pids(group, &pids, &count, err);

	if (r < 0)
		return r;
	l->members = calloc(count + 1, sizeof(*l->members));
	for (size_t i = 0; i < count && l->members; i++)
		l->members[l->count++] = (struct member){pids[i], inner_pid(pids[i])};
	free(pids);
	return l->members ? 0 : error_code(err, ENOMEM, "groups of the container");
}

/* Makes what is missing on the way. */
static int open_group(const struct loading *l, const char *path, struct error *err)
{
	char name[NAME_MAX + 1];
	int fd = openat(l->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (const char *part = path; fd >= 0 && *part;) {
		size_t length = strcspn(part, "/");
		int above = fd;

		(void)snprintf(name, sizeof(name), "%.*s", (int)length, part);
		part += length + (part[length] == '/');
		if (mkdirat(above, name, 0755) < 0 && errno != EEXIST) {
			(void)error_errno(err, "make group %s", path);
			fd_close(&above);
			return -err->code;
		}
		fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fd_close(&above);
	}
	return fd < 0 ? error_errno(err, "group %s", path) : fd;
}

static int move(int fd, pid_t pid, struct error *err)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", pid);
	return file_write_kernel(fd, "cgroup.procs", text, err);
}

static int move_members(const struct loading *l, const struct subtree_node *node, int fd,
                        struct error *err)
{
	for (size_t i = 0; i < node->pid_count; i++) {
		const struct member *found = NULL;

		for (size_t j = 0; j < l->count; j++)
			if (l->members[j].inner == node->pids[i])
				found = &l->members[j];
		if (!found)
			return error_set(err, ESRCH, "process %d of group %s was not restored",
			                 node->pids[i], node->path);

		int r = move(fd, found->pid, err);

		if (r < 0)
			return error_wrap(err, "group %s", node->path);
	}
	return 0;
}

/* A group with limits for those below it may have no processes; CRIU works in it. */
static int leave(const struct cgroup *group, const struct loading *l, struct error *err)
{
	char text[8192], path[PATH_MAX];

	if (file_read_kernel(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text), err) < 0)
		return -err->code;
	if (!text_own_group(text, path, sizeof(path)))
		return error_set(err, ENOENT, "this process has no group in cgroup v2");

	scoped_str place = str_format("%s%s", group->location.mount, path);
	scoped_fd fd = place ? open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0)
		return error_errno(err, "the group of this process");
	for (size_t i = 0; i < l->count; i++)
		if (l->members[i].inner == 0 && move(fd, l->members[i].pid, err) < 0)
			return -err->code;
	return 0;
}

/* "memory pids" as it is written: "+memory +pids". */
static int set_control(int fd, const char *words, struct error *err)
{
	scoped_strbuf text = {0};

	for (const char *word = words; *word;) {
		size_t length = strcspn(word, " ");

		strbuf_addf(&text, "%s+%.*s", text.length ? " " : "", (int)length, word);
		word += length + (word[length] == ' ');
	}
	return text.failed ? error_code(err, ENOMEM, CONTROL)
	                   : file_write_kernel(fd, CONTROL, text.data ? text.data : "", err);
}

static int set_value(int fd, const struct subtree_value *value, struct error *err)
{
	scoped_str text = str_format("%s", value->value);
	char *line;
	int r = 0;

	if (!text)
		return error_code(err, ENOMEM, "%s", value->file);
	if (str_equal(value->file, CONTROL))
		return set_control(fd, text, err);
	/* So an idle group shows it, which cannot be set. */
	if (str_equal(value->file, "cpu.weight") && str_equal(text, "0"))
		return 0;
	for (char *rest = text; r >= 0 && (line = text_next_line(&rest));)
		r = file_write_kernel(fd, value->file, line, err);
	return r < 0 ? r : 0;
}

static bool has_control(const struct subtree *subtree)
{
	for (size_t i = 0; i < subtree->count; i++)
		for (size_t j = 0; j < subtree->nodes[i].value_count; j++)
			if (str_equal(subtree->nodes[i].values[j].file, CONTROL))
				return true;
	return false;
}

/* All processes first: a group with controllers below it takes none. */
static int load_all(const struct cgroup *group, const struct loading *l,
                    const struct subtree *subtree, bool own, struct error *err)
{
	int r = has_control(subtree) ? leave(group, l, err) : 0;

	for (size_t i = 0; i < subtree->count && r == 0; i++) {
		scoped_fd fd = open_group(l, subtree->nodes[i].path, err);

		r = fd < 0 ? fd : move_members(l, &subtree->nodes[i], fd, err);
	}
	for (size_t i = 0; i < subtree->count && r == 0; i++) {
		const struct subtree_node *node = &subtree->nodes[i];
		scoped_fd fd = open_group(l, node->path, err);

		r = fd < 0 ? fd : 0;
		for (size_t j = 0; j < node->value_count && r == 0; j++) {
			const struct subtree_value *value = &node->values[j];

			if (!*node->path && !own && !str_equal(value->file, CONTROL))
				continue;
			if (set_value(fd, value, err) < 0)
				r = error_wrap(err, "group /%s", node->path);
		}
	}
	return r;
}

int subtree_load(const struct cgroup *group, const struct subtree *subtree, bool own,
                 struct error *err)
{
	struct loading l = {.top = group->dirfd};
	int r;

	if (subtree->count == 0)
		return 0;
	if (group->dirfd < 0)
		return error_set(err, ENOTSUP,
		                 "the container had groups below its own, and gets none now");
	r = find_members(group, &l, err);
	if (r == 0)
		r = load_all(group, &l, subtree, own, err);
	free(l.members);
	return r;
}
