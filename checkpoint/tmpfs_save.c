/* What is in the file systems that a container has in memory, while it stands still. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/names.h"
#include "base/str.h"
#include "base/sys.h"
#include "checkpoint/tmpfs.h"

/* --- Which --- */

static const char *const option_words[] = {"size", "nr_blocks", "nr_inodes", "mode",    "uid",
                                           "gid",  "huge",      "inode32",   "inode64", "noswap"};

static bool is_known(const char *word)
{
	size_t length = strcspn(word, "=");

	for (size_t i = 0; i < ARRAY_SIZE(option_words); i++)
		if (strlen(option_words[i]) == length &&
		    strncmp(option_words[i], word, length) == 0)
			return true;
	return false;
}

/* "rw,seclabel,size=64k" without the words that are no options; null: one is not known here. */
static int take_options(const char *super, struct arena *arena, char **ret)
{
	scoped_str copy = strdup(super);
	scoped_strbuf kept = {0};
	char *rest = copy;

	*ret = NULL;
	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
		if (str_equal(word, "rw") || str_equal(word, "seclabel"))
			continue;
		if (!is_known(word))
			return 0;
		strbuf_addf(&kept, "%s%s", kept.length ? "," : "", word);
	}
	*ret = arena_strdup(arena, kept.data ? kept.data : "");
	return copy && *ret && !kept.failed ? 0 : -ENOMEM;
}

static bool is_alone(const struct mountinfo_list *list, const struct mountinfo *mount)
{
	for (size_t i = 0; i < list->count; i++)
		if (&list->items[i] != mount && str_equal(list->items[i].path, mount->path))
			return false;
	return true;
}

/* Whether all mounts of a file system can be made by us, the first of which, with all of it, is `first`. */
static bool is_ours(const struct mountinfo_list *list, size_t first, const struct facts *facts)
{
	const struct mountinfo *items = list->items;

	if (!str_equal(items[first].type, "tmpfs") || !str_equal(items[first].root, "/"))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		if (!str_equal(items[i].device, items[first].device))
			continue;
		if (facts->mounts[i].source != MOUNT_INTERNAL || *items[i].propagation ||
		    !is_alone(list, &items[i]) || str_ends(items[i].root, "//deleted") ||
		    (i < first && str_equal(items[i].root, "/")))
			return false;
	}
	return true;
}

static int recognize(const struct mountinfo_list *list, size_t index, struct facts *facts,
                     struct error *err)
{
	const struct mountinfo *mount = &list->items[index];
	struct fact_tmpfs *tmpfs = arena_alloc(&facts->arena, 1, sizeof(*tmpfs));

	if (!tmpfs || take_options(mount->super, &facts->arena, &tmpfs->options) < 0)
		return error_code(err, ENOMEM, "mount %s", mount->path);
	if (!tmpfs->options)
		return 0;
	tmpfs->source = arena_strdup(&facts->arena, mount->name);
	tmpfs->device = arena_strdup(&facts->arena, mount->device);
	if (!tmpfs->source || !tmpfs->device)
		return error_code(err, ENOMEM, "mount %s", mount->path);
	facts->mounts[index].tmpfs = tmpfs;
	for (size_t i = 0; i < list->count; i++) {
		if (i == index || !str_equal(list->items[i].device, mount->device))
			continue;
		facts->mounts[i].of = index;
		facts->mounts[i].from = arena_strdup(&facts->arena, list->items[i].root);
		if (!facts->mounts[i].from)
			return error_code(err, ENOMEM, "mount %s", mount->path);
	}
	return 0;
}

int tmpfs_recognize(const struct mountinfo_list *list, struct facts *facts, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < list->count && r == 0; i++)
		if (is_ours(list, i, facts))
			r = recognize(list, i, facts, err);
	return r;
}

/* A mount namespace that a process has made has the same file systems once more. */
static bool share_one_namespace(const struct tmpfs_request *request, int proc)
{
	struct stat first;

	if (fstatat(proc, "ns/mnt", &first, 0) < 0)
		return false;
	for (size_t i = 0; i < request->pid_count; i++) {
		char path[40];
		struct stat st;

		(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", request->pids[i]);
		if (stat(path, &st) == 0 ? st.st_ino != first.st_ino : errno != ENOENT)
			return false;
	}
	return true;
}

/* --- One file system --- */

struct scan {
	struct arena *arena;
	struct fact_tmpfs *tmpfs;
	size_t capacity;
	ino_t *inodes; /* of the entries */
	int directory; /* of the images */
	int *data_fd;
	uint64_t data_size; /* of the data file */
	size_t count;       /* against TMPFS_ENTRIES_MAX */
};

/* What a step says when the file system is to be left to CRIU. */
enum { LEAVE = 1 };

static int grow(struct scan *scan, struct error *err)
{
	enum { FIRST = 32 };
	struct fact_tmpfs *tmpfs = scan->tmpfs;
	size_t wanted = scan->capacity ? 2 * scan->capacity : FIRST;
	struct fact_entry *entries = arena_alloc(scan->arena, wanted, sizeof(*entries));
	ino_t *inodes = arena_alloc(scan->arena, wanted, sizeof(*inodes));

	if (!entries || !inodes)
		return error_code(err, ENOMEM, "tmpfs");
	if (tmpfs->entry_count) {
		memcpy(entries, tmpfs->entries, tmpfs->entry_count * sizeof(*entries));
		memcpy(inodes, scan->inodes, tmpfs->entry_count * sizeof(*inodes));
	}
	tmpfs->entries = entries;
	scan->inodes = inodes;
	scan->capacity = wanted;
	return 0;
}

static int count_up(struct scan *scan, size_t more)
{
	scan->count += more;
	return scan->count > TMPFS_ENTRIES_MAX ? LEAVE : 0;
}

static int save_attribute(const struct scan *scan, const char *file, const char *name,
                          struct fact_entry *entry, struct error *err)
{
	struct fact_attribute *attribute = &entry->attributes[entry->attribute_count];
	unsigned char value[1024];
	ssize_t size = lgetxattr(file, name, value, sizeof(value));

	if (size < 0)
		return errno == ERANGE ? LEAVE : error_errno(err, "attribute %s", name);
	attribute->name = arena_strdup(scan->arena, name);
	attribute->value = arena_alloc(scan->arena, 2 * (size_t)size + 1, 1);
	if (!attribute->name || !attribute->value)
		return error_code(err, ENOMEM, "tmpfs");
	for (ssize_t i = 0; i < size; i++)
		(void)snprintf(attribute->value + 2 * i, 3, "%02x", value[i]);
	entry->attribute_count++;
	return 0;
}

/* `name`: one component, or "." for the directory itself. A label is given by where and by whom it is made. */
static int save_attributes(struct scan *scan, int directory, const char *name,
                           struct fact_entry *entry, struct error *err)
{
	char link[FD_PATH_SIZE], names[1024];
	scoped_str file = str_format("%s/%s", fd_path(directory, link), name);
	ssize_t size = file ? llistxattr(file, names, sizeof(names)) : -1;
	size_t count = 0;
	int r = 0;

	if (!file)
		return error_code(err, ENOMEM, "tmpfs");
	if (size < 0)
		return errno == ENOTSUP ? 0 : LEAVE;
	for (const char *key = names; key < names + size; key += strlen(key) + 1)
		count += !str_equal(key, "security.selinux");
	if (count == 0)
		return 0;
	entry->attributes = arena_alloc(scan->arena, count, sizeof(*entry->attributes));
	if (!entry->attributes)
		return error_code(err, ENOMEM, "tmpfs");
	r = count_up(scan, count);
	for (const char *key = names; r == 0 && key < names + size; key += strlen(key) + 1)
		if (!str_equal(key, "security.selinux"))
			r = save_attribute(scan, file, key, entry, err);
	return r;
}

static int save_link(const struct scan *scan, int directory, const char *name,
                     struct fact_entry *entry, struct error *err)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(directory, name, target, sizeof(target));

	if (length < 0)
		return error_errno(err, "link %s", entry->path);
	if ((size_t)length == sizeof(target))
		return LEAVE;
	entry->target = arena_strndup(scan->arena, target, (size_t)length);
	return entry->target ? 0 : error_code(err, ENOMEM, "tmpfs");
}

static int copy_extent(struct scan *scan, int fd, const struct fact_extent *extent,
                       struct error *err)
{
	off_t offset = (off_t)extent->offset;
	uint64_t left = extent->size;

	if (*scan->data_fd < 0)
		*scan->data_fd = openat(scan->directory, TMPFS_DATA_NAME,
		                        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*scan->data_fd < 0)
		return error_errno(err, TMPFS_DATA_NAME);
	while (left > 0) {
		ssize_t count = sendfile(*scan->data_fd, fd, &offset, left);

		if (count <= 0)
			return count < 0 ? error_errno(err, TMPFS_DATA_NAME)
			                 : error_code(err, EIO, TMPFS_DATA_NAME);
		left -= (uint64_t)count;
	}
	scan->data_size += extent->size;
	return 0;
}

/* The next part from `position` on that is no hole; size 0: there is none. */
static int find_extent(int fd, uint64_t position, struct fact_extent *ret, struct error *err)
{
	off_t begin = lseek(fd, (off_t)position, SEEK_DATA);
	off_t end = begin < 0 ? -1 : lseek(fd, begin, SEEK_HOLE);

	*ret = (struct fact_extent){0};
	if (begin < 0 && errno == ENXIO)
		return 0;
	if (end < 0)
		return error_errno(err, "tmpfs");
	*ret = (struct fact_extent){.offset = (uint64_t)begin, .size = (uint64_t)(end - begin)};
	return 0;
}

static int list_extents(struct scan *scan, int fd, struct fact_entry *entry, struct error *err)
{
	struct fact_extent found;
	uint64_t total = 0;
	size_t count = 0;
	int r;

	for (r = find_extent(fd, 0, &found, err);
	     r == 0 && found.size > 0 && count <= TMPFS_ENTRIES_MAX;
	     r = find_extent(fd, found.offset + found.size, &found, err)) {
		count++;
		total += found.size;
	}
	if (r == 0)
		r = count_up(scan, count);
	if (r == 0 && total > TMPFS_DATA_MAX - scan->data_size)
		r = LEAVE;
	if (r != 0 || count == 0)
		return r;
	entry->extents = arena_alloc(scan->arena, count, sizeof(*entry->extents));
	if (!entry->extents)
		return error_code(err, ENOMEM, "tmpfs");
	for (found = (struct fact_extent){0}; r == 0 && entry->extent_count < count;) {
		r = find_extent(fd, found.offset + found.size, &found, err);
		entry->extents[entry->extent_count++] = found;
	}
	return r;
}

static int save_file(struct scan *scan, int directory, const char *name, struct fact_entry *entry,
                     struct error *err)
{
	scoped_fd fd =
		openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, "%s", entry->path);
	r = list_extents(scan, fd, entry, err);
	for (size_t i = 0; i < entry->extent_count && r == 0; i++)
		r = copy_extent(scan, fd, &entry->extents[i], err);
	return r;
}

/* Another name of what has one already; null: not. */
static char *find_name(const struct scan *scan, const struct stat *st)
{
	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return NULL;
	for (size_t i = 0; i + 1 < scan->tmpfs->entry_count; i++)
		if (scan->inodes[i] == st->st_ino && !scan->tmpfs->entries[i].link)
			return scan->tmpfs->entries[i].path;
	return NULL;
}

/* All of an entry but what is below it. */
static int save_entry(struct scan *scan, int directory, const char *name, const char *path,
                      const struct stat *st, struct error *err)
{
	struct fact_tmpfs *tmpfs = scan->tmpfs;
	int r = count_up(scan, 1);

	if (r == 0 && tmpfs->entry_count == scan->capacity)
		r = grow(scan, err);
	if (r != 0)
		return r;

	struct fact_entry *entry = &tmpfs->entries[tmpfs->entry_count];

	scan->inodes[tmpfs->entry_count++] = st->st_ino;
	*entry = (struct fact_entry){
		.path = arena_strdup(scan->arena, path),
		.link = find_name(scan, st),
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.device = st->st_rdev,
		.seconds = st->st_mtim.tv_sec,
		.nanoseconds = (uint32_t)st->st_mtim.tv_nsec,
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
	};
	if (!entry->path)
		return error_code(err, ENOMEM, "tmpfs");
	if (entry->link)
		return 0;
	if (S_ISLNK(st->st_mode))
		r = save_link(scan, directory, name, entry, err);
	else if (entry->size > 0)
		r = save_file(scan, directory, name, entry, err);
	return r == 0 ? save_attributes(scan, directory, name, entry, err) : r;
}

static int save_directory(struct scan *scan, int fd, const char *path, unsigned int depth,
                          struct error *err);

static int save_below(struct scan *scan, int directory, const char *above, const char *name,
                      unsigned int depth, struct error *err)
{
	char path[PATH_MAX];
	struct stat st;
	int r;

	if (snprintf(path, sizeof(path), "%s%s%s", above, *above ? "/" : "", name) >= PATH_MAX)
		return LEAVE;
	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "%s", path);
	if (S_ISSOCK(st.st_mode))
		return 0;
	r = save_entry(scan, directory, name, path, &st, err);
	if (r != 0 || !S_ISDIR(st.st_mode))
		return r;

	scoped_fd fd = openat(directory, name,
	                      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "%s", path)
	              : save_directory(scan, fd, path, depth + 1, err);
}

static int save_directory(struct scan *scan, int fd, const char *path, unsigned int depth,
                          struct error *err)
{
	scoped_names names = {0};
	int r = depth > TMPFS_DEPTH_MAX ? LEAVE : names_read(fd, &names, err);

	for (size_t i = 0; i < names.count && r == 0; i++)
		r = save_below(scan, fd, path, names.items[i], depth, err);
	return r;
}

static int save_tree(struct scan *scan, int tree, struct error *err)
{
	struct stat st;
	scoped_fd fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "tmpfs");
	r = save_entry(scan, fd, ".", "", &st, err);
	return r == 0 ? save_directory(scan, fd, "", 0, err) : r;
}

/* --- All of them --- */

/*
 * Without what is mounted on them. Only a process of its own can enter a mount namespace and leave ours as it is;
 * the descriptors it opens are ours as well.
 */
static int open_trees(int proc, const struct facts *facts, int *trees, struct error *err)
{
	const struct clone_args args = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};
	int namespace = openat(proc, "ns/mnt", O_RDONLY | O_CLOEXEC);
	int status = 0;

	if (namespace < 0)
		return error_errno(err, "mount namespace");

	pid_t pid = sys_clone3(&args);

	if (pid == 0) {
		if (setns(namespace, CLONE_NEWNS) < 0)
			_exit(1);
		for (size_t i = 0; i < facts->mount_count; i++)
			if (facts->mounts[i].tmpfs)
				trees[i] = open_tree(AT_FDCWD, facts->mounts[i].path,
				                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		_exit(0);
	}

	bool ended = pid > 0 && waitpid(pid, &status, 0) == pid;

	/* Not before: it has no copies of its own. */
	fd_close(&namespace);
	if (!ended)
		return error_errno(err, "fork");
	return status == 0 ? 0 : error_set(err, EPROTO, "the mount namespace cannot be entered");
}

/* The path may lead elsewhere: where something else lies over it. */
static bool is_it(int tree, const char *device)
{
	char text[32];
	struct stat st;

	if (tree < 0 || fstat(tree, &st) < 0)
		return false;
	(void)snprintf(text, sizeof(text), "%u:%u", major(st.st_dev), minor(st.st_dev));
	return str_equal(text, device);
}

/* Its other mounts, which are made with it, or (not saved) left to CRIU with it. */
static void settle_parts(struct facts *facts, size_t index, bool saved)
{
	for (size_t i = 0; i < facts->mount_count; i++) {
		struct fact_mount *part = &facts->mounts[i];

		if (part->source != MOUNT_INTERNAL || !part->from || part->of != index)
			continue;
		if (saved)
			part->source = MOUNT_PART;
		else
			part->from = NULL;
	}
}

static int save_mount(struct scan *scan, struct facts *facts, size_t index, int tree,
                      struct error *err)
{
	struct fact_mount *mount = &facts->mounts[index];
	uint64_t data = scan->data_size;
	size_t count = scan->count;
	int r = LEAVE;

	scan->tmpfs = mount->tmpfs;
	scan->tmpfs->data = data;
	scan->capacity = 0;
	if (is_it(tree, mount->tmpfs->device))
		r = save_tree(scan, tree, err);
	if (r < 0)
		return error_wrap(err, "contents of %s", mount->path);
	settle_parts(facts, index, r == 0);
	if (r == 0) {
		mount->source = MOUNT_TMPFS;
		return 0;
	}
	mount->tmpfs = NULL;
	scan->count = count;
	scan->data_size = data;
	if (*scan->data_fd >= 0 && (ftruncate(*scan->data_fd, (off_t)data) < 0 ||
	                            lseek(*scan->data_fd, (off_t)data, SEEK_SET) < 0))
		return error_errno(err, TMPFS_DATA_NAME);
	return 0;
}

static int save_all(const struct tmpfs_request *request, struct facts *facts, const int *trees,
                    struct error *err)
{
	scoped_fd data = -1;
	struct scan scan = {
		.arena = &facts->arena, .directory = request->directory, .data_fd = &data};
	int r = 0;

	for (size_t i = 0; i < facts->mount_count && r == 0; i++)
		if (facts->mounts[i].tmpfs)
			r = save_mount(&scan, facts, i, trees[i], err);
	return r;
}

void tmpfs_leave(struct facts *facts)
{
	for (size_t i = 0; i < facts->mount_count; i++) {
		if (facts->mounts[i].tmpfs)
			settle_parts(facts, i, false);
		facts->mounts[i].tmpfs = NULL;
	}
}

int tmpfs_save(const struct tmpfs_request *request, struct facts *facts, struct error *err)
{
	size_t size = facts->mount_count * sizeof(int);
	char path[32];
	bool any = false;

	for (size_t i = 0; i < facts->mount_count; i++)
		any |= facts->mounts[i].tmpfs != NULL;
	if (!any)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d", request->init);

	scoped_fd proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0)
		return error_errno(err, "%s", path);
	if (!share_one_namespace(request, proc)) {
		tmpfs_leave(facts);
		return 0;
	}

	/* Shared with the process that fills it in. */
	int *trees = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (trees == MAP_FAILED)
		return error_errno(err, "tmpfs");
	for (size_t i = 0; i < facts->mount_count; i++)
		trees[i] = -1;

	int r = open_trees(proc, facts, trees, err);

	if (r == 0)
		r = save_all(request, facts, trees, err);
	for (size_t i = 0; i < facts->mount_count; i++)
		fd_close(&trees[i]);
	(void)munmap(trees, size);
	return r;
}
