/* The second half of a creation: record, announcements, COMMIT. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/announce.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/foreground.h"
#include "runtime/sync.h"
#include "spec/annotations.h"

/* Only root has a name that is known without asking anybody. */
static char *format_owner(struct arena *arena)
{
	uid_t uid = geteuid();

	return uid == 0 ? arena_strdup(arena, "root") : arena_format(arena, "%u", uid);
}

int creation_fill_record(struct creation *creation, struct error *err)
{
	struct spec *spec = creation->plan.spec;
	struct arena *arena = &creation->plan.arena;
	const struct cgroup_location *group = cgroup_locate(creation->cgroup);
	char now[CLOCK_TEXT_SIZE];

	creation->record = (struct record){
		.id = creation->entry.id,
		.oci_version = spec->oci_version,
		.pid = creation->init.pid,
		.start_time = creation->start_time,
		.boot_id = creation->boot_id,
		.bundle = creation->bundle,
		.rootfs =
			arena_strdup(arena, creation->rootfs ? creation->rootfs
	                                                     : rootfs_path(creation->plan.rootfs)),
		.created = arena_strdup(arena, clock_format_now(now)),
		.owner = format_owner(arena),
		.cgroup_driver = (char *)(uintptr_t)cgroup_driver_name(group->driver),
		.cgroup_mount = (char *)(uintptr_t)group->mount,
		.cgroup_path = (char *)(uintptr_t)group->path,
		.cgroup_scope = (char *)(uintptr_t)group->scope,
		.cgroup_legacy = (char *)(uintptr_t)group->legacy,
		.detached = creation->plan.listen_fd >= 0 || creation->options->detach,
		.terminal = spec->has_process && spec->process.terminal,
		.user_namespace = creation->plan.user_namespace,
		.intel_rdt = spec->linux.intel_rdt.set,
		.callers_keyring = creation->options->no_new_keyring,
		.own_rules = creation->options->seccomp || creation->options->landlock,
		.no_process = !spec->has_process,
		.poststart = spec->hooks[HOOK_POSTSTART].count > 0,
		.poststop = spec->hooks[HOOK_POSTSTOP].count > 0,
		.annotations = spec->annotations,
		.annotation_count = spec->annotation_count,
	};
	if (!creation->record.rootfs || !creation->record.created || !creation->record.owner)
		return error_code(err, ENOMEM, "record");
	return 0;
}

static int hand_out_console(struct creation *creation, struct error *err)
{
	const struct spec_process *process = &creation->plan.spec->process;

	if (creation->console < 0)
		return 0;

	int r = announce_resize(creation->console, process->console_height, process->console_width,
	                        err);

	if (r < 0)
		return r;
	if (!creation->options->console_socket) {
		foreground_copy_size(creation->console);
		return 0;
	}
	r = announce_fd(creation->options->console_socket, creation->console, err);
	fd_close(&creation->console);
	return r;
}

/* COMMIT to an init that waits for it; the state for a seccomp agent goes along. */
static int send_commit(const struct creation *creation, struct error *err)
{
	const struct init_plan *plan = &creation->plan;
	struct state_view view = {
		.status = container_status_name(STATUS_CREATING),
		.pid = creation->init.pid,
		.record = &creation->record,
	};
	scoped_str state = NULL;

	if (plan->listen_fd < 0 && !plan->agent_buffer)
		return 0;
	if (!plan->agent_buffer)
		return sync_send_step(plan->sync_fds[0], SYNC_COMMIT, err);
	state = state_encode_seccomp(&view, plan->spec->linux.seccomp.listener_metadata);
	if (!state)
		return error_code(err, ENOMEM, "state for the seccomp agent");
	return sync_send(plan->sync_fds[0],
	                 &(struct sync_message){
				 .step = SYNC_COMMIT,
				 .payload = state,
				 .size = strlen(state),
			 },
	                 err);
}

int creation_commit(struct creation *creation, struct error *err)
{
	const struct create_options *options = creation->options;
	const char *receiver = spec_annotation(creation->plan.spec, ANNOTATION_PIDFD_RECEIVER);
	const char *pidfd_socket = options->pidfd_socket ? options->pidfd_socket : receiver;
	int r = hand_out_console(creation, err);

	if (r == 0 && creation->root)
		r = disk_root_commit(creation->root, err);
	if (r == 0)
		r = store_write_record(creation->entry.fd, &creation->record, err);
	if (r == 0 && options->pid_file) {
		r = announce_pid(options->pid_file, creation->init.pid, err);
		creation->pid_file_written = r == 0;
	}
	if (r == 0 && pidfd_socket)
		r = announce_fd(pidfd_socket, creation->init.pidfd, err);
	return r < 0 ? r : send_commit(creation, err);
}
