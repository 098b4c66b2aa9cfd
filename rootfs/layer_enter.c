/* A stack of layers as a detached mount. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mount_api.h"
#include "rootfs/layer.h"

/* fsconfig(2) takes texts of at most this length, with the end. */
enum { PARAMETER_MAX = 256 };

/* The name of a directory for kernels that take no descriptors here (before Linux 6.13). */
static void name_directory(int fd, char ret[static PARAMETER_MAX])
{
	char link[FD_PATH_SIZE];
	ssize_t length = readlink(fd_path(fd, link), ret, PARAMETER_MAX);

	/* A backslash would be an escape for some of the parameters. */
	if (length < 0 || length == PARAMETER_MAX || memchr(ret, '\\', (size_t)length)) {
		(void)snprintf(ret, PARAMETER_MAX, "%s", link);
		return;
	}
	ret[length] = '\0';
}

static int set_directory(int context, const char *key, int fd)
{
	char name[PARAMETER_MAX];

	if (fsconfig(context, FSCONFIG_SET_FD, key, NULL, fd) == 0)
		return 0;
	/* EBADF: before 6.13 the system call itself takes no O_PATH descriptor. */
	if (errno != EINVAL && errno != EBADF)
		return -errno;
	name_directory(fd, name);
	return fsconfig(context, FSCONFIG_SET_STRING, key, name, 0) < 0 ? -errno : 0;
}

/* Before Linux 6.5 all lower layers are one parameter. */
static int set_joined(int context, const struct layer_stack *stack)
{
	char text[PARAMETER_MAX];
	size_t length = 0;

	for (size_t i = 0; i < stack->count; i++) {
		char link[FD_PATH_SIZE];
		int size = snprintf(text + length, sizeof(text) - length, "%s%s", i ? ":" : "",
		                    fd_path(stack->lowers[i], link));

		length += (size_t)size;
		if (length >= sizeof(text))
			return -E2BIG;
	}
	return fsconfig(context, FSCONFIG_SET_STRING, "lowerdir", text, 0) < 0 ? -errno : 0;
}

static int set_lowers(int context, const struct layer_stack *stack)
{
	int r = 0;

	for (size_t i = 0; i < stack->count && r == 0; i++) {
		r = set_directory(context, "lowerdir+", stack->lowers[i]);
		if (r == -EINVAL && i == 0)
			return set_joined(context, stack);
	}
	return r;
}

static int set_word(int context, const char *key, const char *word)
{
	return fsconfig(context, FSCONFIG_SET_STRING, key, word, 0) < 0 ? -errno : 0;
}

/* An older kernel need not know them. */
static void set_options(int context, const struct layer_stack *stack, bool handles)
{
	if (stack->user)
		(void)fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0);
	if (stack->metacopy) {
		(void)!set_word(context, "metacopy", "on");
		(void)!set_word(context, "redirect_dir", stack->upper >= 0 ? "on" : "follow");
	} else {
		(void)!set_word(context, "metacopy", "off");
		(void)!set_word(context, "redirect_dir", "off");
	}
	if (stack->upper < 0)
		return;
	(void)!set_word(context, "index", handles ? "on" : "off");
	if (!stack->metacopy)
		(void)!set_word(context, "nfs_export", handles ? "on" : "off");
}

/* The file system of the stack, not mounted anywhere yet: a descriptor for fsmount. */
static int make_once(const struct layer_stack *stack, bool handles, struct error *err)
{
	scoped_fd context = fsopen("overlay", FSOPEN_CLOEXEC);
	int r;

	if (context < 0)
		return error_errno(err, "overlay: fsopen");
	r = set_lowers(context, stack);
	if (r == -E2BIG)
		return error_set(err, E2BIG, "overlay: too many layers for this kernel");
	if (r == 0 && stack->upper >= 0)
		r = set_directory(context, "upperdir", stack->upper);
	if (r == 0 && stack->upper >= 0)
		r = set_directory(context, "workdir", stack->work);
	if (r < 0)
		return error_code(err, -r, "overlay: set layers");
	set_options(context, stack, handles);
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_errno(err, "overlay: mount");
	return fd_take(&context);
}

static int mount_once(const struct layer_stack *stack, bool handles, struct error *err)
{
	scoped_fd context = make_once(stack, handles, err);

	if (context < 0)
		return context;

	int fd = fsmount(context, FSMOUNT_CLOEXEC, 0);

	return fd < 0 ? error_errno(err, "overlay: fsmount") : fd;
}

int layer_enter_mount(const struct layer_stack *stack, struct error *err)
{
	struct error again;
	int fd = mount_once(stack, true, err);

	/* In use, or written to with other layers below it: that is no matter of options. */
	if (fd >= 0 || stack->upper < 0 || fd == -EBUSY || fd == -ESTALE || fd == -EPERM)
		return fd;
	fd = mount_once(stack, false, &again);
	return fd < 0 ? -err->code : fd;
}

int layer_check_idle(const struct layer_stack *stack, struct error *err)
{
	struct error ignored;
	scoped_fd context = make_once(stack, true, &ignored);

	/* Without an index overlayfs does not refuse: then there is no telling. */
	if (context == -EBUSY)
		return error_set(err, EBUSY, "the writable layer is still part of a mount");
	return 0;
}
