/* Starting from a template: its processes come back, and the command is brought in to them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/sys.h"
#include "checkpoint/clone.h"
#include "rootfs/layer.h"
#include "sandbox/run.h"
#include "sandbox/warm.h"

int warm_start_begin(struct run *run, struct error *err)
{
	const char *name = run->options->template;
	struct disk *disk = &run->warm.disk;
	int r = template_open(run->options->store_path, name, disk, err);

	if (r == 0 && !str_equal(disk->record.nodes[0].method, TEMPLATE_OF_SANDBOX))
		r = error_set(err, EINVAL,
		              "template %s is one of containers: clone --template starts it", name);
	return r;
}

static int compare(const struct run *run, struct error *err)
{
	enum { LIMIT = 16 * 1024 * 1024 };
	scoped_str saved = NULL;
	scoped_str now = warm_record_write(run);
	size_t size = 0;
	int r = file_read(run->warm.disk.fd, WARM_RECORD_NAME, LIMIT, &saved, &size, err);

	if (r == 0 && !now)
		r = error_code(err, ENOMEM, "template");
	return r < 0 ? r : warm_record_compare(saved, now, err);
}

static int fill_layer(const struct run *run, size_t index, const char *layer, struct error *err)
{
	struct layer_copied copied;
	char name[sizeof(WARM_LAYERS_NAME) + 24];

	(void)snprintf(name, sizeof(name), WARM_LAYERS_NAME "/%zu", index);

	scoped_fd from = openat(run->warm.disk.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_fd to = open(layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (from < 0 || to < 0)
		return error_errno(err, "layer of %s", run->view.mounts[index].target);
	return layer_copy(from, to, &copied, err);
}

/* Before anything is mounted over the layers. */
int warm_start_fill(struct run *run, struct error *err)
{
	int r = compare(run, err);

	for (size_t i = 0; r == 0 && i < run->view.mount_count; i++) {
		const char *layer = warm_layer(&run->view.mounts[i]);

		if (layer)
			r = fill_layer(run, i, layer, err);
	}
	return r < 0 ? error_wrap(err, "option --template %s", run->options->template) : 0;
}

/* --- Running --- */

static int restore(struct run *run, const struct create_options *create, struct error *err)
{
	struct create_options options = *create;
	scoped_str path = str_format("%s/" DISK_NODES_NAME "/%s/" DISK_MEMORY_NAME,
	                             run->warm.disk.path, run->warm.disk.record.nodes[0].name);
	const struct checkpoint_options checkpoint = {
		.image_path = path,
		.tcp_established = true,
		.lock = CRIU_LOCK_SKIP,
	};
	int64_t begin = clock_monotonic_ns();
	int status = 0;

	if (!path)
		return error_code(err, ENOMEM, "template");
	/* What is restored has our session keyring: an empty one. */
	if (sys_join_session_keyring(NULL) < 0 && errno != ENOSYS)
		return error_errno(err, "session keyring");
	options.detach = true;

	int r = checkpoint_restore(run->store, &options, &checkpoint, &status, err);

	run->warm.restore_us = (uint64_t)(clock_monotonic_ns() - begin) / 1000;
	return r;
}

/* What was restored runs already, and may stop the command on its way: no clock of the run goes yet. */
static int run_command(struct run *run, const struct create_options *create, struct error *err)
{
	enum { PATIENCE_MS = 30000 };
	const uint64_t limit = run->options->timeout_ms;
	const struct exec_options exec = {
		.id = run->id,
		.args = run->options->command,
		.detach = true,
		.seccomp = create->seccomp,
		.landlock = create->landlock,
		.ret_process = &run->warm.command,
		.patience_ms = limit && limit < PATIENCE_MS ? limit : PATIENCE_MS,
	};
	int status = 0;
	int r = container_exec(run->store, &exec, &status, err);

	return r == -EAGAIN ? error_set(err, ETIMEDOUT,
	                                "option --template %s: its processes keep the command "
	                                "from starting",
	                                run->options->template)
	                    : r;
}

int warm_start_launch(struct run *run, const struct create_options *create, struct launch **ret,
                      struct error *err)
{
	scoped_launch launch = NULL;
	int r = restore(run, create, err);

	if (r == 0)
		r = container_adopt(run->store, run->id, &launch, err);
	if (r < 0)
		return error_wrap(err, "option --template %s", run->options->template);
	/* That was its lock: it may go now. */
	fd_close(&run->warm.disk.fd);
	r = run_command(run, create, err);
	if (r < 0)
		return r;
	*ret = launch;
	launch = NULL;
	return 0;
}
