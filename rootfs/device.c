/*
 * The host's half of device nodes: the default ones (config-linux.md "Default Devices"), those of
 * linux.devices, and the usual links.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mount_api.h"
#include "base/str.h"
#include "rootfs/path.h"
#include "rootfs/plan.h"

static const struct {
	const char *name;
	unsigned int major;
	unsigned int minor;
} nodes[] = {
	{"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
	{"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static const struct {
	const char *name;
	const char *target;
	bool replace;
} links[] = {
	{"/dev/fd", "/proc/self/fd", false},       {"/dev/stdin", "/proc/self/fd/0", false},
	{"/dev/stdout", "/proc/self/fd/1", false}, {"/dev/stderr", "/proc/self/fd/2", false},
	{"/dev/core", "/proc/kcore", false},       {"/dev/ptmx", "pts/ptmx", true},
};

static bool is_direct(const char *path)
{
	return str_starts(path, "dev/") && !strchr(path + 4, '/');
}

/* The step for `path`: the one there is, which is then changed, or a new one at the end. */
static struct device_step *step_for(struct rootfs_plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->device_count; i++)
		if (!strcmp(plan->devices[i].path, path))
			return &plan->devices[i];
	return &plan->devices[plan->device_count++];
}

static int add(struct rootfs_plan *plan, const struct device_step *wanted, struct error *err)
{
	char *path = arena_strdup(&plan->arena, wanted->name);
	struct device_step *step;

	if (!path)
		return error_code(err, ENOMEM, "prepare the devices");
	path_clean(path);
	step = step_for(plan, path);
	*step = *wanted;
	step->path = path;
	step->tree = -1;
	return 0;
}

static int add_defaults(struct rootfs_plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(nodes); i++)
		r = add(plan,
		        &(struct device_step){.name = nodes[i].name,
		                              .mode = S_IFCHR | 0666,
		                              .device = makedev(nodes[i].major, nodes[i].minor)},
		        err);
	for (size_t i = 0; !r && i < ARRAY_SIZE(links); i++)
		r = add(plan,
		        &(struct device_step){.name = links[i].name,
		                              .target = links[i].target,
		                              .replace = links[i].replace},
		        err);
	return r;
}

static int add_configured(struct rootfs_plan *plan, const struct spec_device *d, bool direct,
                          struct error *err)
{
	mode_t type = d->type == 'b' ? S_IFBLK : d->type == 'p' ? S_IFIFO : S_IFCHR;
	mode_t mode = d->file_mode.set ? (mode_t)(d->file_mode.value & 07777) : 0666;
	struct device_step step = {
		.name = d->path,
		.mode = type | mode,
		.device = type == S_IFIFO ? 0 : makedev(d->major, d->minor),
		.uid = d->uid,
		.gid = d->gid,
	};
	char *path = arena_strdup(&plan->arena, d->path);

	if (!path)
		return error_code(err, ENOMEM, "prepare the devices");
	path_clean(path);
	return is_direct(path) == direct ? add(plan, &step, err) : 0;
}

/* In a user namespace a node made there cannot be opened: the host's own is mounted instead. */
static int prepare_bind(struct rootfs_plan *plan, struct device_step *step, struct error *err)
{
	if (step->target || S_ISFIFO(step->mode))
		return 0;
	step->bind = true;
	step->tree = device_clone(step->name, step->mode, step->device, 0, err);
	if (step->tree == -EPERM) {
		plan->clone_in_child = true;
		step->tree = -1;
	}
	return step->tree == -1 || step->tree >= 0 ? 0 : error_wrap(err, "device %s", step->name);
}

int devices_prepare(struct rootfs_plan *plan, const struct rootfs_request *request,
                    struct error *err)
{
	const struct spec_linux *spec = &request->spec->linux;
	size_t room = ARRAY_SIZE(nodes) + ARRAY_SIZE(links) + spec->device_count;
	int r;

	plan->devices = arena_alloc(&plan->arena, room, sizeof(*plan->devices));
	if (!plan->devices)
		return error_code(err, ENOMEM, "prepare the devices");
	r = add_defaults(plan, err);
	for (size_t i = 0; !r && i < spec->device_count; i++)
		r = add_configured(plan, &spec->devices[i], true, err);
	plan->direct_device_count = plan->device_count;
	for (size_t i = 0; !r && i < spec->device_count; i++)
		r = add_configured(plan, &spec->devices[i], false, err);
	for (size_t i = 0; !r && request->user_namespace && i < plan->device_count; i++)
		r = prepare_bind(plan, &plan->devices[i], err);
	return r;
}
