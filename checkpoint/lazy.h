/*
 * Memory that comes when it is touched (userfaultfd(2)): CRIU's daemon of lazy pages, and a process of ours
 * that watches it. The watcher outlives the restore command by as long as memory is missing. Without its
 * daemon a program would read zeros where its memory was: when the daemon fails, or the memory proves not to
 * be what was saved, the watcher ends the container and says why in the log. Host side.
 *
 *	lazy_start → lazy_await → (CRIU restores) → lazy_keep
 */
#ifndef LVM_RUN_CHECKPOINT_LAZY_H
#define LVM_RUN_CHECKPOINT_LAZY_H

#include "base/process.h"
#include "checkpoint/facts.h"

#define LAZY_LOG_NAME "lazy-pages.log"
#define LAZY_SOCKET_NAME "lazy-pages.socket"

struct lazy_request {
	const char *program;       /* CRIU */
	const struct facts *facts; /* whose pages are checked while the program runs already */
	int images_fd;
	int work_fd;         /* where the log and the socket are, and CRIU's work directory */
	int cgroup_fd;       /* of the container: what is ended */
	const char *address; /* of a page server that has the memory; null: it is in the images */
	unsigned int port;
};

struct lazy {
	struct process watcher;
	int control; /* its end says "restored" or, closed without a word, "failed" */
	int ready;   /* readable, or at its end, once the daemon is ready or has failed */
};
#define LAZY_NONE                                                                                  \
	{                                                                                          \
		.watcher = {.pidfd = -1}, .control = -1, .ready = -1                               \
	}
/* Ends both if they were not kept, and waits for that. */
void lazy_done(struct lazy *lazy);
#define scoped_lazy scoped(lazy_done) struct lazy

int lazy_start(const struct lazy_request *request, struct lazy *ret, struct error *err) must_check;
/* Until the daemon listens. */
int lazy_await(struct lazy *lazy, int work_fd, struct error *err) must_check;
/* A failure of the restore that came of memory which is not what was saved is told as that. Returns −err->code. */
int lazy_explain(const struct lazy *lazy, int work_fd, struct error *err);
/* From now on they stay until all memory is there. */
void lazy_keep(struct lazy *lazy);

#endif
