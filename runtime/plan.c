#include "runtime/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/sync.h"

void init_plan_done(struct init_plan *plan)
{
	namespace_plan_done(&plan->namespaces);
	cgroup_legacy_done(&plan->legacy);
	rootfs_plan_free(&plan->rootfs);
	lockdown_plan_free(&plan->lockdown);
	fd_close(&plan->proc_fd);
	fd_close(&plan->sync_fds[0]);
	fd_close(&plan->sync_fds[1]);
	fd_close(&plan->listen_fd);
	spec_free(&plan->spec);
	arena_done(&plan->arena);
}

static bool is_new(const struct spec *spec, enum spec_namespace_type type)
{
	return spec->linux.namespaces[type].set && !spec->linux.namespaces[type].path;
}

static int prepare_rootfs(struct init_plan *plan, const struct plan_request *request,
                          struct error *err)
{
	struct rootfs_request rootfs = {
		.spec = plan->spec,
		.bundle_fd = request->bundle_fd,
		.bundle_path = request->bundle_path,
		.proc_fd = plan->proc_fd,
		.user_namespace = plan->user_namespace,
		.new_mount_namespace = plan->new_mount_namespace,
		.new_cgroup_namespace = is_new(plan->spec, NAMESPACE_CGROUP),
		.new_network_namespace = is_new(plan->spec, NAMESPACE_NETWORK),
		.cgroup_fd = request->cgroup_fd,
		.no_pivot = request->no_pivot,
		.layers = request->layers,
		.layers_path = request->layers_path,
	};

	return rootfs_prepare(&rootfs, &plan->rootfs, err);
}

static int prepare_process(struct init_plan *plan, const struct plan_request *request,
                           struct error *err)
{
	const struct spec *spec = plan->spec;
	unsigned int listen_fds = program_listen_fds();
	struct lockdown_request lockdown = {
		.process = &spec->process,
		.seccomp = &spec->linux.seccomp,
		.personality = &spec->linux.personality,
		.memory_policy = &spec->linux.memory_policy,
		.user_namespace = plan->user_namespace,
		.keyring = request->new_keyring ? request->id : NULL,
		.proc_fd = plan->proc_fd,
		.cache_fd = request->cache_fd,
	};

	if (!spec->has_process)
		return 0;
	plan->kept_fds = listen_fds + request->preserve_fds;

	int r = program_prepare(&plan->arena, &spec->process, listen_fds, &plan->program, err);

	return r < 0 ? r : lockdown_prepare(&lockdown, &plan->lockdown, err);
}

/* The annotations are as in the source, but that a control character may take six bytes for two. */
size_t plan_state_limit(const struct spec *spec)
{
	enum { BESIDES = 64 * 1024 };
	size_t limit = spec->source_size > SYNC_PAYLOAD_MAX ? SYNC_PAYLOAD_MAX
	                                                    : BESIDES + 3 * spec->source_size;

	return limit < SYNC_PAYLOAD_MAX ? limit : SYNC_PAYLOAD_MAX;
}

/* Space for the texts that arrive while init runs, where nothing may be allocated. */
static int prepare_buffers(struct init_plan *plan, struct error *err)
{
	const struct spec_hook_list *hooks = plan->spec->hooks;
	bool own_hooks = hooks[HOOK_CREATE_CONTAINER].count || hooks[HOOK_START_CONTAINER].count;

	plan->hooks_before_pivot = hooks[HOOK_PRESTART].count || hooks[HOOK_CREATE_RUNTIME].count ||
	                           hooks[HOOK_CREATE_CONTAINER].count;
	plan->buffer_size = plan_state_limit(plan->spec);
	if (own_hooks)
		plan->state_buffer = arena_alloc(&plan->arena, plan->buffer_size, 1);
	if (plan->lockdown && lockdown_wants_agent_state(plan->lockdown))
		plan->agent_buffer = arena_alloc(&plan->arena, plan->buffer_size, 1);
	if ((own_hooks && !plan->state_buffer) ||
	    (plan->lockdown && lockdown_wants_agent_state(plan->lockdown) && !plan->agent_buffer))
		return error_code(err, ENOMEM, "prepare init");
	return 0;
}

int plan_build(struct init_plan *plan, const struct plan_request *request, struct error *err)
{
	const struct spec *spec = plan->spec;

	plan->reaper_fd = request->reaper_fd;
	plan->hold_fd = request->hold_fd;
	plan->landlock = request->landlock;
	plan->new_user_namespace = is_new(spec, NAMESPACE_USER);
	plan->new_mount_namespace = is_new(spec, NAMESPACE_MOUNT);
	plan->proc_fd = fd_open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (plan->proc_fd < 0)
		return error_errno(err, "open /proc");

	int r = namespaces_prepare(&spec->linux, &plan->namespaces, err);

	plan->user_namespace = plan->new_user_namespace || namespaces_join_user(&plan->namespaces);
	if (r == 0)
		r = prepare_rootfs(plan, request, err);
	if (r == 0)
		r = prepare_process(plan, request, err);
	if (r == 0)
		r = prepare_buffers(plan, err);
	if (r == 0)
		r = sync_pair(plan->sync_fds, err);
	/* With a stage: init must not speak before the stage has told of it, on the same socket. */
	if (r == 0)
		plan->needs_host = plan->user_namespace || plan->namespaces.needs_stage ||
		                   rootfs_wants_mapped(plan->rootfs) ||
		                   spec->linux.net_device_count > 0 || spec->linux.intel_rdt.set;
	return r;
}
