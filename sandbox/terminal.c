#include "sandbox/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_is_ours(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void terminal_copy_size(const struct terminal *terminal)
{
	struct winsize size;

	if (terminal->master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 &&
	    (size.ws_row || size.ws_col))
		(void)ioctl(terminal->master, TIOCSWINSZ, &size);
}

/* In the background changing the mode would stop us, and what is typed is for others. */
static void make_raw(struct terminal *terminal)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO))
		return;
	terminal->away = !terminal_is_ours();
	terminal->in.from = terminal->away ? -1 : STDIN_FILENO;
	if (terminal->raw || terminal->away || tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
		return;
	raw = terminal->saved;
	cfmakeraw(&raw);
	terminal->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

int terminal_begin(struct terminal *terminal, int master, struct error *err)
{
	if (master < 0)
		return 0;
	if (pump_begin(&terminal->in, STDIN_FILENO, master) < 0 ||
	    pump_begin(&terminal->out, master, STDOUT_FILENO) < 0)
		return error_code(err, ENOMEM, "terminal");
	(void)fcntl(master, F_SETFL, O_NONBLOCK);
	terminal->master = master;
	terminal_resume(terminal);
	return 0;
}

void terminal_resume(struct terminal *terminal)
{
	if (terminal->master < 0)
		return;
	make_raw(terminal);
	terminal_copy_size(terminal);
}

void terminal_end(struct terminal *terminal)
{
	if (terminal->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->saved);
	terminal->raw = false;
}

void terminal_stop(struct terminal *terminal, bool group)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};
	struct sigaction before;
	sigset_t stop;

	terminal_end(terminal);
	if (sigemptyset(&stop) < 0 || sigaddset(&stop, SIGTSTP) < 0 ||
	    sigaction(SIGTSTP, &action, &before) < 0)
		return;
	(void)kill(group ? 0 : getpid(), SIGTSTP);
	/* It has waited until here; we stand still in this call. */
	(void)sigprocmask(SIG_UNBLOCK, &stop, NULL);
	(void)sigprocmask(SIG_BLOCK, &stop, NULL);
	(void)sigaction(SIGTSTP, &before, NULL);
	terminal_resume(terminal);
}
