#include "sandbox/overlay.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>

#include "base/fd.h"
#include "base/mount_api.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* A read-only overlay of the directory with itself: no upper layer is needed to find out. */
static bool try(const char *lower)
{
	scoped_arena arena = {0};
	const char *option = overlay_lower_option(&arena, lower);
	scoped_fd context = fsopen("overlay", FSOPEN_CLOEXEC);

	if (!option || context < 0)
		return false;
	option += strlen("lowerdir=");

	const char *both = arena_format(&arena, "%s:%s", option, "/dev");

	return both && fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) == 0 &&
	       fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", both, 0) == 0 &&
	       fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0;
}

bool overlay_possible(const char *lower)
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
		return try(lower);
	}
}

const char *overlay_lower_option(struct arena *arena, const char *lower)
{
	char *text = arena_alloc(arena, strlen("lowerdir=") + 2 * strlen(lower) + 1, 1);
	char *to = text;

	if (!text)
		return NULL;
	memcpy(to, "lowerdir=", strlen("lowerdir="));
	to += strlen("lowerdir=");
	for (; *lower; lower++) {
		if (*lower == ':' || *lower == '\\')
			*to++ = '\\';
		*to++ = *lower;
	}
	*to = '\0';
	return text;
}
