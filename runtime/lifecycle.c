/* create, start, run: the verbs that make a container live. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/delete.h"
#include "runtime/foreground.h"
#include "runtime/hooks.h"
#include "runtime/notify.h"
#include "runtime/sync.h"

/* --- create --- */

int container_create(struct store *store, const struct create_options *options, struct error *err)
{
	scoped_creation creation = CREATION_NONE;
	int r = creation_begin(&creation, store, options, true, err);

	if (r == 0)
		r = creation_converse(&creation, err);
	if (r == 0)
		r = creation_commit(&creation, err);
	if (r == 0)
		creation_keep(&creation);
	return r;
}

/* --- start --- */

static int connect_to_init(const struct container *container, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char directory[FD_PATH_SIZE];
	scoped_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, "socket");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
	               fd_path(container->entry.fd, directory), START_SOCKET_NAME);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		/* Started, but the command that did it was killed before it could say so. */
		if (errno == ECONNREFUSED)
			(void)unlinkat(container->entry.fd, START_SOCKET_NAME, 0);
		return error_errno(err, "cannot start: connect to init");
	}
	return fd_take(&fd);
}

/* `ret_hook_failed`: it was a startContainer hook; what comes before them in init cannot fail. */
static int tell_init(const struct container *container, bool *ret_hook_failed, struct error *err)
{
	scoped_str state = container_hook_state(&container->record, STATUS_CREATED);
	scoped_fd init = connect_to_init(container, err);

	if (init < 0)
		return init;
	if (!state)
		return error_code(err, ENOMEM, "state for hooks");

	struct sync_message start = {
		.step = SYNC_START,
		.payload = state,
		.size = strlen(state),
	};
	int r = sync_send(init, &start, err);

	if (r < 0)
		return r;
	r = sync_expect(init, SYNC_STARTING, "init", NULL, err);
	*ret_hook_failed = r < 0 && r != -EPIPE; /* killed: no word of it */
	return r < 0 ? r : sync_expect_end(init, "init", err);
}

static int run_poststart(const struct container *container, struct error *err)
{
	scoped_spec spec = NULL;

	if (!container->record.poststart)
		return 0;

	int r = container_spec(container, &spec, err);

	return r < 0 ? r
	             : container_run_hooks(container->entry.store, &container->record, spec,
	                                   STATUS_RUNNING, HOOK_POSTSTART, err);
}

/*
 * runtime.md (1.3.0), lifecycle: a startContainer or poststart hook that fails stops the container, which is
 * then destroyed as by delete.
 */
static int give_up(struct container *container, int failure)
{
	struct error err;

	container->status = STATUS_RUNNING; /* as far as is known */
	if (container_destroy(container, &err) < 0)
		log_write(LOG_LEVEL_WARNING, "start %s: destroy it after a failed hook: %s",
		          container->record.id, err.text);
	return failure;
}

/* A service manager waits for the program's word, which somebody must be there to pass on. */
static int wait_until_ready(struct container *container, const struct notify *notify,
                            struct error *err)
{
	scoped_process init = {.pidfd = -1};
	struct error ended;

	if (notify->fd < 0 || container_process(container, &init, &ended) < 0)
		return 0;
	store_entry_unlock(&container->entry);
	return notify_wait(notify, &init, err);
}

int container_start(struct store *store, const char *id, struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	scoped_notify notify = NOTIFY_NONE;
	bool hook_failed = false;
	int r = container_open(store, id, VERB_START, &container, err);

	if (r == 0 && container.record.no_process)
		r = error_set(err, EINVAL, "cannot start: process: the configuration has none");
	if (r == 0)
		r = notify_listen(container.entry.fd, &notify, err);
	if (r == 0)
		r = tell_init(&container, &hook_failed, err);
	if (r < 0)
		return hook_failed ? give_up(&container, r) : r;
	if (unlinkat(container.entry.fd, START_SOCKET_NAME, 0) < 0)
		return error_errno(err, "remove start socket");
	r = run_poststart(&container, err);
	return r < 0 ? give_up(&container, r) : wait_until_ready(&container, &notify, err);
}

/* --- run --- */

/* What is left once the program of a foreground container has ended. */
static void clean_up(struct creation *creation)
{
	struct error err;

	if (creation_destroy(creation, STATUS_STOPPED, &err) < 0)
		log_write(LOG_LEVEL_WARNING, "run %s: clean up: %s", creation->options->id,
		          err.text);
}

static int stay(struct creation *creation, struct foreground *foreground, int *ret_exit,
                struct error *err)
{
	int status = 0;

	/* Others may act on the container while we wait. */
	store_entry_unlock(&creation->entry);

	int r = foreground_wait(foreground, &creation->init, &creation->console, &status, err);

	if (r < 0)
		return r;
	/* What it said last may have come together with its end. */
	if (foreground->notify)
		(void)notify_forward(foreground->notify, 0);
	foreground_end(foreground);
	*ret_exit = process_exit_code(status);
	if (!creation->options->keep)
		clean_up(creation);
	return 0;
}

int container_run(struct store *store, const struct create_options *options, int *ret_exit,
                  struct error *err)
{
	scoped_creation creation = CREATION_NONE;
	scoped_foreground foreground = {0};
	scoped_notify notify = NOTIFY_NONE;
	int r = creation_begin(&creation, store, options, false, err);

	if (r == 0)
		r = notify_listen(creation.entry.fd, &notify, err);

	if (r == 0)
		r = creation_converse(&creation, err);
	if (r == 0)
		r = creation_commit(&creation, err);
	/* Not earlier: until there is a program to forward signals to, they end this command. */
	if (r == 0 && !options->detach)
		r = foreground_begin(&foreground, err);
	if (r == 0 && !options->detach) {
		foreground.notify = notify.fd >= 0 ? &notify : NULL;
		r = notify_signal(&notify, err);
	}
	if (r == 0)
		r = creation_start(&creation, err);
	if (r < 0)
		return r;
	creation_keep(&creation);
	*ret_exit = 0;
	if (options->detach && notify.fd >= 0)
		store_entry_unlock(&creation.entry);
	if (options->detach)
		return notify_wait(&notify, &creation.init, err);
	return stay(&creation, &foreground, ret_exit, err);
}
