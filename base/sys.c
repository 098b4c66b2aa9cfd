#include "base/sys.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mount_api.h"
#include "base/pidfd.h"

pid_t sys_clone3(const struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

int sys_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .mode = mode, .resolve = resolve};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int sys_seccomp(unsigned int operation, unsigned int flags, void *args)
{
	return (int)syscall(SYS_seccomp, operation, flags, args);
}

int sys_bpf(int command, void *attr, unsigned int size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

long sys_join_session_keyring(const char *name)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name, 0, 0, 0);
}

long sys_getcwd(char *buffer, size_t size)
{
	return syscall(SYS_getcwd, buffer, size);
}

ssize_t sys_getdents(int dirfd, void *buffer, size_t size)
{
	return (ssize_t)syscall(SYS_getdents64, dirfd, buffer, size);
}

/* --- What glibc has and musl lacks --- */

#ifndef __GLIBC__

int close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

int execveat(int dirfd, const char *path, char *const argv[], char *const environment[], int flags)
{
	return (int)syscall(SYS_execveat, dirfd, path, argv, environment, flags);
}

int pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

int pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, info, flags);
}

int fsopen(const char *type, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

int fsconfig(int context, unsigned int command, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, aux);
}

int fsmount(int context, unsigned int flags, unsigned int attributes)
{
	return (int)syscall(SYS_fsmount, context, flags, attributes);
}

int fspick(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_fspick, dirfd, path, flags);
}

int open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

int move_mount(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from_dirfd, from, to_dirfd, to, flags);
}

int mount_setattr(int dirfd, const char *path, unsigned int flags, struct mount_attr *attr,
                  size_t size)
{
	return (int)syscall(SYS_mount_setattr, dirfd, path, flags, attr, size);
}

#endif
