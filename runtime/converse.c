/* The host's half of the sync protocol (sync.h) while a container is made and started. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "namespaces/user.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/hooks.h"
#include "runtime/sync.h"

static const char peer[] = "init";

/* --- HOST_READY --- */

static int prepare_mapped(struct creation *creation, struct error *err)
{
	struct init_plan *plan = &creation->plan;
	char path[32];

	if (!rootfs_wants_mapped(plan->rootfs))
		return 0;
	(void)snprintf(path, sizeof(path), "%d/ns/user", creation->init.pid);

	scoped_fd namespace = openat(plan->proc_fd, path, O_RDONLY | O_CLOEXEC);

	if (namespace < 0)
		return error_errno(err, "open user namespace of init");
	return rootfs_prepare_mapped(plan->rootfs, namespace, err);
}

/* The namespace that is made or joined: init itself may not have entered the latter yet. */
static int open_network_namespace(const struct creation *creation, struct error *err)
{
	const struct namespace_plan *namespaces = &creation->plan.namespaces;
	char path[32];
	int fd;

	for (unsigned int i = 0; i < namespaces->join_count; i++) {
		if (namespaces->joins[i].type == NAMESPACE_NETWORK) {
			fd = fcntl(namespaces->joins[i].fd, F_DUPFD_CLOEXEC, 3);
			return fd < 0 ? error_errno(err, "network namespace") : fd;
		}
	}
	(void)snprintf(path, sizeof(path), "%d/ns/net", creation->init.pid);
	fd = openat(creation->plan.proc_fd, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "open network namespace of init") : fd;
}

static int move_net_devices(struct creation *creation, struct error *err)
{
	const struct spec_linux *linux_spec = &creation->plan.spec->linux;

	if (linux_spec->net_device_count == 0)
		return 0;

	scoped_fd netns = open_network_namespace(creation, err);

	if (netns < 0)
		return netns;
	return net_devices_move(linux_spec->net_devices, linux_spec->net_device_count, netns,
	                        &creation->net_devices, err);
}

/* Before init starts anything: what it starts later is born into its class of service. */
static int join_resctrl(const struct creation *creation, struct error *err)
{
	return creation->resctrl.group ? resctrl_add(&creation->resctrl, creation->init.pid, err)
	                               : 0;
}

static int send_host_ready(struct creation *creation, struct error *err)
{
	struct init_plan *plan = &creation->plan;
	const struct spec_linux *linux_spec = &plan->spec->linux;
	int r = 0;

	if (!plan->needs_host)
		return 0;
	if (plan->new_user_namespace)
		r = user_write_maps(plan->proc_fd, creation->init.pid, &linux_spec->uid_mappings,
		                    &linux_spec->gid_mappings, err);
	/* Raising a limit takes rights on the host, which a process in the namespace does not have. */
	if (r == 0 && plan->user_namespace && plan->lockdown)
		r = lockdown_apply_limits(plan->lockdown, creation->init.pid, err);
	if (r == 0)
		r = prepare_mapped(creation, err);
	if (r == 0)
		r = move_net_devices(creation, err);
	if (r == 0)
		r = join_resctrl(creation, err);
	if (r < 0)
		return r;
	return sync_send_step(plan->sync_fds[0], SYNC_HOST_READY, err);
}

/* --- Hooks before the pivot --- */

int creation_run_hooks(const struct creation *creation, enum container_status status,
                       enum spec_hook_kind kind, struct error *err)
{
	return container_run_hooks(creation->entry.store, &creation->record, creation->plan.spec,
	                           status, kind, err);
}

static int converse_hooks(struct creation *creation, struct error *err)
{
	struct init_plan *plan = &creation->plan;

	if (!plan->hooks_before_pivot)
		return 0;

	int r = sync_expect(plan->sync_fds[0], SYNC_MOUNTS_READY, peer, NULL, err);

	if (r < 0)
		return r;
	creation->hooks_begun = true;
	r = creation_run_hooks(creation, STATUS_CREATING, HOOK_PRESTART, err);
	if (r == 0)
		r = creation_run_hooks(creation, STATUS_CREATING, HOOK_CREATE_RUNTIME, err);
	if (r < 0)
		return r;

	scoped_str state = container_hook_state(&creation->record, STATUS_CREATING);

	if (!state)
		return error_code(err, ENOMEM, "state for hooks");
	return sync_send(plan->sync_fds[0],
	                 &(struct sync_message){
				 .step = SYNC_HOOKS_DONE,
				 .payload = state,
				 .size = plan->state_buffer ? strlen(state) : 0,
			 },
	                 err);
}

int creation_converse(struct creation *creation, struct error *err)
{
	struct sync_reply reply = {.fds = &creation->console, .fd_capacity = 1};
	int r = creation_fill_record(creation, err);

	if (r == 0)
		r = send_host_ready(creation, err);
	if (r == 0)
		r = converse_hooks(creation, err);
	if (r == 0)
		r = sync_expect(creation->plan.sync_fds[0], SYNC_CREATED, peer, &reply, err);
	if (r == 0)
		creation->hooks_begun = true;
	return r;
}

static int send_start(const struct creation *creation, struct error *err)
{
	const struct init_plan *plan = &creation->plan;
	scoped_str state = NULL;

	if (plan->state_buffer) {
		state = container_hook_state(&creation->record, STATUS_CREATED);
		if (!state)
			return error_code(err, ENOMEM, "state for hooks");
	}

	struct sync_message start = {
		.step = SYNC_START,
		.payload = state,
		.size = state ? strlen(state) : 0,
	};

	return sync_send(plan->sync_fds[0], &start, err);
}

int creation_start(struct creation *creation, struct error *err)
{
	int r = send_start(creation, err);

	if (r == 0)
		r = sync_expect_exec(creation->plan.sync_fds[0], peer, err);
	return r < 0 ? r : creation_run_hooks(creation, STATUS_RUNNING, HOOK_POSTSTART, err);
}

/* --- All of it ahead --- */

bool creation_can_hurry(const struct creation *creation)
{
	const struct init_plan *plan = &creation->plan;

	/* What comes with CREATED, or must come between: a console, hooks. */
	return !plan->hooks_before_pivot && !plan->spec->process.terminal;
}

int creation_hurry(struct creation *creation, struct error *err)
{
	int r = creation_fill_record(creation, err);

	if (r == 0)
		r = send_host_ready(creation, err);
	return r < 0 ? r : creation_commit(creation, err);
}

int creation_hurry_start(struct creation *creation, struct error *err)
{
	const int fd = creation->plan.sync_fds[0];
	int r = send_start(creation, err);

	/* It may have failed by now, which it has said then. */
	if (r < 0 && r != -EPIPE)
		return r;
	sync_await_end(fd);
	r = sync_expect(fd, SYNC_CREATED, peer, NULL, err);
	if (r < 0)
		return r;
	creation->hooks_begun = true;
	r = sync_expect_exec(fd, peer, err);
	return r < 0 ? r : creation_run_hooks(creation, STATUS_RUNNING, HOOK_POSTSTART, err);
}
