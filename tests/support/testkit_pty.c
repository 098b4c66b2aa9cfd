/* testkit pty: a program on a terminal, played by a script. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "testkit.h"

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
	for (double end = now() + 60; now() < end;) {
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

	for (double end = now() + 60; now() < end; usleep(10000))
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

int pty_main(char **words)
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
	/* To the end of what was said, or as long as somebody else holds the slave and says something. */
	close(keep);
	while (play.have < sizeof(play.said) - 1 &&
	       poll(&(struct pollfd){.fd = play.master, .events = POLLIN}, 1, 500) > 0 &&
	       play_read(&play, 0))
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
