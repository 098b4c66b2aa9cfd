/*
 * What a hostile build tries, one attempt an applet: hostile APPLET ARGUMENT…. Static, to run inside any
 * sandbox. An attempt at a system call prints "NAME ok" or "NAME ERRNO".
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define unused __attribute__((unused))

static void tell(const char *name, long result)
{
	printf("%s %s\n", name, result >= 0 ? "ok" : strerrorname_np(errno));
	fflush(stdout);
}

/* --- calls: each with arguments that do no harm where it is allowed --- */

/* clone with namespaces, in a child that ends at once. */
static long try_clone(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
	return pid;
}

static long in_child(long (*attempt)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(attempt() >= 0 ? 0 : errno);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static long try_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_traceme(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_socket(int family, int type, int protocol)
{
	int fd = socket(family, type, protocol);

	if (fd >= 0)
		(void)close(fd);
	return fd;
}

static int calls_main(char **words)
{
	char byte = 'x';
	const char *file = words[0] ? words[0] : "hostile-file";
	int fd = open(file, O_CREAT | O_RDWR, 0755);
	uint32_t params[64] = {0};

	tell("tiocsti", ioctl(0, TIOCSTI, &byte));
	tell("tiocsti-high", syscall(SYS_ioctl, 0, 0x100000000UL | TIOCSTI, &byte));
	tell("tioclinux", ioctl(0, TIOCLINUX, &byte));
	tell("chmod-setuid", chmod(file, 04755));
	tell("fchmod-setgid", fchmod(fd, 02755));
	tell("fchmodat-setuid", fchmodat(AT_FDCWD, file, 04755, 0));
	tell("fchmodat2-setuid", syscall(452, AT_FDCWD, file, 04755, 0));
	(void)unlink(file);
	tell("open-setuid", open(file, O_CREAT | O_RDWR | O_EXCL, 04755));
	(void)unlink(file);
	tell("chmod", fd >= 0 ? fchmod(fd, 0700) : -1);
	tell("unshare-user", in_child(try_unshare));
	tell("clone-user", try_clone(CLONE_NEWUSER));
	tell("clone-net", try_clone(CLONE_NEWNET));
	tell("clone", try_clone(0));
	tell("ptrace", in_child(try_traceme));
	tell("process-vm-readv", syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0));
	tell("io-uring", syscall(SYS_io_uring_setup, 1, params));
	tell("keyctl", syscall(SYS_keyctl, 0, -3, 0));
	tell("bpf", syscall(SYS_bpf, 0, NULL, 0));
	tell("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	tell("userfaultfd", syscall(SYS_userfaultfd, 1));
	tell("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0));
	tell("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	tell("setns", syscall(SYS_setns, -1, 0));
	tell("unknown", syscall(999));
	tell("personality", personality(ADDR_NO_RANDOMIZE));
	tell("personality-odd", personality(0x0200000));
	tell("socket-unix", try_socket(AF_UNIX, SOCK_STREAM, 0));
	tell("socket-inet", try_socket(AF_INET, SOCK_STREAM, 0));
	tell("socket-alg", try_socket(38, SOCK_SEQPACKET, 0));
	tell("socket-vsock", try_socket(40, SOCK_STREAM, 0));
	tell("socket-packet", try_socket(AF_PACKET, SOCK_RAW, 0));
	tell("socket-audit", try_socket(AF_NETLINK, SOCK_RAW, 9));
	tell("mknod-device", mknod("hostile-device", S_IFBLK | 0600, makedev(8, 0)));
	return 0;
}

/* --- bombs --- */

/* Forks as long as it can; the children wait. Exits 1 when it was stopped by an error. */
static int forks_main(char **words)
{
	int most = (int)strtol(words[0], NULL, 10);

	for (int i = 0; i < most; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0) {
			(void)pause();
			_exit(0);
		}
	}
	return 0;
}

enum { MIB = 1024 * 1024 };

static void fill(char *memory, size_t size)
{
	if (memory == MAP_FAILED || !memory)
		exit(1);
	memset(memory, 1, size);
}

/* A MiB that waits in a socket. */
static bool fill_sockets(void)
{
	static char chunk[65536];
	int ends[2];

	for (int k = 0; k < 16; k++)
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0 ||
		    write(ends[1], chunk, sizeof(chunk)) < 0)
			return false;
	return true;
}

/* A MiB of page tables: a page of zeroes read in each of 256 stretches of 2 MiB. */
static bool fill_tables(void)
{
	const size_t stretch = 2UL * MIB, size = 256 * stretch;
	volatile char *memory =
		mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	(void)madvise((void *)(uintptr_t)memory, size, MADV_NOHUGEPAGE);
	for (size_t at = 0; at < size; at += stretch)
		(void)memory[at];
	return true;
}

/* hostile memory KIND MIB: touches so much of it. */
static int memory_main(char **words)
{
	const char *kind = words[0];
	size_t count = (size_t)strtol(words[1], NULL, 10);
	struct rlimit files;
	int fd = -1;

	/* It is memory that is to run out first. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}

	if (strcmp(kind, "memfd") == 0)
		fd = memfd_create("bomb", 0);
	if (strcmp(kind, "tmpfs") == 0)
		fd = open("/dev/shm/bomb", O_CREAT | O_RDWR, 0600);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(kind, "pipes") == 0) {
			int ends[2];
			static char chunk[65536];

			for (int k = 0; k < 16; k++)
				if (pipe2(ends, O_NONBLOCK) < 0 ||
				    write(ends[1], chunk, sizeof(chunk)) < 0)
					return 1;
		} else if (strcmp(kind, "sockets") == 0 || strcmp(kind, "tables") == 0) {
			if (!(kind[0] == 's' ? fill_sockets() : fill_tables()))
				return 1;
		} else if (strcmp(kind, "sysv") == 0) {
			fill(shmat(shmget(IPC_PRIVATE, MIB, 0600), NULL, 0), MIB);
		} else if (fd >= 0) {
			if (ftruncate(fd, (off_t)(i + 1) * MIB) < 0)
				return 1;
			fill(mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			          (off_t)i * MIB),
			     MIB);
		} else {
			fill(mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			          -1, 0),
			     MIB);
		}
	}
	return 0;
}

/* hostile inodes DIR: empty files until there are no more. */
static int inodes_main(char **words)
{
	char name[4096];

	for (long i = 0;; i++) {
		snprintf(name, sizeof(name), "%s/%ld", words[0], i);

		int fd = open(name, O_CREAT | O_WRONLY, 0600);

		if (fd < 0)
			return errno == ENOSPC ? 1 : 2;
		(void)close(fd);
	}
}

/* --- sockets --- */

/* hostile listen NAME: an abstract socket; prints "connected" for the first that comes. */
static struct sockaddr_un abstract(const char *name, socklen_t *ret_size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path + 1, name, strlen(name));
	*ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	return address;
}

static int listen_main(char **words)
{
	socklen_t size = 0;
	struct sockaddr_un address = abstract(words[0], &size);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4) < 0)
		return 3;
	puts("listening");
	fflush(stdout);
	if (accept(fd, NULL, NULL) < 0)
		return 3;
	puts("connected");
	return 0;
}

static int connect_main(char **words)
{
	socklen_t size = 0;
	struct sockaddr_un address = abstract(words[0], &size);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	tell("connect", connect(fd, (struct sockaddr *)&address, size));
	return 0;
}

/* --- outputs: a directory full of what nobody wants to collect --- */

static int outputs_main(char **words)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};

	if ((mkdir(words[0], 0755) < 0 && errno != EEXIST) || chdir(words[0]) < 0)
		return 1;

	int fd = open("good", O_CREAT | O_WRONLY, 0644);

	if (write(fd, "good\n", 5) != 5)
		return 1;
	(void)!link("good", "hard-link");
	(void)!symlink("good", "link-inside");
	(void)!symlink("/etc/passwd", "link-absolute");
	(void)!symlink("../../outside", "link-out");
	(void)!symlink(".", "dot");
	(void)!symlink("dot/dot/../../../outside", "link-through");
	(void)!mkfifo("fifo", 0644);
	(void)!mknod("device", S_IFCHR | 0666, makedev(1, 3));
	(void)!bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address));
	(void)!truncate("good", 5);
	(void)!close(open("sparse", O_CREAT | O_WRONLY, 0644));
	(void)!truncate("sparse", 1L << 40);
	(void)!close(open("new\nline", O_CREAT | O_WRONLY, 0644));
	(void)!close(open("executable", O_CREAT | O_WRONLY, 0755));
	return 0;
}

/* hostile daemon FILE: leaves a process behind that goes on writing, whatever is asked of it. */
static int daemon_main(char **words)
{
	if (fork() > 0)
		return 0;
	(void)setsid();
	if (fork() > 0)
		_exit(0);
	for (int s = 1; s < 64; s++)
		(void)signal(s, SIG_IGN);
	for (;;) {
		int fd = open(words[0], O_CREAT | O_WRONLY | O_APPEND, 0644);

		(void)!write(fd, "x\n", 2);
		(void)close(fd);
		(void)usleep(2000);
	}
}

/* hostile foreign i386|x32: a system call of another architecture; prints what it gave. */
static int foreign_main(char **words)
{
	long result = -ENOSYS;

#ifdef __x86_64__
	if (strcmp(words[0], "i386") == 0)
		__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	else
		result = syscall(0x40000000 + SYS_getpid);
#endif
	tell(words[0], result);
	return result < 0;
}

/* hostile threads: what a program does early and seldom: vfork, threads, a child that runs itself. */
static void *nothing(void *data)
{
	return data;
}

static int threads_main(char **words unused)
{
	pthread_t thread;
	int status = 0;
	pid_t pid = vfork();

	if (pid == 0) {
		(void)execl("/proc/self/exe", "hostile", "exit", NULL);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status ||
	    pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
		return 1;
	puts("done");
	return 0;
}

/* hostile denied COUNT: so many calls that are denied. */
static int denied_main(char **words)
{
	for (long i = strtol(words[0], NULL, 10); i > 0; i--)
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) >= 0 || errno != EPERM)
			return 1;
	return 0;
}

/* The number of the session keyring. */
static int keyring_main(char **words unused)
{
	long serial = syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 0);

	if (serial < 0)
		tell("keyring", serial);
	else
		printf("keyring %ld\n", serial);
	return 0;
}

static int exit_main(char **words unused)
{
	return 0;
}

static const struct {
	const char *name;
	int words;
	int (*run)(char **words);
} applets[] = {
	{"calls", 0, calls_main},     {"forks", 1, forks_main},   {"memory", 2, memory_main},
	{"inodes", 1, inodes_main},   {"listen", 1, listen_main}, {"connect", 1, connect_main},
	{"outputs", 1, outputs_main}, {"daemon", 1, daemon_main}, {"foreign", 1, foreign_main},
	{"threads", 0, threads_main}, {"exit", 0, exit_main},     {"keyring", 0, keyring_main},
	{"denied", 1, denied_main},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(applets) / sizeof(applets[0]); i++)
		if (strcmp(applets[i].name, argv[1]) == 0 && argc - 2 >= applets[i].words)
			return applets[i].run(argv + 2);
	fprintf(stderr, "hostile: unknown applet, or words are missing\n");
	return 2;
}
