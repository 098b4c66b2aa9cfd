#include "checkpoint/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "checkpoint/origin.h"

/* One of them, in a process of its own. */
struct worker {
	pid_t pid;
	int result; /* readable: struct outcome */
	unsigned int number;
	int64_t begin_ns;
};

struct outcome {
	int r;
	struct error err;
};

struct making {
	struct store *store;
	const struct clone_options *options;
	const char *name;
	const struct origin *origin;
	struct worker *workers;
	unsigned int jobs;
	unsigned int done;
	unsigned int failed;
	bool memory_is_checked; /* whose images stay as they are: the origin is locked, and root's alone */
};

static unsigned int count_of(const struct clone_options *options)
{
	return options->count ? options->count : 1;
}

static void name_clone(const struct making *m, unsigned int number, char ret[static 256])
{
	if (m->options->count == 0)
		(void)snprintf(ret, 256, "%s", m->name);
	else
		(void)snprintf(ret, 256, "%s-%u", m->name, number + 1);
}

/* --- One clone, in its process --- */

static int make_disk(const struct making *m, const char *id, struct disk *ret, struct error *err)
{
	const struct disk *source = m->origin->source;
	char store[PATH_MAX], path[PATH_MAX], root[PATH_MAX], link[FD_PATH_SIZE];
	char layer[LAYER_NAME_SIZE];
	scoped_fd layer_fd = -1;
	ssize_t length = readlink(fd_path(store_fd(m->store), link), root, sizeof(root) - 1);
	ssize_t store_length = readlink(fd_path(source->store_fd, link), store, sizeof(store) - 1);
	int r;

	if (length < 0 || store_length < 0)
		return error_errno(err, "state root");
	root[length] = '\0';
	store[store_length] = '\0';
	r = disk_path(store, DISK_ROOT, id, path, err);
	if (r == 0)
		r = disk_make(path, ret, err);
	if (r == -EEXIST)
		return error_set(err, EEXIST, "the store has a root of that id");
	if (r < 0)
		return r;

	struct disk_record *record = &ret->record;

	record->id = arena_strdup(&ret->arena, id);
	record->state_root = arena_strdup(&ret->arena, root);
	record->bundle = arena_strdup(&ret->arena, m->origin->bundle);
	record->metacopy = source->record.metacopy;
	r = disk_list_join(ret, NULL, &source->record.lowers, &record->lowers, err);
	if (r == 0)
		r = disk_list_join(ret, NULL, &m->origin->layers, &record->layers, err);
	if (r == 0)
		r = disk_layer_make(ret, &record->layers, layer, &layer_fd, err);
	if (r < 0)
		return r;
	record->upper = arena_strdup(&ret->arena, layer);
	/* Until it lives: a kill in between leaves what is no whole clone. */
	record->operation.verb = arena_strdup(&ret->arena, VERB_BIRTH);
	if (!record->operation.verb)
		return error_code(err, ENOMEM, "clone");
	if (!record->id || !record->state_root || !record->bundle || !record->upper)
		return error_code(err, ENOMEM, "clone");
	return disk_write(ret, err);
}

/* All is restored and nothing runs yet. This process does nothing afterwards that the host's name matters for. */
static int rename_host(pid_t pid, void *context, struct error *err)
{
	const char *hostname = context;
	struct stat theirs, ours;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);

	scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &theirs) < 0 || stat("/proc/self/ns/uts", &ours) < 0)
		return error_errno(err, "host name");
	if (theirs.st_ino == ours.st_ino)
		return 0;
	if (setns(fd, CLONE_NEWUTS) < 0 || sethostname(hostname, strlen(hostname)) < 0)
		return error_errno(err, "host name");
	return 0;
}

static int redirect(const struct making *m, const char *id, struct error *err)
{
	if (!m->options->output)
		return 0;

	scoped_str path = str_format("%s/%s.log", m->options->output, id);
	scoped_fd in = open("/dev/null", O_RDWR | O_CLOEXEC);
	scoped_fd out = path ? open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

	if (in < 0 || out < 0)
		return error_errno(err, "output %s", path ? path : "");
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		return error_errno(err, "output");
	return 0;
}

static int bring_to_life(const struct making *m, const char *id, const char *hostname,
                         struct disk *disk, struct error *err)
{
	const struct origin *origin = m->origin;
	struct checkpoint_options restore = m->options->checkpoint;
	struct create_options create = {
		.id = id,
		.bundle = origin->bundle,
		.config = origin->config,
		.driver = m->options->driver,
		.detach = true,
		.disk = disk,
		.hostname = hostname,
		.network = m->options->network,
		.own_cgroup = true,
	};
	int status = 0;

	restore.image_path = origin->image;
	restore.restored = rename_host;
	restore.memory_is_checked = m->memory_is_checked;
	restore.context = (void *)(uintptr_t)hostname; /* only read */
	return origin->image[0] ? checkpoint_restore(m->store, &create, &restore, &status, err)
	                        : container_run(m->store, &create, &status, err);
}

/* It lives, and that is noted. */
static int note_birth(const char *path, struct error *err)
{
	scoped_disk disk = DISK_NONE;
	int r = disk_open(path, true, &disk, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* it was deleted at once */
	disk.record.operation = (struct disk_operation){0};
	return disk_write(&disk, err);
}

static int make_one(const struct making *m, unsigned int number, struct error *err)
{
	enum { HOSTNAME_MAX = 64 };
	scoped_disk disk = DISK_NONE;
	char id[256];
	char hostname[HOSTNAME_MAX + 1];
	char path[PATH_MAX];
	struct error late;
	int r;

	name_clone(m, number, id);
	(void)snprintf(hostname, sizeof(hostname), "%.64s", id);
	r = redirect(m, id, err);
	if (r == 0)
		r = make_disk(m, id, &disk, err);
	if (r < 0 && disk.fd < 0)
		return r; /* not ours */
	(void)snprintf(path, sizeof(path), "%s", disk.path);
	if (r == 0)
		r = identity_write(&disk, hostname, err);
	if (r == 0)
		r = bring_to_life(m, id, hostname, &disk, err);
	if (r < 0) {
		disk_done(&disk);
		(void)!disk_discard(path, true, &late);
		return r;
	}
	return note_birth(path, err);
}

/* --- All of them --- */

static int start_one(struct making *m, struct worker *worker, unsigned int number,
                     struct error *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "clone");
	worker->number = number;
	worker->begin_ns = clock_monotonic_ns();
	worker->pid = fork();
	if (worker->pid == 0) {
		struct outcome outcome = {0};

		outcome.r = make_one(m, number, &outcome.err);
		(void)!fd_write_all(ends[1], &outcome, sizeof(outcome));
		/* Nothing of what was inherited may be given up, locks least of all. */
		_exit(0);
	}
	fd_close(&ends[1]);
	if (worker->pid < 0) {
		fd_close(&ends[0]);
		return error_errno(err, "clone");
	}
	worker->result = ends[0];
	return 0;
}

static void report(struct making *m, unsigned int number, uint64_t us,
                   const struct outcome *outcome)
{
	char id[256];

	name_clone(m, number, id);
	m->done++;
	m->failed += outcome->r < 0;
	m->options->reporter(
		&(struct clone_report){
			.id = id,
			.done = m->done,
			.count = count_of(m->options),
			.us = us,
			.frozen_us = m->origin->frozen_us,
			.r = outcome->r,
			.err = &outcome->err,
		},
		m->options->context);
}

static void end_one(struct making *m, struct worker *worker)
{
	struct outcome outcome;
	int status = 0;
	ssize_t size = fd_read_all(worker->result, &outcome, sizeof(outcome));
	uint64_t us = (uint64_t)(clock_monotonic_ns() - worker->begin_ns) / 1000;

	(void)waitpid(worker->pid, &status, 0);
	if (size != (ssize_t)sizeof(outcome)) {
		outcome = (struct outcome){.r = -ECHILD};
		(void)error_set(&outcome.err, ECHILD,
		                "its process was killed; delete --force and gc clean up");
	}
	fd_close(&worker->result);
	worker->pid = 0;
	/* Lazy memory is checked while a clone runs already. */
	m->memory_is_checked |= outcome.r == 0 && !m->options->checkpoint.lazy_pages;
	report(m, worker->number, us, &outcome);
}

/* Waits until at least one of those that work has come to an end. */
static void await_one(struct making *m, struct pollfd *polls)
{
	for (unsigned int i = 0; i < m->jobs; i++)
		polls[i] = (struct pollfd){.fd = m->workers[i].pid > 0 ? m->workers[i].result : -1,
		                           .events = POLLIN};
	if (poll(polls, m->jobs, -1) < 0)
		return;
	for (unsigned int i = 0; i < m->jobs; i++)
		if (polls[i].revents)
			end_one(m, &m->workers[i]);
}

static struct worker *find_free(const struct making *m)
{
	for (unsigned int i = 0; i < m->jobs; i++)
		if (m->workers[i].pid == 0)
			return &m->workers[i];
	return NULL;
}

static bool is_busy(const struct making *m)
{
	for (unsigned int i = 0; i < m->jobs; i++)
		if (m->workers[i].pid > 0)
			return true;
	return false;
}

static void make_all(struct making *m, struct pollfd *polls)
{
	unsigned int next = 0;

	while (next < count_of(m->options) || is_busy(m)) {
		struct worker *worker = next < count_of(m->options) ? find_free(m) : NULL;
		struct outcome outcome = {0};

		if (!worker) {
			await_one(m, polls);
			continue;
		}
		outcome.r = start_one(m, worker, next, &outcome.err);
		if (outcome.r < 0) {
			worker->pid = 0;
			report(m, next, 0, &outcome);
		}
		next++;
	}
}

static unsigned int choose_jobs(const struct clone_options *options)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int jobs = options->jobs ? options->jobs : online > 0 ? (unsigned int)online : 1;

	return jobs < count_of(options) ? jobs : count_of(options);
}

static int make_from(struct making *m, struct error *err)
{
	struct pollfd *polls = calloc(m->jobs, sizeof(*polls));
	int r = 0;

	m->workers = calloc(m->jobs, sizeof(*m->workers));
	if (polls && m->workers)
		make_all(m, polls);
	else
		r = error_code(err, ENOMEM, "clone");
	free(polls);
	free(m->workers);
	return r;
}

int clone_make(struct store *store, const char *source, const char *name,
               const struct clone_options *options, unsigned int *ret_failed, struct error *err)
{
	scoped_origin origin = ORIGIN_NONE;
	struct making m = {
		.store = store,
		.options = options,
		.name = name,
		.origin = &origin,
		.jobs = choose_jobs(options),
	};
	char last[256];
	int r;

	name_clone(&m, count_of(options) - 1, last);
	if (!store_id_valid(last) || strlen(name) > 200)
		return error_set(err, EINVAL, "invalid container id \"%.64s\"", name);
	r = origin_open(&origin, store, source, options, err);
	if (r == 0)
		r = make_from(&m, err);
	*ret_failed = m.failed;
	return r;
}
