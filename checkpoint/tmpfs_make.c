/* File systems in memory are made again with all that was in them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"
#include "base/sys.h"
#include "checkpoint/tmpfs.h"
#include "rootfs/path.h"

struct making {
	int top;           /* the new file system */
	int directory;     /* of the images */
	int data_fd;       /* −1: not needed yet */
	off_t data;        /* where the next extent is */
	int parent;        /* the directory of the last entry … */
	char *parent_path; /* … and its path; null: none yet */
};

static void making_done(struct making *making)
{
	fd_close(&making->data_fd);
	fd_close(&making->parent);
	str_free(&making->parent_path);
}

/* --- The file system --- */

static int set_option(int context, char *word, struct error *err)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	return fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, word, value, 0) <
	                       0
	               ? error_errno(err, "option %s", word)
	               : 0;
}

static int make_mount(const struct fact_tmpfs *tmpfs, unsigned int attributes, struct error *err)
{
	scoped_fd context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	scoped_str words = strdup(tmpfs->options);
	char *rest = words;
	int r = 0;

	if (!words)
		return error_code(err, ENOMEM, "tmpfs");
	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", tmpfs->source, 0) < 0)
		return error_errno(err, "tmpfs");
	for (char *word = strsep(&rest, ","); word && r == 0; word = strsep(&rest, ","))
		if (*word)
			r = set_option(context, word, err);
	if (r < 0)
		return r;

	int fd = fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0
	                 ? -1
	                 : fsmount(context, FSMOUNT_CLOEXEC,
	                           attributes & ~(unsigned int)MOUNT_ATTR_RDONLY);

	return fd < 0 ? error_errno(err, "tmpfs") : fd;
}

/* --- What is in it --- */

/* The directory that an entry is in; what it is called there goes to *ret_name. */
static int find_parent(struct making *making, const char *path, const char **ret_name,
                       struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	scoped_str parent = str_format("%.*s", (int)length, path);

	*ret_name = slash ? slash + 1 : *path ? path : ".";
	if (!parent)
		return error_code(err, ENOMEM, "tmpfs");
	if (str_equal(making->parent_path, parent))
		return 0;
	fd_close(&making->parent);
	str_free(&making->parent_path);
	making->parent =
		path_try_open(making->top, parent, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	if (making->parent < 0)
		return error_code(err, -making->parent, "%s", parent);
	making->parent_path = parent;
	parent = NULL;
	return 0;
}

static int make_link(const struct making *making, const char *name, const char *target,
                     struct error *err)
{
	scoped_fd fd = path_try_open(making->top, target, O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);

	if (fd < 0)
		return error_code(err, -fd, "%s", target);
	return linkat(fd, "", making->parent, name, AT_EMPTY_PATH) < 0 ? error_errno(err, "link")
	                                                               : 0;
}

static int fill_extent(struct making *making, int fd, const struct fact_extent *extent,
                       struct error *err)
{
	uint64_t left = extent->size;

	if (making->data_fd < 0)
		making->data_fd = openat(making->directory, TMPFS_DATA_NAME,
		                         O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (making->data_fd < 0)
		return error_errno(err, TMPFS_DATA_NAME);
	if (lseek(fd, (off_t)extent->offset, SEEK_SET) < 0)
		return error_errno(err, "data");
	while (left > 0) {
		ssize_t count = sendfile(fd, making->data_fd, &making->data, left);

		if (count <= 0)
			return count < 0 ? error_errno(err, "data")
			                 : error_set(err, EILSEQ, TMPFS_DATA_NAME " is too short");
		left -= (uint64_t)count;
	}
	return 0;
}

static int make_file(struct making *making, const char *name, const struct fact_entry *entry,
                     struct error *err)
{
	scoped_fd fd = openat(making->parent, name,
	                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = 0;

	if (fd < 0 || (entry->size && ftruncate(fd, (off_t)entry->size) < 0))
		return error_errno(err, "file");
	for (size_t i = 0; i < entry->extent_count && r == 0; i++)
		r = fill_extent(making, fd, &entry->extents[i], err);
	return r;
}

static int make_node(struct making *making, const char *name, const struct fact_entry *entry,
                     struct error *err)
{
	int r;

	if (S_ISREG(entry->mode))
		return make_file(making, name, entry, err);
	if (S_ISDIR(entry->mode))
		r = *entry->path ? mkdirat(making->parent, name, 0700) : 0;
	else if (S_ISLNK(entry->mode))
		r = symlinkat(entry->target, making->parent, name);
	else
		r = mknodat(making->parent, name, (entry->mode & S_IFMT) | 0600, entry->device);
	return r < 0 ? error_errno(err, "make") : 0;
}

static unsigned char digit(char c)
{
	return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static int set_attribute(const char *file, const struct fact_attribute *attribute,
                         struct error *err)
{
	unsigned char value[1024];
	size_t size = strlen(attribute->value) / 2;

	if (size > sizeof(value))
		return error_code(err, E2BIG, "attribute %s", attribute->name);
	for (size_t i = 0; i < size; i++)
		value[i] = (unsigned char)(digit(attribute->value[2 * i]) << 4 |
		                           digit(attribute->value[2 * i + 1]));
	return lsetxattr(file, attribute->name, value, size, 0) < 0
	               ? error_errno(err, "attribute %s", attribute->name)
	               : 0;
}

/* The owner before the mode, which a change of owner would clear bits of, and before the attributes. */
static int set_facts(const struct making *making, const char *name, const struct fact_entry *entry,
                     struct error *err)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = entry->seconds, .tv_nsec = entry->nanoseconds},
	};
	char link[FD_PATH_SIZE];
	scoped_str file = str_format("%s/%s", fd_path(making->parent, link), name);
	int r = 0;

	if (!file)
		return error_code(err, ENOMEM, "tmpfs");
	if (fchownat(making->parent, name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "owner");
	if (!S_ISLNK(entry->mode) && fchmodat(making->parent, name, entry->mode & 07777, 0) < 0)
		return error_errno(err, "mode");
	for (size_t i = 0; i < entry->attribute_count && r == 0; i++)
		r = set_attribute(file, &entry->attributes[i], err);
	if (r == 0 && utimensat(making->parent, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "time");
	return r;
}

static int make_entry(struct making *making, const struct fact_entry *entry, struct error *err)
{
	const char *name;
	int r = find_parent(making, entry->path, &name, err);

	if (r < 0)
		return r;
	if (entry->link)
		return make_link(making, name, entry->link, err);
	r = make_node(making, name, entry, err);
	return r == 0 && !S_ISDIR(entry->mode) ? set_facts(making, name, entry, err) : r;
}

/* Once all is in it: that changes its time, and would get its group and default attributes. */
static int finish_directory(struct making *making, const struct fact_entry *entry,
                            struct error *err)
{
	const char *name;
	int r = entry->link || !S_ISDIR(entry->mode) ? 1
	                                             : find_parent(making, entry->path, &name, err);

	if (r == 0)
		r = set_facts(making, name, entry, err);
	return r < 0 ? r : 0;
}

static int make_entries(struct making *making, const struct fact_tmpfs *tmpfs,
                        int (*step)(struct making *, const struct fact_entry *, struct error *),
                        struct error *err)
{
	for (size_t i = 0; i < tmpfs->entry_count; i++) {
		int r = step(making, &tmpfs->entries[i], err);

		if (r < 0)
			return error_wrap(err, "%s", tmpfs->entries[i].path);
	}
	return 0;
}

int tmpfs_make(const struct fact_tmpfs *tmpfs, unsigned int attributes, int directory,
               struct error *err)
{
	scoped_fd top = make_mount(tmpfs, attributes, err);
	scoped(making_done) struct making making = {
		.top = top,
		.directory = directory,
		.data_fd = -1,
		.data = (off_t)tmpfs->data,
		.parent = -1,
	};
	int r = top < 0 ? -err->code : make_entries(&making, tmpfs, make_entry, err);

	if (r == 0)
		r = make_entries(&making, tmpfs, finish_directory, err);
	return r < 0 ? r : fd_take(&top);
}
