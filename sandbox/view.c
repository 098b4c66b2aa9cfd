#include "sandbox/view.h"

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
#include "checkpoint/mountinfo.h"
#include "rootfs/path.h"
#include "sandbox/overlay.h"
#include "sandbox/secrets.h"

void view_done(struct view *view)
{
	free(view->mounts);
	free(view->hidden);
	free(view->notes);
	arena_done(&view->arena);
	*view = (struct view){0};
}

/* --- The lists --- */

/* Room for one more; null when memory runs out. */
static void *grow(void *items, size_t size, size_t count, size_t *capacity)
{
	enum { FIRST = 32 };
	size_t wanted = *capacity ? *capacity * 2 : FIRST;
	void *grown = items;

	if (count < *capacity)
		return items;
	grown = realloc(items, wanted * size);
	if (grown)
		*capacity = wanted;
	return grown;
}

struct view_mount *view_add(struct view *view, const char *target, const char *type,
                            const char *source, struct error *err)
{
	struct view_mount *grown =
		grow(view->mounts, sizeof(*grown), view->mount_count, &view->mount_capacity);

	if (!grown || !target) {
		(void)error_code(err, ENOMEM, "list of mounts");
		return NULL;
	}
	view->mounts = grown;
	grown[view->mount_count] = (struct view_mount){
		.target = target,
		.type = type,
		.source = source,
		.layer = -1,
	};
	return &grown[view->mount_count++];
}

static int add_text(const char ***list, size_t *count, size_t *capacity, const char *text,
                    struct error *err)
{
	const char **grown = grow((void *)*list, sizeof(*grown), *count, capacity);

	if (!grown || !text)
		return error_code(err, ENOMEM, "list of paths");
	*list = grown;
	grown[(*count)++] = text;
	return 0;
}

int view_hide(struct view *view, const char *path, struct error *err)
{
	return add_text(&view->hidden, &view->hidden_count, &view->hidden_capacity, path, err);
}

int view_note(struct view *view, const char *text, struct error *err)
{
	return add_text(&view->notes, &view->note_count, &view->note_capacity, text, err);
}

bool view_is_below(const char *path, const char *parent)
{
	size_t length = strlen(parent);

	if (length == 1)
		return true;
	return strncmp(path, parent, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* --- Kinds of mounts --- */

static int add_bind(struct view *view, const char *source, const char *target,
                    enum sandbox_step_kind kind, struct error *err)
{
	struct view_mount *mount = view_add(view, target, "bind", source, err);

	if (!mount)
		return -ENOMEM;
	mount->options[mount->option_count++] = "rbind";
	mount->options[mount->option_count++] = "nosuid";
	if (kind == SANDBOX_RO_BIND)
		mount->options[mount->option_count++] = "rro";
	if (kind != SANDBOX_DEV_BIND)
		mount->options[mount->option_count++] = "nodev";
	mount->writable = kind != SANDBOX_RO_BIND;
	return 0;
}

/* An empty directory of the scratch: what is in it counts against the limit of the disk. */
static int add_own(struct view *view, struct scratch *scratch, const char *target, mode_t mode,
                   struct error *err)
{
	const struct stat like = {.st_mode = mode};
	unsigned int number = scratch->layers;
	const char *name = arena_format(&view->arena, "u/%u", number);
	const char *source = arena_format(&view->arena, "%s/%s", scratch->path, name ? name : "");

	if (!name || !source)
		return error_code(err, ENOMEM, "list of mounts");

	int r = scratch_directory(scratch, name, &like, err);

	if (r == 0)
		r = add_bind(view, source, target, SANDBOX_BIND, err);
	if (r < 0)
		return r;
	scratch->layers++;
	view->mounts[view->mount_count - 1].discarded = true;
	return 0;
}

struct builder {
	struct view *view;
	struct scratch *scratch;
	const struct sandbox_options *options;
	int root; /* of the sandbox, in the scratch */
	struct mountinfo_list mounts;
};

static bool has_mounts_below(const struct builder *b, const char *path)
{
	for (size_t i = 0; i < b->mounts.count; i++)
		if (view_is_below(b->mounts.items[i].path, path) &&
		    !str_equal(b->mounts.items[i].path, path))
			return true;
	return false;
}

/*
 * The kernel takes no directory with mounts below it from somebody who may not lift them off: for the
 * sandbox's user namespace root shows it bare.
 */
static const char *bare_lower(const struct builder *b, const char *source)
{
	struct error ignored;

	if (!overlay_possible(source))
		return NULL;
	if (!has_mounts_below(b, source))
		return source;
	if (b->scratch->rootless ||
	    scratch_bare(b->scratch, source, b->scratch->layers, &ignored) < 0)
		return NULL;
	return arena_format(&b->view->arena, "%s/l/%u", b->scratch->path, b->scratch->layers);
}

static int add_read_only(const struct builder *b, const char *source, const char *target,
                         struct error *err)
{
	int r = add_bind(b->view, source, target, SANDBOX_RO_BIND, err);

	return r < 0 ? r
	             : view_note(b->view,
	                         arena_format(&b->view->arena,
	                                      "%s is read-only: no overlay can be made over it",
	                                      target),
	                         err);
}

static int add_overlay_options(const struct builder *b, struct view_mount *mount, const char *lower,
                               unsigned int number, struct error *err)
{
	struct arena *arena = &b->view->arena;
	const char *options[] = {
		"nosuid",
		"nodev",
		"userxattr",
		overlay_lower_option(arena, lower),
		arena_format(arena, "upperdir=%s/u/%u", b->scratch->path, number),
		arena_format(arena, "workdir=%s/w/%u", b->scratch->path, number),
	};

	_Static_assert(ARRAY_SIZE(options) <= VIEW_OPTION_LIMIT, "room for all");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!options[i])
			return error_code(err, ENOMEM, "list of mounts");
		mount->options[mount->option_count++] = options[i];
	}
	mount->writable = mount->discarded = true;
	mount->layer = (int)number;
	return 0;
}

static int add_overlay(const struct builder *b, const char *source, const char *target,
                       const struct stat *like, struct error *err)
{
	const char *lower = bare_lower(b, source);
	unsigned int number = 0;

	if (!lower)
		return add_read_only(b, source, target, err);

	int r = scratch_layer(b->scratch, like, &number, err);
	struct view_mount *mount =
		r < 0 ? NULL : view_add(b->view, target, "overlay", "overlay", err);

	if (!mount)
		return r < 0 ? r : -ENOMEM;
	mount->lower = lower;
	return add_overlay_options(b, mount, lower, number, err);
}

/* --- The host's root --- */

/* Made by the sandbox itself, or not there at all. */
static const char *const own_directories[] = {"/dev", "/proc", "/run", "/sys", "/tmp"};

static bool is_own(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_directories); i++)
		if (view_is_below(path, own_directories[i]))
			return true;
	return false;
}

static int copy_link(const struct builder *b, const char *path, const char *name, struct error *err)
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

static int add_entry(const struct builder *b, const char *name, struct error *err)
{
	const char *path = arena_format(&b->view->arena, "/%s", name);
	struct stat st;

	if (!path)
		return error_code(err, ENOMEM, "list of mounts");
	if (is_own(path) || lstat(path, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode))
		return copy_link(b, path, name, err);
	if (S_ISREG(st.st_mode))
		return add_bind(b->view, path, path, SANDBOX_RO_BIND, err);
	if (!S_ISDIR(st.st_mode))
		return 0;
	/* Nothing to show: a directory of its own costs less than an overlay. */
	if (is_empty(path))
		return add_own(b->view, b->scratch, path, st.st_mode & 07777, err);
	return add_overlay(b, path, path, &st, err);
}

static int add_root(const struct builder *b, struct error *err)
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

static int add_submount(const struct builder *b, const struct mountinfo *mount, struct error *err)
{
	const char *slash = strrchr(mount->path, '/');
	struct stat st;

	/* Those of the root itself are there already; the scratch is no part of the host. */
	if (!slash || slash == mount->path || is_own(mount->path) || is_kernel_type(mount->type) ||
	    view_is_below(mount->path, b->scratch->path) || !is_visible(mount) ||
	    stat(mount->path, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return add_bind(b->view, mount->path, mount->path, SANDBOX_RO_BIND, err);
	if (!S_ISDIR(st.st_mode) || is_empty(mount->path))
		return 0;
	return add_overlay(b, mount->path, mount->path, &st, err);
}

static int add_submounts(const struct builder *b, struct error *err)
{
	int r = 0;

	if (b->options->read_only) /* the binds bring them along */
		return 0;
	for (size_t i = 0; r == 0 && i < b->mounts.count; i++)
		r = add_submount(b, &b->mounts.items[i], err);
	return r;
}

/* --- What is the sandbox's own --- */

struct own_mount {
	const char *target, *type;
	const char *options[4];
};
static const struct own_mount own_mounts[] = {
	/* Processes that the program may not trace, our pid 1 among them, are not shown. */
	{"/proc", "proc", {"nosuid", "noexec", "nodev", "hidepid=ptraceable"}},
	{"/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=64k"}},
};

static int add_own_mount(const struct builder *b, const struct own_mount *own, struct error *err)
{
	struct view_mount *mount = view_add(b->view, own->target, own->type, own->type, err);

	if (!mount)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(own->options); i++)
		mount->options[mount->option_count++] = own->options[i];
	return 0;
}

/*
 * Directories that the kernel makes in /proc for a file system to be mounted there, and for nothing else: such a
 * mount hides nothing (fs/namespace.c, mnt_already_visible), and the first is there wherever systemd is.
 */
static const char *const proc_mount_points[] = {
	"/proc/sys/fs/binfmt_misc",
	"/proc/fs/nfsd",
};

static bool is_proc_mount_point(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(proc_mount_points); i++)
		if (view_is_below(path, proc_mount_points[i]))
			return true;
	return false;
}

static bool proc_is_covered(const struct builder *b)
{
	for (size_t i = 0; i < b->mounts.count; i++) {
		const char *path = b->mounts.items[i].path;

		if (view_is_below(path, "/proc") && !str_equal(path, "/proc") &&
		    !is_proc_mount_point(path))
			return true;
	}
	return false;
}

/*
 * Where parts of /proc are covered, as in containers and in sandboxes, the kernel gives no other /proc to a user
 * namespace: the one that is there is shown, with what is covered in it.
 */
static int add_outer_proc(const struct builder *b, struct error *err)
{
	int r = add_bind(b->view, "/proc", "/proc", SANDBOX_RO_BIND, err);

	return r < 0 ? r
	             : view_note(b->view,
	                         "/proc is the host's: parts of it are covered, so that "
	                         "no other can be mounted",
	                         err);
}

static int add_own_mounts(const struct builder *b, struct error *err)
{
	int r = proc_is_covered(b) ? add_outer_proc(b, err) : add_own_mount(b, &own_mounts[0], err);

	return r < 0 ? r : add_own_mount(b, &own_mounts[1], err);
}

/*
 * A devpts wants that uid 0 is mapped where it is mounted, which it is in the sandbox only for root: for
 * a user it is mounted out here and bound.
 */
static int add_devpts(const struct builder *b, struct error *err)
{
	struct view_mount *mount = NULL;

	if (b->scratch->rootless || b->options->reproducible) {
		const char *source = arena_format(&b->view->arena, "%s/pts", b->scratch->path);
		int r = source ? scratch_devpts(b->scratch, err)
		               : error_code(err, ENOMEM, "devpts");

		if (r == 0)
			r = add_bind(b->view, source, "/dev/pts", SANDBOX_DEV_BIND, err);
		return r;
	}
	mount = view_add(b->view, "/dev/pts", "devpts", "devpts", err);
	if (!mount)
		return -ENOMEM;
	mount->options[mount->option_count++] = "nosuid";
	mount->options[mount->option_count++] = "noexec";
	mount->options[mount->option_count++] = "newinstance";
	mount->options[mount->option_count++] = "ptmxmode=0666";
	mount->options[mount->option_count++] = "mode=0620";
	return 0;
}

static int add_own_all(const struct builder *b, struct error *err)
{
	int r = add_own_mounts(b, err);

	if (r == 0)
		r = add_devpts(b, err);
	if (r == 0)
		r = add_own(b->view, b->scratch, "/dev/shm", 01777, err);
	if (r == 0)
		r = add_own(b->view, b->scratch, "/tmp", 01777, err);
	if (r == 0 && access("/var/tmp", F_OK) == 0)
		r = add_own(b->view, b->scratch, "/var/tmp", 01777, err);
	if (r == 0)
		r = add_own(b->view, b->scratch, "/run", 0755, err);
	/* In overlays' root there is none. */
	if (r == 0 && b->options->read_only && access("/sys", F_OK) == 0)
		r = add_own(b->view, b->scratch, "/sys", 0555, err);
	return r;
}

/* --- The caller's wishes --- */

static int add_step(const struct builder *b, const struct sandbox_step *step, struct error *err)
{
	struct stat st;

	if (step->kind == SANDBOX_HIDE)
		return view_hide(b->view, step->target, err);
	if (step->kind == SANDBOX_TMPFS)
		return add_own(b->view, b->scratch, step->target, 0755, err);
	if (stat(step->source, &st) < 0)
		return error_errno(err, "%s", step->source);
	if (step->kind != SANDBOX_OVERLAY)
		return add_bind(b->view, step->source, step->target, step->kind, err);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "overlay %s: only for directories", step->source);
	return add_overlay(b, step->source, step->target, &st, err);
}

/* The deepest step that decides what is at `path`. */
static const struct sandbox_step *step_for(const struct sandbox_options *options, const char *path)
{
	for (size_t i = options->step_count; i > 0; i--)
		if (view_is_below(path, options->steps[i - 1].target))
			return &options->steps[i - 1];
	return NULL;
}

/* What is there could only be shown read-only as a whole; the directory alone may do better. */
static bool fell_back(const struct view *view, const char *path)
{
	const struct view_mount *found = NULL;

	for (size_t i = 0; i < view->mount_count; i++)
		if (view_is_below(path, view->mounts[i].target))
			found = &view->mounts[i];
	return found && !found->writable && !str_equal(found->target, path);
}

/* A project below /tmp is worked on like any other, though the rest of /tmp is not there. */
static int add_directory(const struct builder *b, struct error *err)
{
	const char *directory = b->view->directory;
	struct stat st;

	if (step_for(b->options, directory) || str_equal(directory, "/"))
		return 0;
	if (view_is_below(directory, "/proc") || view_is_below(directory, "/sys") ||
	    view_is_below(directory, "/dev"))
		return error_set(err, EINVAL, "%s: not a directory for a sandbox to work in",
		                 directory);
	if (!is_own(directory) && !view_is_below(directory, "/var/tmp") &&
	    !fell_back(b->view, directory))
		return 0;
	if (str_equal(directory, "/tmp") || str_equal(directory, "/var/tmp") ||
	    str_equal(directory, "/run"))
		return 0;
	if (stat(directory, &st) < 0)
		return error_errno(err, "%s", directory);
	if (b->options->read_only)
		return add_bind(b->view, directory, directory, SANDBOX_RO_BIND, err);
	return add_overlay(b, directory, directory, &st, err);
}

static int find_directory(struct view *view, const struct sandbox_options *options,
                          struct error *err)
{
	char path[PATH_MAX];

	if (options->directory) {
		view->directory = options->directory;
		return 0;
	}
	if (!getcwd(path, sizeof(path)))
		return error_errno(err, "present directory");
	view->directory = arena_strdup(&view->arena, path);
	return view->directory ? 0 : error_code(err, ENOMEM, "present directory");
}

/* What the caller shows himself is no secret of his. */
static void drop_shown(struct view *view, const struct sandbox_options *options)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->hidden_count; i++) {
		const struct sandbox_step *step = step_for(options, view->hidden[i]);

		if (!step || step->kind == SANDBOX_HIDE ||
		    !str_equal(step->target, view->hidden[i]))
			view->hidden[kept++] = view->hidden[i];
	}
	view->hidden_count = kept;
}

static int hide_state_root(struct view *view, const struct scratch *scratch, struct error *err)
{
	const char *slash = strrchr(scratch->path, '/');

	if (is_own(scratch->path) || view_is_below(scratch->path, "/var/tmp"))
		return 0;
	return view_hide(
		view, arena_strndup(&view->arena, scratch->path, (size_t)(slash - scratch->path)),
		err);
}

int view_build(struct view *ret, struct scratch *scratch, const struct sandbox_options *options,
               struct error *err)
{
	scoped_fd root = openat(scratch->fd, "rootfs", O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_fd proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct builder b = {ret, scratch, options, root, {0}};

	if (root < 0 || proc < 0)
		return error_errno(err, "prepare the view");

	int r = find_directory(ret, options, err);

	if (r == 0)
		r = mountinfo_read(proc, &ret->arena, &b.mounts, err);
	if (r == 0)
		r = add_root(&b, err);
	if (r == 0)
		r = add_submounts(&b, err);
	if (r == 0)
		r = add_own_all(&b, err);
	if (r == 0)
		r = add_directory(&b, err);
	if (r == 0 && !options->show_secrets)
		r = secrets_hide(ret, scratch->uid == 0, err);
	if (r == 0)
		r = hide_state_root(ret, scratch, err);
	for (size_t i = 0; r == 0 && i < options->step_count; i++)
		r = add_step(&b, &options->steps[i], err);
	drop_shown(ret, options);
	return r;
}
