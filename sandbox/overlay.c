#include "sandbox/overlay.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "base/str.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* Two lower layers and no upper one, detached; −errno. */
static int make(const char *above, const char *below)
{
	scoped_arena arena = {0};
	const char *first = overlay_option(&arena, "lowerdir", above);
	const char *second = overlay_option(&arena, "lowerdir", below);
	scoped_fd context = fsopen("overlay", FSOPEN_CLOEXEC);

	if (!first || !second)
		return -ENOMEM;
	if (context < 0)
		return -errno;

	const size_t key = strlen("lowerdir=");
	const char *both = arena_format(&arena, "%s:%s", first + key, second + key);

	if (!both || fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		return -errno;
	/* Longer texts than 255 bytes do not pass; since Linux 6.8 each layer can have one of its own. */
	if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", both, 0) < 0 &&
	    (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", above, 0) < 0 ||
	     fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", below, 0) < 0))
		return -errno;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;

	int mount = fsmount(context, FSMOUNT_CLOEXEC,
	                    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	return mount < 0 ? -errno : mount;
}

/* Undoes overlay_option's escapes, which are for lists; in place. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

static int set_option(int context, const char *option)
{
	scoped_str key = strdup(option);
	char *value = key ? strchr(key, '=') : NULL;

	if (!key)
		return -ENOMEM;
	if (!value) {
		if (str_equal(key, "nosuid") || str_equal(key, "nodev"))
			return 0; /* of the mount */
		return fsconfig(context, FSCONFIG_SET_FLAG, key, NULL, 0) < 0 ? -errno : 0;
	}
	*value++ = '\0';
	if (fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) == 0)
		return 0;
	/* Longer texts than 255 bytes do not pass; of a lower directory they do since Linux 6.8. */
	unescape(value);
	return str_equal(key, "lowerdir") &&
	                       fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", value, 0) == 0
	               ? 0
	               : -errno;
}

int overlay_open_layers(const char *const *options, size_t count, struct error *err)
{
	scoped_fd context = fsopen("overlay", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0)
		return error_errno(err, "fsopen overlay");
	for (size_t i = 0; i < count; i++) {
		int r = set_option(context, options[i]);

		if (r < 0)
			return error_code(err, -r, "overlay: %s", options[i]);
	}
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, "make an overlay");

	int mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);

	return mount < 0 ? error_errno(err, "mount an overlay") : mount;
}

int overlay_open(const char *upper, const char *lower, struct error *err)
{
	int mount = make(upper, lower);

	return mount < 0 ? error_code(err, -mount, "overlay of %s over %s", upper, lower) : mount;
}

static bool try(const char *lower, const char *other)
{
	scoped_fd mount = make(lower, other);

	return mount >= 0;
}

bool overlay_possible(const char *lower, const char *other)
{
	struct statfs fs;

	if (statfs(lower, &fs) < 0)
		return false;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		return true;
	default:
		return try(lower, other);
	}
}

const char *overlay_option(struct arena *arena, const char *key, const char *path)
{
	size_t length = strlen(key);
	char *text = arena_alloc(arena, length + 2 * strlen(path) + 2, 1);
	char *to = text;

	if (!text)
		return NULL;
	memcpy(to, key, length);
	to += length;
	*to++ = '=';
	for (; *path; path++) {
		if (*path == ':' || *path == '\\')
			*to++ = '\\';
		*to++ = *path;
	}
	*to = '\0';
	return text;
}
