/*
 * The service manager's notifications (sd_notify(3)): who starts lvm-run with NOTIFY_SOCKET wants to hear
 * when the program in the container is ready. The program gets a socket of its own, in a directory of the
 * state root that is mounted at /run/notify, and a command of ours passes on what comes in.
 *
 *	create, run: notify_prepare   the directory; the mount and the variable join the specification
 *	run, start:  notify_listen    the socket, before the program runs
 *	start, run --detach: notify_wait   passes on until READY=1, or until init has ended
 *	run:         notify_forward   whenever SIGIO tells that something is there, as long as it waits
 *
 * The text comes from the container, so only known fields pass, and neither process ids nor descriptors. A
 * command that will not stay adds MAINPID with init's id. Without the variable nothing of this costs
 * anything. Host side.
 */
#ifndef LVM_RUN_RUNTIME_NOTIFY_H
#define LVM_RUN_RUNTIME_NOTIFY_H

#include "base/process.h"
#include "spec/spec.h"

#define NOTIFY_NAME "notify"

struct notify {
	int fd; /* −1: none */
};
#define NOTIFY_NONE                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}
void notify_done(struct notify *notify);
#define scoped_notify scoped(notify_done) struct notify

/* Does nothing where no one wants to hear, or the container has no mounts of its own. */
int notify_prepare(int entry_fd, struct spec *spec, struct error *err) must_check;

/* The same; then the descriptor stays −1. */
int notify_listen(int entry_fd, struct notify *ret, struct error *err) must_check;

/* From now on SIGIO tells that there is something to forward. */
int notify_signal(const struct notify *notify, struct error *err) must_check;

/*
 * Passes on what is there, but a bounded number at once. True once READY=1 was among it. `main_pid` 0: none
 * is told.
 */
bool notify_forward(const struct notify *notify, pid_t main_pid);

/* Whether something is there. */
bool notify_has_more(const struct notify *notify);

/* Until READY=1 or the end of `init`, whichever comes first. */
int notify_wait(const struct notify *notify, const struct process *init,
                struct error *err) must_check;

/* What of it is in a state directory that goes. */
void notify_remove(int entry_fd);

#endif
