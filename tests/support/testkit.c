/*
 * What integration tests need and no shell has: a static program that runs on the host and inside
 * containers (copy it there). testkit APPLET ARGUMENT…; each applet is described where it begins.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int busy_main(char **words); /* testkit_busy.c */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char text[4096];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length > 0 && write(STDOUT_FILENO, text, (size_t)length) < 0)
		_exit(4);
}

static int die(const char *what)
{
	fprintf(stderr, "testkit: %s: %s\n", what, strerror(errno));
	exit(3);
}

static int number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- memory MIB: fills so much, says "ready", then again and again whether it is as it was --- */

static uint64_t mixed(uint64_t number)
{
	number = (number ^ number >> 31) * 0x9e3779b97f4a7c15U;
	return number ^ number >> 29;
}

static int memory_main(char **words)
{
	const struct timespec pause_time = {0, 50000000};
	size_t count = (size_t)number(words[0]) * 1024 * 1024 / sizeof(uint64_t);
	uint64_t *memory = malloc(count * sizeof(*memory));

	if (!memory)
		return die("malloc");
	for (size_t i = 0; i < count; i++)
		memory[i] = mixed(i + 1);
	say("ready\n");
	for (;;) {
		size_t bad = 0;

		for (size_t i = 0; i < count; i++)
			bad += memory[i] != mixed(i + 1);
		if (bad)
			say("%zu words are bad\n", bad);
		else
			say("good\n");
		nanosleep(&pause_time, NULL);
	}
}

/* --- count: a number a line, about fifty a second --- */

static int count_main(char **words)
{
	const struct timespec pause_time = {0, 20000000};

	(void)words;
	for (unsigned long n = 1; n; n++) {
		say("%lu\n", n);
		nanosleep(&pause_time, NULL);
	}
	return 0;
}

/* --- pause: an idle program that ends at every signal with a default action --- */

static int pause_main(char **words)
{
	(void)words;
	while (pause() < 0)
		;
	return 0;
}

/* --- clock ID: the seconds of that clock --- */

static int clock_main(char **words)
{
	struct timespec time;

	if (!words[0] || clock_gettime(number(words[0]), &time) < 0)
		return die("clock");
	say("%lld\n", (long long)time.tv_sec);
	return 0;
}

/* --- sys NAME|NUMBER ARGUMENT…: one system call; "ok RESULT" or the name of its error.
 *     An argument is a number, or @TEXT for a pointer to it. int80: the same as i386 does --- */

static const struct {
	const char *name;
	long number;
} calls[] = {
	{"getppid", SYS_getppid},
	{"getpriority", SYS_getpriority},
	{"mkdirat", SYS_mkdirat},
	{"personality", SYS_personality},
	{"socket", SYS_socket},
	{"sync", SYS_sync},
	{"umask", SYS_umask},
	{"unshare", SYS_unshare},
	{"clone3", SYS_clone3},
	{"keyctl", SYS_keyctl},
	{"ioprio_get", SYS_ioprio_get},
	{"sched_getscheduler", SYS_sched_getscheduler},
	{"mount", SYS_mount},
	{"open_by_handle_at", SYS_open_by_handle_at},
	{"bpf", SYS_bpf},
	{"io_uring_setup", SYS_io_uring_setup},
};

static long find_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return strtol(name, NULL, 0);
}

static int show_result(long result, int error)
{
	if (result >= 0)
		say("ok %ld\n", result);
	else
		say("%s\n", strerrorname_np(error));
	return result >= 0 ? 0 : 1;
}

static int sys_main(char **words)
{
	long values[6] = {0};

	if (!words[0])
		return 2;
	for (size_t i = 0; i < 6 && words[i + 1]; i++)
		values[i] = words[i + 1][0] == '@' ? (long)(words[i + 1] + 1)
		                                   : (long)strtoull(words[i + 1], NULL, 0);
	errno = 0;

	long result = syscall(find_call(words[0]), values[0], values[1], values[2], values[3],
	                      values[4], values[5]);

	return show_result(result, errno);
}

static int int80_main(char **words)
{
#ifdef __x86_64__
	int result = (int)strtol(words[0], NULL, 0);

	/* The numbers of i386, entered the way its programs do. */
	__asm__ volatile("int $0x80"
	                 : "+a"(result)
	                 : "b"(0), "c"(0), "d"(0)
	                 : "memory", "r8", "r9", "r10", "r11");
	return show_result(result < 0 ? -1 : result, -result);
#else
	(void)words;
	say("no i386\n");
	return 77;
#endif
}

/* --- listening --- */

static int listen_on(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 8) < 0)
		die(path);
	return fd;
}

/* One message: its bytes, and the first of its descriptors. */
static ssize_t receive(int connection, char *text, size_t size, int *ret_fd, size_t *ret_fds)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = text, .iov_len = size};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control.data,
	                         .msg_controllen = sizeof(control.data)};
	ssize_t got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);

	*ret_fds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); got >= 0 && c;
	     c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			*ret_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
		}
	return got;
}

/* --- console SOCKET: takes a terminal as engines do. First the line "bytes N fds N tty 0|1", then
 *     what the terminal says until its other side is closed; standard input goes to it --- */

static void carry(int terminal, int in)
{
	char data[4096];
	struct pollfd fds[] = {{.fd = terminal, .events = POLLIN}, {.fd = in, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return;
		if (fds[0].revents) {
			ssize_t got = read(terminal, data, sizeof(data));

			if (got <= 0 || write(STDOUT_FILENO, data, (size_t)got) < 0)
				return;
		}
		if (fds[1].revents) {
			ssize_t got = read(in, data, sizeof(data));

			if (got <= 0)
				fds[1].fd = -1;
			else if (write(terminal, data, (size_t)got) < 0)
				return;
		}
	}
}

static int console_main(char **words)
{
	char text[4096];
	size_t fds;
	int terminal = -1;
	int connection = accept(listen_on(words[0]), NULL, NULL);
	ssize_t got =
		connection < 0 ? -1 : receive(connection, text, sizeof(text), &terminal, &fds);

	if (got < 0)
		return die("console");
	say("bytes %zd fds %zu tty %d\n", got, fds, terminal >= 0 && isatty(terminal));
	carry(terminal, STDIN_FILENO);
	return 0;
}

/* --- stall SOCKET: a server that takes every connection and never says a word --- */

static int stall_main(char **words)
{
	int fd = listen_on(words[0]);

	say("listening\n");
	for (;;)
		(void)accept(fd, NULL, NULL);
	return 0;
}

/* --- notified SOCKET: prints the datagrams that come in, a line each, until one has STOPPING=1 --- */

static int notified_main(char **words)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096] = "";

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", words[0]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return die(words[0]);
	while (!strstr(text, "STOPPING=1")) {
		ssize_t got = recv(fd, text, sizeof(text) - 1, 0);

		if (got < 0)
			return die("recv");
		text[got] = '\0';
		for (char *c = text; *c; c++)
			*c = *c == '\n' ? ' ' : *c;
		say("%s\n", text);
	}
	return 0;
}

/* --- notify TEXT…: sends the words, a line each, to $NOTIFY_SOCKET --- */

static int notify_main(char **words)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096] = "";

	if (!path || fd < 0)
		return die("NOTIFY_SOCKET");
	for (; *words; words++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
		         *text ? "\n" : "", *words);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address)) < 0)
		return die(path);
	return 0;
}

/* --- pidfd SOCKET: takes a pidfd and prints the process id behind it --- */

static int pidfd_main(char **words)
{
	char text[4096];
	size_t fds;
	int fd = -1;
	int connection = accept(listen_on(words[0]), NULL, NULL);

	if (connection < 0 || receive(connection, text, sizeof(text), &fd, &fds) < 0 || fds != 1)
		return die("pidfd");
	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", fd);

	FILE *info = fopen(text, "re");
	int pid = 0;

	while (info && fgets(text, sizeof(text), info))
		if (sscanf(text, "Pid: %d", &pid) == 1)
			say("%d\n", pid);
	return pid > 0 ? 0 : 1;
}

/* --- agent SOCKET FILE [COUNT]: a seccomp agent. The state of each connection goes to FILE, a line
 *     each; each call of a filter's process is answered with the result 42. Ends after COUNT
 *     connections (1) when nobody has their filters any more --- */

static void answer(int listener)
{
	struct seccomp_notif request;
	struct seccomp_notif_resp response;
	struct pollfd fd = {.fd = listener, .events = POLLIN};

	while (poll(&fd, 1, -1) > 0 && !(fd.revents & POLLHUP)) {
		memset(&request, 0, sizeof(request));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
			continue;
		response = (struct seccomp_notif_resp){.id = request.id, .val = 42};
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
	}
}

static int agent_main(char **words)
{
	int server = listen_on(words[0]);
	int out = open(words[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	static char text[65536];

	for (int left = words[2] ? number(words[2]) : 1; left > 0; left--) {
		size_t fds;
		int listener = -1;
		int connection = accept(server, NULL, NULL);
		ssize_t got = receive(connection, text, sizeof(text) - 1, &listener, &fds);

		if (got < 0 || fds != 1)
			return die("agent");
		text[got] = '\n';
		if (write(out, text, (size_t)got + 1) < 0)
			return die("agent");
		close(connection);
		if (fork() == 0) {
			answer(listener);
			_exit(0);
		}
		close(listener);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

/* --- pty ROWS COLUMNS COMMAND…: runs the command on a terminal of its own. Standard input holds
 *     the play, a line a step: send TEXT (with a newline; \\xHH is a byte), wait TEXT, resize R C,
 *     signal N, sleep MS, raw|cooked (fails unless the terminal is in that mode), end (waits).
 *     What the terminal says goes to standard output; the exit status is the command's --- */

struct play {
	int master;
	pid_t child;
	size_t seen; /* how much of it the waits have passed */
	size_t have;
	char said[1 << 20];
};

static bool play_read(struct play *play, int milliseconds)
{
	struct pollfd fd = {.fd = play->master, .events = POLLIN};

	if (poll(&fd, 1, milliseconds) <= 0)
		return true;

	ssize_t got =
		read(play->master, play->said + play->have, sizeof(play->said) - 1 - play->have);

	if (got <= 0)
		return false;
	if (write(STDOUT_FILENO, play->said + play->have, (size_t)got) < 0)
		_exit(4);
	play->have += (size_t)got;
	play->said[play->have] = '\0';
	return true;
}

static bool play_wait(struct play *play, const char *text)
{
	for (double end = now() + 10; now() < end;) {
		char *found = strstr(play->said + play->seen, text);

		if (found) {
			play->seen = (size_t)(found - play->said) + strlen(text);
			return true;
		}
		if (!play_read(play, 100) && !strstr(play->said + play->seen, text))
			break;
	}
	fprintf(stderr, "testkit: pty: waited in vain: %s\n", text);
	return false;
}

static bool play_send(struct play *play, const char *text)
{
	char data[4096];
	size_t size = 0;
	unsigned int byte;

	for (; *text && size < sizeof(data) - 1; text++) {
		if (sscanf(text, "\\x%2x", &byte) == 1 && text[0] == '\\') {
			data[size++] = (char)byte;
			text += 3;
		} else {
			data[size++] = *text;
		}
	}
	if (size == 0 || data[size - 1] >= ' ')
		data[size++] = '\n';
	return write(play->master, data, size) == (ssize_t)size;
}

static bool play_mode(const struct play *play, bool raw)
{
	struct termios mode;

	for (double end = now() + 5; now() < end; usleep(10000))
		if (tcgetattr(play->master, &mode) == 0 && !(mode.c_lflag & ICANON) == raw)
			return true;
	fprintf(stderr, "testkit: pty: the terminal is %s\n", raw ? "cooked" : "raw");
	return false;
}

static bool play_step(struct play *play, const char *step)
{
	struct winsize size = {0};
	const char *rest = strchr(step, ' ');

	rest = rest ? rest + 1 : "";
	if (strncmp(step, "send", 4) == 0)
		return play_send(play, rest);
	if (strncmp(step, "wait", 4) == 0)
		return play_wait(play, rest);
	if (sscanf(step, "resize %hu %hu", &size.ws_row, &size.ws_col) == 2)
		return ioctl(play->master, TIOCSWINSZ, &size) == 0;
	if (strncmp(step, "signal", 6) == 0)
		return kill(play->child, number(rest)) == 0;
	if (strncmp(step, "sleep", 5) == 0)
		return usleep((useconds_t)number(rest) * 1000) == 0;
	if (strcmp(step, "raw") == 0 || strcmp(step, "cooked") == 0)
		return play_mode(play, step[0] == 'r');
	if (strcmp(step, "end") != 0)
		return false;
	for (siginfo_t end = {0}; end.si_pid == 0 && play_read(play, 100);)
		if (waitid(P_PID, (id_t)play->child, &end, WEXITED | WNOWAIT | WNOHANG) < 0)
			break;
	return true;
}

static pid_t start_on_terminal(int master, int keep, char **command)
{
	char name[64];

	if (grantpt(master) < 0 || unlockpt(master) < 0 || ptsname_r(master, name, sizeof(name)))
		die("pty");

	pid_t child = fork();

	if (child != 0)
		return child;
	setsid();

	int slave = open(name, O_RDWR);

	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
		die("pty");
	for (int fd = 0; fd < 3; fd++)
		dup2(slave, fd);
	if (slave > 2)
		close(slave);
	close(keep);
	close(master);
	execvp(command[0], command);
	_exit(127);
}

static int pty_main(char **words)
{
	static struct play play;
	struct winsize size = {0};
	char name[64];
	char step[4096];
	int status = 0;

	if (!words[0] || !words[1] || !words[2])
		return 2;
	size.ws_row = (unsigned short)number(words[0]);
	size.ws_col = (unsigned short)number(words[1]);
	play.master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (play.master < 0 || ioctl(play.master, TIOCSWINSZ, &size) < 0)
		return die("pty");
	unlockpt(play.master);
	/* Our own hold on the slave, so that its mode can be seen to the end. */
	if (ptsname_r(play.master, name, sizeof(name)))
		return die("pty");

	int keep = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

	play.child = start_on_terminal(play.master, keep, words + 2);
	while (fgets(step, sizeof(step), stdin)) {
		step[strcspn(step, "\n")] = '\0';
		if (!play_step(&play, step)) {
			fprintf(stderr, "testkit: pty: failed: %s\n", step);
			kill(play.child, SIGKILL);
			return 99;
		}
	}
	if (waitpid(play.child, &status, 0) < 0)
		return die("wait");
	while (play.have < sizeof(play.said) - 1 &&
	       poll(&(struct pollfd){.fd = play.master, .events = POLLIN}, 1, 50) > 0 &&
	       play_read(&play, 0))
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- snoop SECONDS [write]: looks through every /proc/PID/{exe,cwd,root,fd/…} of others again and
 *     again. Prints what leads to a file that is on no file system of the container and no pipe,
 *     socket or the like; with "write", what could be opened for writing through an exe. The last
 *     line is "looked N", with the number of links followed --- */

static dev_t known[64];
static size_t known_count;

static bool is_known(dev_t device)
{
	for (size_t i = 0; i < known_count; i++)
		if (known[i] == device)
			return true;
	return false;
}

static void learn(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !is_known(st.st_dev) && known_count < 64)
		known[known_count++] = st.st_dev;
}

static void learn_own(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	char path[4096];
	int pipes[2];

	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1)
			learn(path);
	if (mounts)
		fclose(mounts);
	for (int fd = 0; fd < 3; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		learn(path);
	}
	if (pipe(pipes) == 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", pipes[0]);
		learn(path);
	}

	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	learn(path);
}

static unsigned long looked;

static void look_at(const char *path, bool try_write)
{
	struct stat st;
	char target[256] = "";
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return;
	looked++;
	if (fstat(fd, &st) == 0 && !is_known(st.st_dev) &&
	    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))) {
		if (readlink(path, target, sizeof(target) - 1) < 0)
			target[0] = '\0';
		say("foreign %s -> %s\n", path, target);
	}
	close(fd);
	if (!try_write)
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (fstat(fd, &st) == 0 && !is_known(st.st_dev))
			say("writable %s\n", path);
		close(fd);
	}
}

static void look_at_process(const char *pid, bool try_write)
{
	static const char *const links[] = {"cwd", "root"};
	char path[512];

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	look_at(path, try_write);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%s/%s", pid, links[i]);
		look_at(path, false);
	}
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);

	DIR *fds = opendir(path);

	for (struct dirent *fd; fds && (fd = readdir(fds));) {
		if (fd->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fd/%.40s", pid, fd->d_name);
		look_at(path, false);
	}
	if (fds)
		closedir(fds);
}

static int snoop_main(char **words)
{
	double end = now() + strtod(words[0], NULL);
	bool try_write = words[1] != NULL;
	char self[16];

	learn_own();
	snprintf(self, sizeof(self), "%d", getpid());
	say("ready\n");
	while (now() < end) {
		DIR *processes = opendir("/proc");

		for (struct dirent *entry; processes && (entry = readdir(processes));)
			if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
			    strcmp(entry->d_name, self) != 0)
				look_at_process(entry->d_name, try_write);
		if (processes)
			closedir(processes);
	}
	say("looked %lu\n", looked);
	return 0;
}

/* --- careless COMMAND…: runs it, and leaves unreaped whatever of it loses its parent --- */

static int careless_main(char **words)
{
	int status = 0;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return die("prctl");

	pid_t pid = fork();

	if (pid == 0) {
		(void)execvp(words[0], words);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return die(words[0]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- */

int main(int count, char **words)
{
	static const struct {
		const char *name;
		int (*run)(char **words);
		int least;
	} applets[] = {
		{"agent", agent_main, 2},       {"clock", clock_main, 1},
		{"console", console_main, 1},   {"int80", int80_main, 1},
		{"pause", pause_main, 0},       {"count", count_main, 0},
		{"busy", busy_main, 0},         {"pidfd", pidfd_main, 1},
		{"pty", pty_main, 3},           {"snoop", snoop_main, 1},
		{"sys", sys_main, 1},           {"stall", stall_main, 1},
		{"notified", notified_main, 1}, {"notify", notify_main, 1},
		{"memory", memory_main, 1},     {"careless", careless_main, 1},
	};

	for (size_t i = 0; count > 1 && i < sizeof(applets) / sizeof(applets[0]); i++)
		if (strcmp(applets[i].name, words[1]) == 0 && count - 2 >= applets[i].least)
			return applets[i].run(words + 2);
	fprintf(stderr, "testkit: unknown applet, or words are missing\n");
	return 2;
}
