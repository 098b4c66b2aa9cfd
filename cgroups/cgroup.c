#include "cgroups/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/path.h"

static int disabled_plan(const struct cgroup_request *request, struct cgroup *group,
                         struct error *err)
{
	(void)request;
	if (group->limits.count > 0)
		return error_set(
			err, ENOTSUP,
			"%s: there are no limits without a cgroup (--cgroup-manager disabled)",
			group->limits.items[0].property);
	return 0;
}

const struct driver driver_disabled = {.name = "disabled", .plan = disabled_plan};

static const struct driver *const drivers[] = {
	[CGROUP_DRIVER_CGROUPFS] = &driver_cgroupfs,
	[CGROUP_DRIVER_SYSTEMD] = &driver_systemd,
	[CGROUP_DRIVER_DISABLED] = &driver_disabled,
};

int cgroup_driver_parse(const char *word, enum cgroup_driver *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		if (str_equal(word, drivers[i]->name)) {
			*ret = (enum cgroup_driver)i;
			return 0;
		}
	}
	return -EINVAL;
}

const char *cgroup_driver_name(enum cgroup_driver driver)
{
	return drivers[driver]->name;
}

/* --- The handle --- */

static struct cgroup *cgroup_new(enum cgroup_driver driver)
{
	struct cgroup *group = calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->driver = drivers[driver];
	group->location.driver = driver;
	group->dirfd = -1;
	group->placeholder = (struct process){.pidfd = -1};
	return group;
}

void cgroup_free(struct cgroup **group)
{
	int saved = errno;

	if (*group) {
		fd_close(&(*group)->dirfd);
		process_done(&(*group)->placeholder);
		arena_done(&(*group)->arena);
		free(*group);
		*group = NULL;
	}
	errno = saved;
}

static struct cgroup *cgroup_take(struct cgroup **group)
{
	struct cgroup *taken = *group;

	*group = NULL;
	return taken;
}

const struct cgroup_location *cgroup_locate(const struct cgroup *group)
{
	return &group->location;
}

int cgroup_dirfd(const struct cgroup *group)
{
	return group->dirfd;
}

/* --- Plan, create, undo, destroy --- */

/* What cgroup v2 does not have may be had in a v1 hierarchy: that is looked into only then. */
static int plan_limits(struct cgroup *group, const struct cgroup_request *request,
                       struct error *err)
{
	struct error refused;

	if (limits_plan(request->resources, &group->arena, &group->limits, &refused) == 0)
		return 0;
	group->refused = refused.code == ENOTSUP && group->driver == &driver_cgroupfs;
	if (group->refused)
		return 0;
	*err = refused;
	return -refused.code;
}

int cgroup_plan(const struct cgroup_request *request, struct cgroup **ret, struct error *err)
{
	scoped_cgroup group = cgroup_new(request->driver);

	if (!group)
		return error_code(err, ENOMEM, "cgroup");
	if (plan_limits(group, request, err) < 0)
		return -err->code;
	if (request->driver != CGROUP_DRIVER_DISABLED &&
	    devices_plan(request->resources, &group->arena, &group->devices, err) < 0)
		return -err->code;
	if (request->pin_dir) {
		group->pin_dir = arena_strdup(&group->arena, request->pin_dir);
		if (!group->pin_dir)
			return error_code(err, ENOMEM, "cgroup");
	}
	group->note = request->note;
	group->note_context = request->note_context;
	group->delegate = request->delegate;
	group->owner_uid = request->owner_uid;
	group->owner_gid = request->owner_gid;
	if (group->driver->plan(request, group, err) < 0)
		return -err->code;
	*ret = cgroup_take(&group);
	return 0;
}

void cgroup_undo(struct cgroup *group)
{
	if (group->driver->undo)
		group->driver->undo(group);
	fd_close(&group->dirfd);
}

int cgroup_create(struct cgroup *group, struct error *err)
{
	int r = group->driver->create ? group->driver->create(group, err) : 0;

	if (r < 0)
		cgroup_undo(group);
	return r;
}

int cgroup_settle(struct cgroup *group, struct error *err)
{
	return group->driver->settle ? group->driver->settle(group, err) : 0;
}

int cgroup_destroy(struct cgroup *group, struct error *err)
{
	return group->driver->destroy ? group->driver->destroy(group, err) : 0;
}

/* --- A group that exists --- */

/* Only a group above ours can have been made for ours. */
static bool is_above(const char *above, const char *path)
{
	size_t size = strlen(above);

	return size > 1 && *above == '/' && strncmp(path, above, size) == 0 && path[size] == '/';
}

static int copy_location(struct cgroup *group, const struct cgroup_location *location,
                         struct error *err)
{
	if (!location->mount || !location->path || *location->mount != '/')
		return error_set(err, EINVAL, "the record of the cgroup is incomplete");
	if (path_check(location->path, err) < 0)
		return -err->code;
	group->location.path = arena_strdup(&group->arena, location->path);
	if (location->scope)
		group->location.scope = arena_strdup(&group->arena, location->scope);
	if (location->made && is_above(location->made, group->location.path))
		group->location.made = arena_strdup(&group->arena, location->made);
	if (!group->location.path || (location->scope && !group->location.scope))
		return error_code(err, ENOMEM, "cgroup");
	if (unified_set_place(group, location->mount, err) < 0)
		return -err->code;
	return legacy_parse(group, location->legacy, err);
}

int cgroup_sweep(const struct cgroup_location *location, struct error *err)
{
	if (location->driver == CGROUP_DRIVER_DISABLED || !location->legacy)
		return 0;

	scoped_cgroup group = cgroup_new(location->driver);

	if (!group)
		return error_code(err, ENOMEM, "cgroup");
	return copy_location(group, location, err) < 0 ? -err->code : legacy_remove(group, err);
}

int cgroup_open(const struct cgroup_location *location, struct cgroup **ret, struct error *err)
{
	scoped_cgroup group = cgroup_new(location->driver);

	if (!group)
		return error_code(err, ENOMEM, "cgroup");
	if (location->driver == CGROUP_DRIVER_DISABLED) {
		*ret = cgroup_take(&group);
		return 0;
	}
	if (copy_location(group, location, err) < 0 || !group->full)
		return -err->code;
	group->dirfd = fd_open(group->full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (group->dirfd < 0 && errno == ENOENT) {
		/* Its creation may have been interrupted on the way down. */
		unified_remove_parents(group);
		return -ENOENT;
	}
	if (group->dirfd < 0)
		return error_errno(err, "open the cgroup %s", group->full);
	/* A damaged record must not make us signal or remove what is no group. */
	if (!layout_is_unified(group->dirfd))
		return error_set(err, EINVAL, "%s is not in a cgroup v2 file system", group->full);
	*ret = cgroup_take(&group);
	return 0;
}

void cgroup_withdraw(const struct cgroup_location *location)
{
	scoped_cgroup group = cgroup_new(location->driver);
	struct error err;

	if (!group || !group->driver->withdraw)
		return;
	if (copy_location(group, location, &err) < 0)
		log_write(LOG_LEVEL_DEBUG, "%s", err.text);
	else
		group->driver->withdraw(group);
}
