/*
 * lvm-run-init COMMAND…: pid 1 of a sandbox that becomes a template (sandbox/warm.h). It starts COMMAND, says
 * on the socket that it gets as standard input how that ended (its wait status, an int), and from then on only
 * reaps. Nothing of it is tied to the outside by then, so that it can be saved with all that runs, and restored.
 *
 * A program of its own, since what is saved needs a file that the sandbox can name. It is confined as COMMAND is,
 * and not dumpable, so that nobody inside can look into it. It ends with the process that made it: with that
 * it is restored, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SETUP = 125, EXIT_NOT_RUN = 126, EXIT_NOT_FOUND = 127, EXIT_ORPHANED = 137 };

static int fail(const char *what)
{
	(void)dprintf(STDERR_FILENO, "lvm-run-init: %s: %s\n", what, strerror(errno));
	return EXIT_SETUP;
}

/* Standard input is the socket at first, and then as empty as for any daemon: what can be restored anywhere. */
static int take_socket(void)
{
	int copy = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (copy < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || close(null) < 0)
		return -1;
	return copy;
}

static void become(char **command)
{
	sigset_t none;

	(void)setpgid(0, 0);
	if (sigemptyset(&none) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		(void)execvp(command[0], command);

	const int status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;

	(void)fail(command[0]);
	_exit(status);
}

/* All that has ended; true when the command was among them, whose status *ret is then. */
static int reap(pid_t command, int *ret)
{
	int found = 0, status = 0;

	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return found;
		if (pid == command) {
			*ret = status;
			found = 1;
		}
	}
}

/* `socket` −1 and `command` 0 once it has been said how that ended. */
static int watch(int signals, int socket, pid_t command)
{
	for (;;) {
		struct pollfd both[] = {
			{.fd = signals, .events = POLLIN},
			{.fd = socket, .events = POLLIN},
		};
		struct signalfd_siginfo info;
		int status = 0;

		if (poll(both, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return EXIT_ORPHANED;
		}
		/* Nothing is ever said on it: the other end is closed. */
		if (both[1].revents)
			return EXIT_ORPHANED;
		if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
			continue;
		if (info.ssi_signo != SIGCHLD && command) {
			(void)kill(-command, (int)info.ssi_signo);
		} else if (info.ssi_signo == SIGCHLD && reap(command, &status)) {
			if (write(socket, &status, sizeof(status)) != (ssize_t)sizeof(status))
				return EXIT_ORPHANED;
			(void)close(socket);
			socket = -1;
			command = 0;
		}
	}
}

int main(int argc, char **argv)
{
	sigset_t all;

	if (argc < 2 || prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    sigfillset(&all) < 0 || sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return fail("start");

	int socket = take_socket();
	int signals = signalfd(-1, &all, SFD_CLOEXEC);

	if (socket < 0 || signals < 0)
		return fail("descriptors");

	pid_t command = fork();

	if (command == 0)
		become(argv + 1);
	if (command < 0)
		return fail("fork");
	return watch(signals, socket, command);
}
