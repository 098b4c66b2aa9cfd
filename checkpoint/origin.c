#include "checkpoint/origin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "rootfs/path.h"

/* In the nodes of the source, as long as the clones are being made. */
#define TEMPORARY "+clone"

void origin_done(struct origin *origin)
{
	struct error failure;

	fd_close(&origin->layer_fd);
	if (origin->temporary) {
		session_node_remove(&origin->session.disk, TEMPORARY);
		if (disk_sweep(origin->session.disk.store_fd, &failure) < 0)
			log_write(LOG_LEVEL_WARNING, "clone: %s", failure.text);
	}
	disk_done(&origin->disk);
	session_done(&origin->session);
}

/* --- Of a snapshot or a template --- */

static int take_node(struct origin *origin, const struct disk_node *node, struct error *err)
{
	int r = session_node_path(&origin->disk, node->name, "/" CONFIG_NAME, origin->config, err);

	origin->source = &origin->disk;
	origin->layers = node->layers;
	origin->bundle = node->bundle;
	return r < 0 || !node->memory ? r
	                              : session_node_path(&origin->disk, node->name,
	                                                  "/" DISK_MEMORY_NAME, origin->image, err);
}

static int open_template(struct origin *origin, const char *name,
                         const struct clone_options *options, struct error *err)
{
	int r = template_open(options->store_path, name, &origin->disk, err);

	if (r == 0 && str_equal(origin->disk.record.nodes[0].method, TEMPLATE_OF_SANDBOX))
		return error_set(err, EINVAL,
		                 "template %s is a sandbox's: sandbox --template starts from it",
		                 name);
	return r < 0 ? r : take_node(origin, &origin->disk.record.nodes[0], err);
}

static int open_node(struct origin *origin, struct store *store, const char *source,
                     const struct clone_options *options, struct error *err)
{
	const struct disk_node *node;
	int r = snapshot_look(store, source, options->store_path, &origin->disk, err);

	if (r < 0)
		return r;
	node = disk_record_find(&origin->disk.record, options->from);
	return node ? take_node(origin, node, err)
	            : error_set(err, ENOENT, "snapshot %s does not exist", options->from);
}

/* --- Of a container --- */

static int copy_upper(struct origin *origin, struct error *err)
{
	struct disk *disk = &origin->session.disk;
	struct layer_copied copied;
	char name[LAYER_NAME_SIZE];
	scoped_fd from = session_open_upper(&origin->session, err);
	scoped_fd to = -1;
	int r = from < 0
	                ? from
	                : disk_layer_make(disk, &disk->record.layers, name, &origin->layer_fd, err);

	if (r == 0)
		r = disk_list_join(disk, name, &disk->record.layers, &origin->layers, err);
	if (r < 0)
		return r;
	to = disk_layer_open(disk, name, "data", err);
	return to < 0 ? to : layer_copy(from, to, &copied, err);
}

static int on_frozen(pid_t pid unused_parameter, void *context, struct error *err)
{
	return copy_upper(context, err);
}

static int save_running(struct origin *origin, const struct clone_options *options,
                        struct error *err)
{
	struct session *session = &origin->session;
	struct checkpoint_options dump = options->checkpoint;
	int64_t frozen_ns = 0, thawed_ns = 0;
	struct error late;
	int r = session_begin(session, "clone", TEMPORARY, NULL, err);

	dump.leave_running = true;
	dump.lazy_pages = false; /* that is meant for the clones */
	dump.frozen = on_frozen;
	dump.context = origin;
	dump.ret_frozen_ns = &frozen_ns;
	dump.ret_thawed_ns = &thawed_ns;
	if (r == 0)
		r = session_save(session, TEMPORARY, &dump, origin->image, err);
	if (r == 0)
		origin->frozen_us = (uint64_t)(thawed_ns - frozen_ns) / 1000;
	if (session->disk.record.operation.verb && session_finish(session, r < 0 ? &late : err) < 0)
		return r < 0 ? r : -err->code;
	return r;
}

static int seal_stopped(struct origin *origin, struct error *err)
{
	struct session *session = &origin->session;
	scoped_fd layer = -1;
	int r;

	if (session->disk.record.foreign)
		return copy_upper(origin, err);
	r = session_await_idle(session, err);
	if (r == 0)
		r = session_rotate(session, &layer, err);
	if (r == 0)
		r = disk_write(&session->disk, err);
	origin->layers = session->disk.record.layers;
	return r;
}

static int open_container(struct origin *origin, struct store *store, const char *source,
                          const struct clone_options *options, struct error *err)
{
	struct session *session = &origin->session;
	int r = session_open(session, store, source, options->store_path, true, err);

	if (r == 0 && session->disk.record.foreign)
		r = foreign_find(session, err);
	if (r < 0)
		return r;
	origin->source = &session->disk;
	origin->bundle = session->container.record.bundle;
	origin->temporary = true;
	if (session->container.status == STATUS_CREATED)
		return error_set(err, EBUSY, "the container was not started yet");
	r = session_node_make(session, TEMPORARY, err);
	if (r == 0)
		r = session_node_path(&session->disk, TEMPORARY, "/" CONFIG_NAME, origin->config,
		                      err);
	if (r < 0)
		return r;
	return session_is_alive(session) ? save_running(origin, options, err)
	                                 : seal_stopped(origin, err);
}

int origin_open(struct origin *origin, struct store *store, const char *source,
                const struct clone_options *options, struct error *err)
{
	if (geteuid() != 0)
		return error_set(err, EPERM, "clones need root");
	if (options->template)
		return open_template(origin, source, options, err);
	return options->from ? open_node(origin, store, source, options, err)
	                     : open_container(origin, store, source, options, err);
}

/* --- Identity --- */

/* A new file in the place of what is there, whatever that is; without /etc there is nothing to be told. */
static int put_text(int etc, const char *name, const char *text, struct error *err)
{
	if (unlinkat(etc, name, 0) < 0 && errno != ENOENT)
		return error_errno(err, "/etc/%s", name);

	scoped_fd fd =
		openat(etc, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);

	if (fd < 0)
		return error_errno(err, "/etc/%s", name);

	int r = fd_write_all(fd, text, strlen(text));

	return r < 0 ? error_code(err, -r, "/etc/%s", name) : 0;
}

static int random_hex(char *ret, size_t bytes, struct error *err)
{
	unsigned char value[16];

	if (getrandom(value, bytes, 0) != (ssize_t)bytes)
		return error_errno(err, "random id");
	for (size_t i = 0; i < bytes; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", value[i]);
	return 0;
}

static bool is_there(int etc, const char *name)
{
	return faccessat(etc, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int put_all(int etc, const char *hostname, struct error *err)
{
	enum { ID_BYTES = 16 };
	char id[2 * ID_BYTES + 2];
	int r = random_hex(id, ID_BYTES, err);

	if (r == 0) {
		(void)memcpy(id + 2 * ID_BYTES, "\n", 2);
		r = put_text(etc, strrchr(GENERATION_FILE, '/') + 1, id, err);
	}
	if (r < 0 || !hostname)
		return r;
	r = random_hex(id, ID_BYTES, err);
	if (r == 0) {
		(void)memcpy(id + 2 * ID_BYTES, "\n", 2);
		r = put_text(etc, "machine-id", id, err);
	}
	if (r == 0 && is_there(etc, "hostname")) {
		scoped_str line = str_format("%s\n", hostname);

		r = line ? put_text(etc, "hostname", line, err)
		         : error_code(err, ENOMEM, "/etc/hostname");
	}
	return r;
}

int identity_write(const struct disk *disk, const char *hostname, struct error *err)
{
	scoped_disk_stack stack = DISK_STACK_NONE;
	int r = disk_stack_open(disk, &disk->record.layers, disk->record.upper, &stack, err);

	if (r < 0)
		return r;

	scoped_fd root = layer_enter_mount(&stack.stack, err);

	if (root < 0)
		return root;

	scoped_fd etc = path_try_open(root, "etc", O_RDONLY | O_DIRECTORY, 0);

	return etc < 0 ? 0 : put_all(etc, hostname, err);
}
