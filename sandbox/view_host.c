/* The host's root and the mounts below it, as the program sees them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "sandbox/view_parts.h"

/* Made by the sandbox itself, or not there at all. */
static const char *const own_directories[] = {"/dev", "/proc", "/run", "/sys", "/tmp"};

bool view_is_own(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_directories); i++)
		if (view_is_below(path, own_directories[i]))
			return true;
	return false;
}

static int copy_link(const struct view_builder *b, const char *path, const char *name,
                     struct error *err)
{
	char text[PATH_MAX];
	ssize_t size = readlink(path, text, sizeof(text) - 1);

	if (size < 0)
		return error_errno(err, "read link %s", path);
	text[size] = '\0';
	return symlinkat(text, b->root, name) < 0 ? error_errno(err, "copy link %s", path) : 0;
}

/* 1: nothing is in it, or nothing that the program could see. */
static int is_empty(const char *path)
{
	struct dirent *entry;
	DIR *directory = opendir(path);
	int empty = 1;

	if (!directory)
		return errno == EACCES;
	while (empty && (entry = readdir(directory)))
		empty = str_equal(entry->d_name, ".") || str_equal(entry->d_name, "..");
	(void)closedir(directory);
	return empty;
}

static int add_entry(const struct view_builder *b, const char *name, struct error *err)
{
	const char *path = arena_format(&b->view->arena, "/%s", name);
	struct stat st;

	if (!path)
		return error_code(err, ENOMEM, "list of mounts");
	if (view_is_own(path) || lstat(path, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode))
		return copy_link(b, path, name, err);
	if (S_ISREG(st.st_mode))
		return view_add_bind(b->view, path, path, SANDBOX_RO_BIND, err);
	if (!S_ISDIR(st.st_mode))
		return 0;
	/* Nothing to show: a directory of its own costs less than an overlay. */
	if (is_empty(path))
		return view_add_own(b, path, st.st_mode & 07777, path, err);
	return view_add_overlay(b, path, path, &st, err);
}

static int add_root(const struct view_builder *b, struct error *err)
{
	DIR *directory = NULL;
	int r = 0;

	/* One tree for all; what is the sandbox's own covers its parts of it. */
	if (b->options->read_only)
		return scratch_host(b->scratch, err);
	directory = opendir("/");
	if (!directory)
		return error_errno(err, "read /");
	while (r == 0) {
		const struct dirent *entry = readdir(directory);

		if (!entry)
			break;
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			r = add_entry(b, entry->d_name, err);
	}
	(void)closedir(directory);
	return r;
}

/* --- Mounts below the host's root --- */

/* File systems that show the kernel, not files. */
static const char *const kernel_types[] = {
	"autofs", "binfmt_misc", "bpf",        "cgroup",    "cgroup2", "configfs",   "debugfs",
	"devpts", "devtmpfs",    "efivarfs",   "fusectl",   "mqueue",  "nsfs",       "proc",
	"pstore", "ramfs",       "rpc_pipefs", "selinuxfs", "sysfs",   "securityfs", "tracefs",
};

static bool is_kernel_type(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kernel_types); i++)
		if (str_equal(kernel_types[i], type))
			return true;
	return false;
}

/* Whether what the path leads to is this mount, and none that covers it. */
static bool is_visible(const struct mountinfo *mount)
{
	scoped_fd fd = open(mount->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char file[40], text[256];
	struct error ignored;

	(void)snprintf(file, sizeof(file), "/proc/self/fdinfo/%d", fd);
	if (fd < 0 || file_read_kernel(AT_FDCWD, file, text, sizeof(text), &ignored) < 0)
		return false;

	char *id = strstr(text, "mnt_id:");

	if (!id)
		return false;
	id += strlen("mnt_id:");
	id += strspn(id, "\t ");
	id[strcspn(id, "\n")] = '\0';
	return str_equal(id, mount->id);
}

static int add_submount(const struct view_builder *b, const struct mountinfo *mount,
                        struct error *err)
{
	const char *slash = strrchr(mount->path, '/');
	struct stat st;

	/* Those of the root itself are there already; the scratch is no part of the host. */
	if (!slash || slash == mount->path || view_is_own(mount->path) ||
	    is_kernel_type(mount->type) || view_is_below(mount->path, b->scratch->path) ||
	    !is_visible(mount) || stat(mount->path, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return view_add_bind(b->view, mount->path, mount->path, SANDBOX_RO_BIND, err);
	if (!S_ISDIR(st.st_mode) || is_empty(mount->path))
		return 0;
	return view_add_overlay(b, mount->path, mount->path, &st, err);
}

static int add_submounts(const struct view_builder *b, struct error *err)
{
	int r = 0;

	if (b->options->read_only) /* the binds bring them along */
		return 0;
	for (size_t i = 0; r == 0 && i < b->mounts.count; i++)
		r = add_submount(b, &b->mounts.items[i], err);
	return r;
}

int view_add_host(const struct view_builder *b, struct error *err)
{
	int r = add_root(b, err);

	return r < 0 ? r : add_submounts(b, err);
}
