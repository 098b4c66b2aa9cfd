/*
 * pidfd_open(2) and pidfd_send_signal(2). glibc has them in <sys/pidfd.h>; for a C library that does
 * not (musl) base/sys.c defines them. Include this header instead of <sys/pidfd.h>.
 */
#ifndef LVM_RUN_BASE_PIDFD_H
#define LVM_RUN_BASE_PIDFD_H

#include <signal.h>
#include <sys/types.h>

#ifdef __GLIBC__
#include <sys/pidfd.h>
#else

int pidfd_open(pid_t pid, unsigned int flags);
int pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned int flags);

#endif

#endif
