/* Signals by the names that people and engines use. */
#ifndef LVM_RUN_CMD_SIGNALS_H
#define LVM_RUN_CMD_SIGNALS_H

#include "base/macro.h"

/*
 * The number of "KILL", "sigkill", "9", "RTMIN", "SIGRTMIN+3", "RTMAX-1" …; −1 for anything else.
 * Numbers go from 0 (does it exist?) to 64.
 */
int signal_parse(const char *text) must_check;

#endif
