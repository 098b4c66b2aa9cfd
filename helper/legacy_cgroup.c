#include "helper/legacy_cgroup.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libcgroup.h>

#include "base/file.h"
#include "base/str.h"

/* --- Loading --- */

static const char *const library_names[] = {"libcgroup.so.3", "libcgroup.so.2", "libcgroup.so.1"};

struct library {
	void *handle;
	int (*init)(void);
	void (*set_logger)(cgroup_logger_callback, int, void *);
	int (*last_errno)(void);
	int (*mount_point)(const char *, char **);
	struct cgroup *(*new_group)(const char *);
	struct cgroup_controller *(*add_controller)(struct cgroup *, const char *);
	int (*add_value)(struct cgroup_controller *, const char *, const char *);
	void (*free_group)(struct cgroup **);
	int (*create)(struct cgroup *, int);
	int (*modify)(struct cgroup *);
	int (*remove)(struct cgroup *, int);
	int (*read_procs)(char *, char *, pid_t **, int *);
	int (*walk_begin)(const char *, const char *, int, void **, struct cgroup_file_info *,
	                  int *);
	int (*walk_flags)(void **, int);
	int (*walk_next)(int, void **, struct cgroup_file_info *, int);
	int (*walk_end)(void **);
};

/* The comparison compiles only when the member has the type of the function in the header. */
#define FUNCTION(name, member)                                                                     \
	{                                                                                          \
#name, offsetof(struct library, member) +                                          \
			       0 * sizeof(((struct library *)NULL)->member == (name))              \
	}

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
	FUNCTION(cgroup_init, init),
	FUNCTION(cgroup_set_logger, set_logger),
	FUNCTION(cgroup_get_last_errno, last_errno),
	FUNCTION(cgroup_get_subsys_mount_point, mount_point),
	FUNCTION(cgroup_new_cgroup, new_group),
	FUNCTION(cgroup_add_controller, add_controller),
	FUNCTION(cgroup_add_value_string, add_value),
	FUNCTION(cgroup_free, free_group),
	FUNCTION(cgroup_create_cgroup, create),
	FUNCTION(cgroup_modify_cgroup, modify),
	FUNCTION(cgroup_delete_cgroup_ext, remove),
	FUNCTION(cgroup_get_procs, read_procs),
	FUNCTION(cgroup_walk_tree_begin, walk_begin),
	FUNCTION(cgroup_walk_tree_set_flags, walk_flags),
	FUNCTION(cgroup_walk_tree_next, walk_next),
	FUNCTION(cgroup_walk_tree_end, walk_end),
};

/* What it has to say would stand before our answer. */
static void discard(void *userdata, int level, const char *format, va_list args)
{
	(void)userdata;
	(void)level;
	(void)format;
	(void)args;
}

static int fill(struct library *lib, const char **ret_why)
{
	for (size_t i = 0; !lib->handle && i < ARRAY_SIZE(library_names); i++)
		lib->handle = dlopen(library_names[i], RTLD_NOW | RTLD_LOCAL);
	if (!lib->handle) {
		*ret_why = "libcgroup, which limits in cgroup v1 hierarchies are set with, is not "
			   "installed (Debian's package libcgroup2 or libcgroup3)";
		return -ENOENT;
	}
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		void *address = dlsym(lib->handle, functions[i].name);

		if (!address) {
			*ret_why = "the libcgroup of this system lacks functions: it is too old";
			return -ENOSYS;
		}
		memcpy((char *)lib + functions[i].offset, (const void *)&address, sizeof(address));
	}
	lib->set_logger(discard, CGROUP_LOG_ERROR, NULL);
	if (lib->init() != 0) {
		*ret_why = "libcgroup finds no control groups on this system";
		return -ENODEV;
	}
	return 0;
}

void legacy_unload(struct library **lib)
{
	if (*lib && (*lib)->handle)
		(void)dlclose((*lib)->handle);
	free(*lib);
	*lib = NULL;
}

int legacy_load(struct library **ret, const char **ret_why)
{
	struct library *lib = calloc(1, sizeof(*lib));
	int r = -ENOMEM;

	*ret_why = "no memory";
	if (lib)
		r = fill(lib, ret_why);
	if (r < 0)
		legacy_unload(&lib);
	*ret = lib;
	return r;
}

/* --- What it says --- */

/* The library's own codes to those of the system. */
static int error_of(const struct library *lib, int code)
{
	int saved = errno;

	switch (code) {
	case 0:
		return 0;
	case ECGOTHER:
		return lib->last_errno() > 0 ? -lib->last_errno() : -EIO;
	case ECGROUPVALUENOTEXIST:
		return -ENOENT;
	case ECGROUPNOTOWNER:
	case ECGROUPNOTALLOWED:
		return -EPERM;
	case ECGROUPSUBSYSNOTMOUNTED:
		return -ENODEV;
	case ECGNONEMPTY:
		return -EBUSY;
	default:
		return saved > 0 ? -saved : -EIO;
	}
}

int legacy_mount_point(const struct library *lib, const char *controller, char **ret)
{
	errno = 0;
	return error_of(lib, lib->mount_point(controller, ret));
}

/* --- Groups --- */

/* One group with one controller; null: no memory, or the library refuses the name. */
static struct cgroup *group_of(const struct library *lib, const char *controller, const char *path,
                               struct cgroup_controller **ret)
{
	struct cgroup *group = lib->new_group(path);

	if (!group)
		return NULL;
	*ret = lib->add_controller(group, controller);
	if (!*ret)
		lib->free_group(&group);
	return group;
}

int legacy_make(const struct library *lib, const char *controller, const char *path)
{
	struct cgroup_controller *in = NULL;
	struct cgroup *group = group_of(lib, controller, path, &in);

	if (!group)
		return -ENOMEM;
	errno = 0;

	int r = error_of(lib, lib->create(group, 1));

	lib->free_group(&group);
	return r;
}

/* The library reports success for a group that was too full to be removed. */
static bool is_there(const struct library *lib, const char *controller, const char *path)
{
	char *mount = NULL;
	bool there = true;

	if (lib->mount_point(controller, &mount) == 0) {
		scoped_str full = str_format("%s%s", mount, path);

		there = !full || access(full, F_OK) == 0;
	}
	free(mount);
	return there;
}

int legacy_remove_group(const struct library *lib, const char *controller, const char *path)
{
	struct cgroup_controller *in = NULL;

	if (!is_there(lib, controller, path))
		return 0;

	struct cgroup *group = group_of(lib, controller, path, &in);

	if (!group)
		return -ENOMEM;
	errno = 0;

	int r = error_of(lib, lib->remove(group, CGFLAG_DELETE_EMPTY_ONLY));

	lib->free_group(&group);
	if (!is_there(lib, controller, path))
		return 0;
	return r < 0 ? r : -EBUSY;
}

/* From the bottom up; what lies in a group stays there, so that a group in use is an error. */
int legacy_remove_tree(const struct library *lib, const char *controller, const char *path)
{
	struct cgroup_file_info info = {0};
	char *mount = NULL;
	void *walk = NULL;
	int base = 0;

	if (!is_there(lib, controller, path))
		return 0;

	int r = legacy_mount_point(lib, controller, &mount);
	int more = r < 0 ? ECGEOF : lib->walk_begin(controller, path, 0, &walk, &info, &base);

	if (more == 0)
		more = lib->walk_flags(&walk, CGROUP_WALK_TYPE_POST_DIR);
	while (more == 0 && r == 0) {
		size_t length = strlen(mount);

		if (info.type == CGROUP_FILE_TYPE_DIR && info.full_path &&
		    str_starts(info.full_path, mount) && strlen(info.full_path) > length + 1)
			r = legacy_remove_group(lib, controller, info.full_path + length);
		if (r == 0)
			more = lib->walk_next(0, &walk, &info, base);
	}
	if (walk)
		(void)lib->walk_end(&walk);
	free(mount);
	return r < 0 ? r : legacy_remove_group(lib, controller, path);
}

int legacy_count_processes(const struct library *lib, const char *controller, const char *path)
{
	scoped_str group = strdup(path);
	scoped_str hierarchy = strdup(controller);
	pid_t *pids = NULL;
	int count = 0;

	if (!group || !hierarchy)
		return -ENOMEM;
	errno = 0;

	int r = error_of(lib, lib->read_procs(group, hierarchy, &pids, &count));

	free(pids);
	return r < 0 ? r : count;
}

/* --- Values --- */

int legacy_write(const struct library *lib, const char *controller, const char *path,
                 const char *file, const char *value)
{
	struct cgroup_controller *in = NULL;
	struct cgroup *group = group_of(lib, controller, path, &in);

	if (!group)
		return -ENOMEM;
	errno = 0;

	int r = error_of(lib, lib->add_value(in, file, value));

	if (r == 0)
		r = error_of(lib, lib->modify(group));
	lib->free_group(&group);
	return r;
}

/* Not by the library, whose versions differ in how they are asked for a value. */
int legacy_read(const struct library *lib, const char *controller, const char *path,
                const char *file, char *ret, size_t size)
{
	char *mount = NULL;
	int r = legacy_mount_point(lib, controller, &mount);
	scoped_str full = r < 0 ? NULL : str_format("%s%s/%s", mount, path, file);
	struct error why;

	free(mount);
	if (r < 0 || !full)
		return r < 0 ? r : -ENOMEM;
	if (file_read_kernel(AT_FDCWD, full, ret, size, &why) < 0)
		return -why.code;
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}
