/* Saving a template: the run whose daemons it has. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/copy.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/str.h"
#include "checkpoint/clone.h"
#include "rootfs/layer.h"
#include "sandbox/run.h"
#include "sandbox/warm.h"

static const char node_name[] = "state";

/* --- Before it runs --- */

static int copy_init(const struct disk *disk, struct error *err)
{
	scoped_str path = NULL;
	scoped_str data = NULL;
	enum { LIMIT = 64 * 1024 * 1024 };
	size_t size = 0;
	int r = helper_find("lvm-run-init", "LVM_RUN_INIT", &path, err);

	if (r == 0)
		r = file_read(AT_FDCWD, path, LIMIT, &data, &size, err);
	return r < 0 ? r : file_write_whole(disk->fd, WARM_INIT_NAME, 0755, data, size, err);
}

int warm_save_begin(struct run *run, struct error *err)
{
	const char *name = run->options->save_template;
	struct disk *disk = &run->warm.disk;
	char store[PATH_MAX], path[PATH_MAX];
	struct error late;
	int r = disk_store_path(run->options->store_path, store, err);

	if (r == 0)
		r = disk_path(store, DISK_TEMPLATE, name, path, err);
	if (r == 0)
		r = disk_make(path, disk, err);
	if (r == -EEXIST)
		return error_set(err, EEXIST, "template %s exists", name);
	if (r < 0)
		return r;
	/* The record last: without it there is none. */
	run->warm.begun = true;
	(void)!layer_remove(disk->fd, DISK_NODES_NAME, &late);
	if (mkdirat(disk->fd, DISK_NODES_NAME, 0700) < 0 ||
	    mkdirat(disk->fd, DISK_NODES_NAME "/state", 0700) < 0 ||
	    mkdirat(disk->fd, WARM_LAYERS_NAME, 0700) < 0)
		return error_errno(err, "template");
	return copy_init(disk, err);
}

/* --- Running --- */

char **warm_command(struct run *run)
{
	char **command = run->options->command;
	size_t count = 0;

	while (command[count])
		count++;

	char **ret = arena_alloc(&run->view.arena, count + 2, sizeof(*ret));

	if (!ret)
		return NULL;
	ret[0] = arena_format(&run->view.arena, "%s", WARM_INIT_TARGET);
	memcpy(ret + 1, command, (count + 1) * sizeof(*ret));
	return ret[0] ? ret : NULL;
}

/* Pid 1 gets its end as standard input. */
int warm_save_launch(struct run *run, const struct create_options *create, struct launch **ret,
                     struct error *err)
{
	struct create_options options = *create;
	int ends[2];

	fd_close(&run->warm.control); /* of a launch before, without success */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socket to init");
	run->warm.control = ends[0];

	scoped_fd theirs = ends[1];
	scoped_fd ours = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (ours < 0 || dup2(theirs, STDIN_FILENO) < 0)
		return error_errno(err, "socket to init");
	options.plain = true;
	options.landlock = NULL;

	int r = container_launch(run->store, &options, ret, err);

	return dup2(ours, STDIN_FILENO) < 0 ? error_errno(err, "standard input") : r;
}

/* --- Saving --- */

/* The processes stand still: what they have written is of the same moment. */
static int save_layers(pid_t pid unused_parameter, void *context, struct error *err)
{
	const struct run *run = context;

	for (size_t i = 0; i < run->view.mount_count; i++) {
		const char *layer = warm_layer(&run->view.mounts[i]);
		struct layer_copied copied;
		char name[sizeof(WARM_LAYERS_NAME) + 24];

		if (!layer)
			continue;
		(void)snprintf(name, sizeof(name), WARM_LAYERS_NAME "/%zu", i);
		if (mkdirat(run->warm.disk.fd, name, 0700) < 0)
			return error_errno(err, "template: %s", name);

		scoped_fd from = open(layer, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		scoped_fd to = openat(run->warm.disk.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (from < 0 || to < 0)
			return error_errno(err, "template: layer of %s",
			                   run->view.mounts[i].target);
		if (layer_copy(from, to, &copied, err) < 0)
			return error_wrap(err, "template: layer of %s", run->view.mounts[i].target);
	}
	return 0;
}

/* What it says last is that it has let go of the socket, which nobody could restore. */
static int await_detached(const struct run *run, struct error *err)
{
	enum { PATIENCE_MS = 30000 };
	struct pollfd end = {.fd = run->warm.control, .events = POLLIN};
	char byte;
	int r = poll(&end, 1, PATIENCE_MS);

	if (r < 0)
		return error_errno(err, "wait for pid 1");
	if (r == 0 || read(run->warm.control, &byte, 1) != 0)
		return error_set(err, EPROTO, "pid 1 does not let go of its socket");
	return 0;
}

static int save_processes(struct run *run, struct error *err)
{
	scoped_str path = str_format("%s/" DISK_NODES_NAME "/%s/" DISK_MEMORY_NAME,
	                             run->warm.disk.path, node_name);
	const struct checkpoint_options options = {
		.image_path = path,
		.tcp_established = true,
		.lock = CRIU_LOCK_SKIP, /* both ends are in there, and stand still */
		.frozen = save_layers,
		.context = run,
	};

	return path ? checkpoint_dump(run->store, run->id, &options, err)
	            : error_code(err, ENOMEM, "template");
}

static int write_record(struct run *run, struct error *err)
{
	scoped_str text = warm_record_write(run);

	return text ? file_write_whole(run->warm.disk.fd, WARM_RECORD_NAME, 0600, text,
	                               strlen(text), err)
	            : error_code(err, ENOMEM, "template");
}

/* As of other templates; the bundle is gone by now, and what `list` has instead is the command. */
static int fill_record(struct run *run, struct error *err)
{
	struct disk *disk = &run->warm.disk;
	struct disk_node *node = arena_alloc(&disk->arena, 1, sizeof(*node));
	char now[CLOCK_TEXT_SIZE];
	struct strbuf words = {0};

	for (char **word = run->options->command; *word; word++) {
		strbuf_adds(&words, word == run->options->command ? "" : " ");
		strbuf_add_escaped(&words, *word);
	}

	scoped_str command = strbuf_take(&words);

	if (!node || !command)
		return error_code(err, ENOMEM, "template");
	disk->record.keep = true;
	disk->record.nodes = node;
	disk->record.node_count = 1;
	disk->record.id = arena_strdup(&disk->arena, run->options->save_template);
	*node = (struct disk_node){
		.name = arena_strdup(&disk->arena, node_name),
		.method = arena_strdup(&disk->arena, TEMPLATE_OF_SANDBOX),
		.created = arena_strdup(&disk->arena, clock_format_now(now)),
		.bundle = arena_strdup(&disk->arena, command),
		.memory = true,
	};
	if (!disk->record.id || !node->name || !node->method || !node->created || !node->bundle)
		return error_code(err, ENOMEM, "template");
	return 0;
}

int warm_save(struct run *run, struct error *err)
{
	int r;

	if (run->watch.stop != WATCH_NONE || run->watch.status != 0) {
		log_write(LOG_LEVEL_WARNING,
		          "sandbox: template %s was not saved: the command has not ended with 0",
		          run->options->save_template);
		return 0;
	}
	r = await_detached(run, err);
	if (r == 0)
		r = write_record(run, err);
	if (r == 0)
		r = save_processes(run, err);
	if (r == 0)
		r = fill_record(run, err);
	if (r == 0)
		r = disk_write(&run->warm.disk, err);
	if (r < 0)
		return error_wrap(err, "option --save-template %s", run->options->save_template);
	run->warm.begun = false;
	return 0;
}
