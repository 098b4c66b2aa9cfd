/*
 * Our terminal while the program has one of its own (-i): in raw mode, so that every key is for the program's.
 * It is the caller's again whenever we stop, and in the end. Host side.
 */
#ifndef LVM_RUN_SANDBOX_TERMINAL_H
#define LVM_RUN_SANDBOX_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

#include "base/error.h"
#include "sandbox/pump.h"

struct terminal {
	int master; /* of the program's; −1: it has none; borrowed */
	bool raw;
	bool away; /* in the background: what is typed is not for us */
	struct termios saved;
	struct pump in, out;
};

#define TERMINAL_NONE                                                                              \
	{                                                                                          \
		.master = -1, .in = PUMP_NONE, .out = PUMP_NONE                                    \
	}

/* Takes it, if we are in its foreground, and hands its size on. */
int terminal_begin(struct terminal *terminal, int master, struct error *err) must_check;
/* Again: we have been continued, perhaps in the foreground now. */
void terminal_resume(struct terminal *terminal);
/* Gives it back as it was. Accepts one that never began. */
void terminal_end(struct terminal *terminal);
void terminal_copy_size(const struct terminal *terminal);

/* Whether a shell may have put us into the foreground of a terminal. */
bool terminal_is_ours(void);

/*
 * Gives it back and stops this process (`group`: with its process group), as Ctrl-Z on it would; comes back when it is
 * continued. Where nobody would continue it, it is not stopped (an orphaned process group).
 */
void terminal_stop(struct terminal *terminal, bool group);

#endif
