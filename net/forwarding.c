#include "net/forwarding.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "base/sys.h"

static const char place[] = "/run/lvm-run";

static void switch_path(const char *name, char ret[static 80])
{
	(void)snprintf(ret, 80, "/proc/sys/net/ipv4/conf/%s/forwarding", name);
}

/* An interface is one of a network namespace. */
static int lock_path(const char *name, char ret[static 80], struct error *err)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0)
		return error_errno(err, "own network namespace");
	(void)snprintf(ret, 80, "%s/forwarding-%llu-%s", place, (unsigned long long)st.st_ino,
	               name);
	return 0;
}

/* Who comes and who leaves do so one after the other, in all network namespaces. Closing it unlocks. */
static int lock_place(struct error *err)
{
	scoped_fd fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return error_errno(err, "lock %s", place);
	return fd_take(&fd);
}

/* --- Giving up --- */

/* A try at the exclusive lock gives up the shared one: of several who leave at once the last gets it. */
static void release(const struct forwarding_item *item)
{
	char file[80];
	struct error ignored;

	if (item->lock < 0 || flock(item->lock, LOCK_EX | LOCK_NB) < 0)
		return;
	switch_path(item->name, file);
	(void)!file_write_kernel(AT_FDCWD, file, "0", &ignored);
	if (lock_path(item->name, file, &ignored) == 0)
		(void)unlink(file);
}

static void release_all(struct forwarding *forwarding)
{
	struct error ignored;
	scoped_fd alone = forwarding->count > 0 ? lock_place(&ignored) : -1;

	(void)alone; /* the others wait until all is released */
	for (size_t i = 0; i < forwarding->count; i++) {
		release(&forwarding->items[i]);
		fd_close(&forwarding->items[i].lock);
	}
}

void forwarding_done(struct forwarding *forwarding)
{
	fd_close(&forwarding->alive);
	/* With a keeper our descriptors are its: it has copies of the same locks. */
	if (forwarding->keeper > 0) {
		while (waitpid(forwarding->keeper, NULL, 0) < 0 && errno == EINTR)
			continue;
		for (size_t i = 0; i < forwarding->count; i++)
			fd_close(&forwarding->items[i].lock);
	} else {
		release_all(forwarding);
	}
	*forwarding = (struct forwarding)FORWARDING_NONE;
}

/* --- Holding --- */

/* The shared lock on the file, which is made when it is not there and may be. −ENOENT without *err: it may not. */
static int take_lock(const char *path, bool make, struct error *err)
{
	scoped_fd fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600);

	if (fd < 0 && errno == ENOENT && !make)
		return -ENOENT;
	if (fd < 0 || flock(fd, LOCK_SH) < 0)
		return error_errno(err, "%s", path);
	return fd_take(&fd);
}

static int hold(struct forwarding_item *item, struct error *err)
{
	scoped_fd alone = lock_place(err);
	char file[80], path[80], value[8];
	int r = alone < 0 ? alone : lock_path(item->name, path, err);

	if (r < 0)
		return r;
	switch_path(item->name, file);
	if (file_read_kernel(AT_FDCWD, file, value, sizeof(value), err) < 0)
		return -err->code;

	/* It forwards: because of others like us, or because the host is meant to. */
	bool forwards = strcmp(value, "0") != 0;

	r = take_lock(path, !forwards, err);
	if (r < 0)
		return forwards && r == -ENOENT ? 0 : r;
	item->lock = r;
	return 0;
}

int forwarding_hold(struct forwarding *forwarding, const char *name, struct error *err)
{
	struct forwarding_item *item = &forwarding->items[forwarding->count];

	for (size_t i = 0; i < forwarding->count; i++)
		if (strcmp(forwarding->items[i].name, name) == 0)
			return 0;
	if (forwarding->count == FORWARDING_LIMIT)
		return error_set(err, E2BIG, "forwarding: more than %d interfaces",
		                 FORWARDING_LIMIT);
	if (mkdir(place, 0700) < 0 && errno != EEXIST)
		return error_errno(err, "make %s", place);
	*item = (struct forwarding_item){.lock = -1};
	(void)snprintf(item->name, sizeof(item->name), "%s", name);
	forwarding->count++;
	return hold(item, err) < 0 ? error_wrap(err, "let %s forward packets", name) : 0;
}

/* --- The child --- */

static _Noreturn void keep(struct forwarding *forwarding, int alive)
{
	int last = alive;
	sigset_t all;
	char byte;

	process_all_signals(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)setsid();
	/* Nothing of the caller's stays open for us: not its sockets, not its output. */
	for (size_t i = 0; i < forwarding->count; i++)
		if (forwarding->items[i].lock > last)
			last = forwarding->items[i].lock;
	for (int fd = 0; fd <= last; fd++) {
		bool needed = fd == alive;

		for (size_t i = 0; i < forwarding->count; i++)
			needed |= fd == forwarding->items[i].lock;
		if (!needed)
			(void)close(fd);
	}
	(void)close_range((unsigned int)last + 1, ~0U, 0);
	while (read(alive, &byte, 1) < 0 && errno == EINTR)
		continue;
	release_all(forwarding);
	_exit(0);
}

int forwarding_guard(struct forwarding *forwarding, struct error *err)
{
	bool needed = false;
	int ends[2];

	for (size_t i = 0; i < forwarding->count; i++)
		needed |= forwarding->items[i].lock >= 0;
	if (!needed)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");

	scoped_fd read_end = ends[0];

	forwarding->alive = ends[1];
	forwarding->keeper = fork();
	if (forwarding->keeper < 0)
		return error_errno(err, "start the keeper of forwarding");
	if (forwarding->keeper == 0) {
		fd_close(&forwarding->alive);
		keep(forwarding, read_end);
	}
	return 0;
}

int forwarding_begin(const struct forwarding *forwarding, struct error *err)
{
	for (size_t i = 0; i < forwarding->count; i++) {
		const struct forwarding_item *item = &forwarding->items[i];
		char file[80];

		switch_path(item->name, file);
		if (item->lock >= 0 && file_write_kernel(AT_FDCWD, file, "1", err) < 0)
			return error_wrap(err, "let %s forward packets", item->name);
	}
	return 0;
}
