/*
 * floor run ROOTFS COMMAND [ARGUMENT]...	make the container, run the command, take it down
 * floor exec PID COMMAND [ARGUMENT]...		run a command in the container of that process
 * floor pin					load and pin the device program for later runs
 */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CONTAINER_NAMESPACES                                                                       \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

static char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"TERM=xterm",
	NULL,
};

void floor_die(const char *what)
{
	dprintf(2, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

/*
 * Like vfork(): the child borrows the parent's memory and stack and the parent sleeps until the
 * child executes or exits. The system call is made in line because a call through a function would
 * leave its return address in a stack that the child writes over before the parent wakes.
 */
static inline __attribute__((always_inline)) long clone_borrowed(struct clone_args *args)
{
#if defined(__x86_64__)
	register long result __asm__("rax") = SYS_clone3;

	__asm__ volatile("syscall"
	                 : "+r"(result)
	                 : "D"(args), "S"(sizeof(*args))
	                 : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long result __asm__("x0") = (long)args;
	register long size __asm__("x1") = sizeof(*args);
	register long number __asm__("x8") = SYS_clone3;

	__asm__ volatile("svc 0" : "+r"(result) : "r"(size), "r"(number) : "memory");
#else
#error "the in-line clone3 is not written for this architecture"
#endif
	return result;
}

static void bring_up_loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		floor_die("bring up lo");
}

static _Noreturn void execute(char **argv)
{
	if (syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC))
		floor_die("close_range");
	execve(argv[0], argv, environment);
	floor_die(argv[0]);
}

static _Noreturn void container_main(const char *rootfs, char **argv)
{
	bring_up_loopback();
	floor_enter_root(rootfs);
	if (sethostname("crun", 4))
		floor_die("set the host name");
	floor_confine();
	execute(argv);
}

static int wait_for(int pidfd)
{
	siginfo_t info;

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED))
		floor_die("wait");
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static int run(const char *rootfs, char **argv)
{
	char path[64];
	int pidfd = -1, cgroup, status;
	struct clone_args args = {
		.flags = CONTAINER_NAMESPACES | CLONE_VM | CLONE_VFORK | CLONE_PIDFD |
	                 CLONE_INTO_CGROUP,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	snprintf(path, sizeof(path), CGROUP_ROOT "/floor-%d", getpid());
	if (mkdir(path, 0755))
		floor_die(path);
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup < 0)
		floor_die(path);
	args.cgroup = (__u64)cgroup;
	floor_attach_devices(cgroup);
	pid = clone_borrowed(&args);
	if (pid == 0)
		container_main(rootfs, argv);
	if (pid < 0) {
		errno = (int)-pid;
		floor_die("clone3");
	}
	status = wait_for(pidfd);
	if (rmdir(path))
		floor_die(path);
	return status;
}

/* The cgroup of the process in the v2 hierarchy, opened. */
static int cgroup_of(const char *pid)
{
	char path[64], text[4096], dir[4200], *line, *end;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length < 0)
		floor_die(path);
	text[length] = '\0';
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line) {
		errno = ENOENT;
		floor_die("find the v2 cgroup");
	}
	line = strchr(line, '/');
	end = strchr(line, '\n');
	snprintf(dir, sizeof(dir), CGROUP_ROOT "%.*s", (int)(end - line), line);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		floor_die(dir);
	return fd;
}

static int exec_in(const char *pid, char **argv)
{
	int target = (int)syscall(SYS_pidfd_open, (pid_t)strtoul(pid, NULL, 10), 0), pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP,
		.pidfd = (uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (__u64)cgroup_of(pid),
	};
	long child;

	if (target < 0)
		floor_die(pid);
	if (setns(target, CONTAINER_NAMESPACES))
		floor_die("enter the namespaces");
	child = clone_borrowed(&args);
	if (child == 0) {
		floor_confine();
		execute(argv);
	}
	if (child < 0) {
		errno = (int)-child;
		floor_die("clone3");
	}
	return wait_for(pidfd);
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "run") == 0)
		return run(argv[2], argv + 3);
	if (argc > 3 && strcmp(argv[1], "exec") == 0)
		return exec_in(argv[2], argv + 3);
	if (argc == 2 && strcmp(argv[1], "pin") == 0) {
		floor_pin_devices();
		return 0;
	}
	fputs("usage: floor run ROOTFS COMMAND... | floor exec PID COMMAND... | floor pin\n",
	      stderr);
	return 125;
}
