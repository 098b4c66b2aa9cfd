/*
 * An init that stays: pid 1 of the container, with the program as its child. It reaps whatever is left
 * to it, hands signals on to the program, and ends, and with it all that lives in the pid namespace, when
 * the program ends or when the process that launched the container is gone.
 *
 * It is a copy of this program's memory, not of its rights: it comes after the lockdown of identity and
 * capabilities, and is not dumpable, so that nobody inside can look into it or trace it.
 */
#ifndef LVM_RUN_RUNTIME_REAPER_H
#define LVM_RUN_RUNTIME_REAPER_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Forks. The child returns 0, in a process group of its own, in the foreground of the terminal if there
 * is one. The parent never returns: it closes `talk`, whose end tells that the program was executed,
 * waits, writes the program's wait status (int) to `fd`, a socket whose end of file means that the other
 * side has died, and exits as the program did. With a terminal it writes a status each time that the program has
 * stopped, too. Child.
 */
int reaper_enter(int fd, int talk, bool terminal, struct error *err) must_check;

#endif
