/*
 * A command that stays until the container's program ends: signals are forwarded, a terminal is
 * carried, the end is awaited. Host side.
 *
 *	foreground_begin     before the program starts: from now on no signal is lost
 *	foreground_wait      until the process, our child, has ended
 *	foreground_end       gives the caller's terminal and signal mask back, on every path
 */
#ifndef LVM_RUN_RUNTIME_FOREGROUND_H
#define LVM_RUN_RUNTIME_FOREGROUND_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

#include "base/process.h"
#include "runtime/notify.h"

struct foreground {
	bool begun;
	bool terminal;               /* standard input is one; saved_terminal is how it was */
	bool raw;                    /* it is in raw mode, unless we are in the background */
	const struct notify *notify; /* what SIGIO tells of; null: nothing */
	sigset_t saved_mask;
	struct termios saved_terminal;
};

void foreground_end(struct foreground *foreground);
#define scoped_foreground scoped(foreground_end) struct foreground

int foreground_begin(struct foreground *foreground, struct error *err) must_check;

/* Gives a pty the size of the caller's terminal, if there is one: before its program looks. */
void foreground_copy_size(int master);

/*
 * Waits for `process` and reaps it; *ret_status as of waitpid(2). `master` (−1: none) is the pty of
 * its terminal: what is typed goes in, what it writes comes out, sizes follow. It is closed, and −1,
 * once nobody reads what comes out. In the background nothing is typed for us until a shell brings us to the
 * foreground. SIGTSTP stops this command, not the program.
 */
int foreground_wait(struct foreground *foreground, const struct process *process, int *master,
                    int *ret_status, struct error *err) must_check;

#endif
