/* A container in the hands of whoever launched it: run, without waiting for its end. */
#include <errno.h>
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
	l->options.reaper = true;
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

int container_launch(struct store *store, const struct create_options *options, struct launch **ret,
                     struct error *err)
{
	scoped_launch l = calloc(1, sizeof(*l));
	int ends[2];

	if (!l)
		return error_code(err, ENOMEM, "launch");
	l->creation = (struct creation)CREATION_NONE;
	l->options = *options;
	l->reaper_fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, "socket to init");
	l->reaper_fd = ends[0];

	scoped_fd init_end = ends[1];
	int r = start(l, store, init_end, err);

	if (r < 0)
		return r;
	creation_keep(&l->creation);
	l->started = true;
	/* For gc: while it is held, whoever launched this will remove it. */
	(void)flock(l->creation.entry.journal_fd, LOCK_SH | LOCK_NB);
	store_entry_unlock(&l->creation.entry);
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
