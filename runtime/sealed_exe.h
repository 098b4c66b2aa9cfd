/*
 * Our own program, out of the container's reach. A container that gets hold of /proc/PID/exe of a
 * process that is still ours (CVE-2019-5736) must not be able to write to it, so the commands that put
 * a process into a container run from a read-only mount of the program that belongs to nobody.
 */
#ifndef LVM_RUN_RUNTIME_SEALED_EXE_H
#define LVM_RUN_RUNTIME_SEALED_EXE_H

#include "base/error.h"

/*
 * Returns 0 when the program runs sealed. Otherwise executes itself sealed with the same arguments and
 * environment: a detached read-only clone of its mount (open_tree(2)), or, where that is not
 * permitted, a sealed memfd. Does not return on success. Call it before anything is opened.
 */
int sealed_exe_ensure(char **argv, struct error *err) must_check;

#endif
