/* What a sandbox has of its own: /proc, /dev and the directories that begin empty. */
#include <errno.h>
#include <unistd.h>

#include "base/str.h"
#include "sandbox/view_parts.h"

struct own_mount {
	const char *target, *type;
	const char *options[4];
};
static const struct own_mount own_mounts[] = {
	/* Processes that the program may not trace, our pid 1 among them, are not shown. */
	{"/proc", "proc", {"nosuid", "noexec", "nodev", "hidepid=ptraceable"}},
	{"/dev", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=64k"}},
};

static int add_own_mount(const struct view_builder *b, const struct own_mount *own,
                         struct error *err)
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

static bool proc_is_covered(const struct view_builder *b)
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
static int add_outer_proc(const struct view_builder *b, struct error *err)
{
	int r = view_add_bind(b->view, "/proc", "/proc", SANDBOX_RO_BIND, err);

	return r < 0 ? r
	             : view_note(b->view,
	                         "/proc is the host's: parts of it are covered, so that "
	                         "no other can be mounted",
	                         err);
}

static int add_own_mounts(const struct view_builder *b, struct error *err)
{
	int r = proc_is_covered(b) ? add_outer_proc(b, err) : add_own_mount(b, &own_mounts[0], err);

	return r < 0 ? r : add_own_mount(b, &own_mounts[1], err);
}

/*
 * A devpts wants that uid 0 is mapped where it is mounted, which it is in the sandbox only for root: for
 * a user it is mounted out here and bound.
 */
static int add_devpts(const struct view_builder *b, struct error *err)
{
	struct view_mount *mount = NULL;

	if (b->scratch->rootless || b->options->reproducible) {
		const char *source = arena_format(&b->view->arena, "%s/pts", b->scratch->path);
		int r = source ? scratch_devpts(b->scratch, err)
		               : error_code(err, ENOMEM, "devpts");

		if (r == 0)
			r = view_add_bind(b->view, source, "/dev/pts", SANDBOX_DEV_BIND, err);
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

int view_add_own_all(const struct view_builder *b, struct error *err)
{
	int r = add_own_mounts(b, err);

	if (r == 0)
		r = add_devpts(b, err);
	if (r == 0)
		r = view_add_own(b, "/dev/shm", 01777, NULL, err);
	if (r == 0)
		r = view_add_own(b, "/tmp", 01777, NULL, err);
	if (r == 0 && access("/var/tmp", F_OK) == 0)
		r = view_add_own(b, "/var/tmp", 01777, b->storage->place[0] ? "/var/tmp" : NULL,
		                 err);
	if (r == 0)
		r = view_add_own(b, "/run", 0755, NULL, err);
	/* In overlays' root there is none. */
	if (r == 0 && b->options->read_only && access("/sys", F_OK) == 0)
		r = view_add_own(b, "/sys", 0555, NULL, err);
	return r;
}
