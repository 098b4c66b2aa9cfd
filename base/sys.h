/*
 * System calls that glibc lacks (as of 2.36), named sys_…, and those that glibc has and musl lacks
 * (as of 1.2.5), under their own names. Each behaves like its man page says: −1 and errno, or the
 * result. Either side. For open_tree and its kin include base/mount_api.h, for pidfd_open and
 * pidfd_send_signal base/pidfd.h.
 */
#ifndef LVM_RUN_BASE_SYS_H
#define LVM_RUN_BASE_SYS_H

#include <linux/openat2.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* clone3(2) without CLONE_VM: returns twice like fork; 0 in the child. */
pid_t sys_clone3(const struct clone_args *args);

/* openat2(2). */
int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/* pivot_root(2). */
int sys_pivot_root(const char *new_root, const char *put_old);

/* seccomp(2). */
int sys_seccomp(unsigned int operation, unsigned int flags, void *args);

/* bpf(2); `attr` is a union bpf_attr of <linux/bpf.h>. */
int sys_bpf(int command, void *attr, unsigned int size);

/* keyctl(KEYCTL_JOIN_SESSION_KEYRING, name): the serial number of the keyring, or −1. */
long sys_join_session_keyring(const char *name);

/* getcwd(2) itself, which reports "(unreachable)…" where glibc's hides it; the length, or −1. */
long sys_getcwd(char *buffer, size_t size);

/* close_range(2) and execveat(2): glibc's, else ours. faccessat2(2) is faccessat of both. */
#ifdef __GLIBC__
#include <unistd.h>
#else
int close_range(unsigned int first, unsigned int last, int flags);
int execveat(int dirfd, const char *path, char *const argv[], char *const environment[], int flags);
#endif

/* getdents64(2), which the C libraries name differently; fills in entries of struct dirent. */
ssize_t sys_getdents(int dirfd, void *buffer, size_t size);

#endif
