/* A container in the hands of whoever launched it: run, without waiting for its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "runtime/container.h"
#include "runtime/creation.h"
#include "runtime/foreground.h"

struct launch {
	struct create_options options;
	struct creation creation;
	struct foreground foreground;
	int reaper_fd;
	bool started;
};

int launch_end(struct launch **launch, struct error *err)
{
	struct launch *l = *launch;
	struct error ignored;
	int r = 0, status = 0;

	if (!l)
		return 0;
	*launch = NULL;
	fd_close(&l->reaper_fd); /* init ends, whatever the rest comes to */
	if (l->started) {
		r = creation_destroy(&l->creation, STATUS_RUNNING, err);
		(void)!process_reap(&l->creation.init, &status, &ignored);
	}
	creation_done(&l->creation);
	foreground_end(&l->foreground);
	free(l);
	return r;
}

void launch_free(struct launch **launch)
{
	struct error ignored;

	(void)!launch_end(launch, &ignored);
}

static int start(struct launch *l, struct store *store, int init_end, struct error *err)
{
	l->options.reaper = !l->options.plain;
	l->options.reaper_fd = init_end;

	int r = creation_begin(&l->creation, store, &l->options, false, err);

	if (r < 0)
		return r;

	const bool hurry = creation_can_hurry(&l->creation);

	if (hurry)
		r = creation_hurry(&l->creation, err);
	else
		r = creation_converse(&l->creation, err);
	if (r == 0 && !hurry)
		r = creation_commit(&l->creation, err);
	/* Not earlier: until there is a program to forward signals to, they end this command. */
	if (r == 0)
		r = foreground_begin(&l->foreground, err);
	if (r < 0)
		return r;
	return hurry ? creation_hurry_start(&l->creation, err) : creation_start(&l->creation, err);
}

static struct launch *make(struct error *err)
{
	struct launch *l = calloc(1, sizeof(*l));

	if (!l) {
		(void)error_code(err, ENOMEM, "launch");
		return NULL;
	}
	l->creation = (struct creation)CREATION_NONE;
	l->reaper_fd = -1;
	return l;
}

/* For gc: while it is held, whoever launched this will remove it. */
static void take(struct launch *l)
{
	l->started = true;
	(void)flock(l->creation.entry.journal_fd, LOCK_SH | LOCK_NB);
	store_entry_unlock(&l->creation.entry);
}

int container_adopt(struct store *store, const char *id, struct launch **ret, struct error *err)
{
	scoped_container container = CONTAINER_NONE;
	scoped_launch l = make(err);
	struct creation *creation = l ? &l->creation : NULL;

	if (!l)
		return -ENOMEM;

	int r = container_open(store, id, VERB_KILL, &container, err);

	if (r == 0)
		r = container_process(&container, &creation->init, err);
	if (r == 0)
		r = container_cgroup(&container, &creation->cgroup, err);
	if (r == -ENOENT) /* it has none */
		r = 0;
	if (r == 0)
		r = foreground_begin(&l->foreground, err);
	if (r < 0)
		return r;
	creation->entry = container.entry;
	container.entry = (struct store_entry){.fd = -1, .journal_fd = -1};
	creation->entry.journal_fd = openat(creation->entry.fd, JOURNAL_NAME, O_RDONLY | O_CLOEXEC);
	creation->record = container.record;
	creation->plan.arena = container.arena;
	container.arena = (struct arena){0};
	creation_keep(creation);
	take(l);
	*ret = l;
	l = NULL;
	return 0;
}

int container_launch(struct store *store, const struct create_options *options, struct launch **ret,
                     struct error *err)
{
	scoped_launch l = make(err);
	int ends[2];

	if (!l)
		return -ENOMEM;
	l->options = *options;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socket to init");
	l->reaper_fd = ends[0];

	scoped_fd init_end = ends[1];
	int r = start(l, store, init_end, err);

	if (r < 0)
		return r;
	creation_keep(&l->creation);
	take(l);
	*ret = l;
	l = NULL;
	return 0;
}

const struct process *launch_process(const struct launch *launch)
{
	return &launch->creation.init;
}

struct cgroup *launch_cgroup(const struct launch *launch)
{
	return launch->creation.cgroup;
}

int launch_reaper_fd(const struct launch *launch)
{
	return launch->reaper_fd;
}

int *launch_console(struct launch *launch)
{
	return &launch->creation.console;
}
