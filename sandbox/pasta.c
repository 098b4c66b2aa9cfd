#include "sandbox/pasta.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/sys.h"
#include "net/address.h"
#include "net/link.h"

static const char interface_name[] = "eth0";

enum { TIMEOUT_MS = 10000, STEP_MS = 5 };

void pasta_end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, SIGKILL); /* our child, not yet reaped: the number is its own */
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*pid = 0;
}

/* --- The program --- */

/* No port comes in, and the host's loopback does not hide behind the gateway's address. */
static _Noreturn void run(const char *netns, int errors, pid_t parent)
{
	const char *const argv[] = {
		"pasta",        "--foreground", "--quiet",  "--netns-only", "--config-net",
		"--no-map-gw",  "--no-dhcp",    "--no-ra",  "--no-dhcpv6",  "--ns-ifname",
		interface_name, "--tcp-ports",  "none",     "--udp-ports",  "none",
		"--tcp-ns",     "none",         "--udp-ns", "none",         "--netns",
		netns,          NULL,
	};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	process_reset_signals();
	(void)setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || null < 0)
		_exit(126);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0)
		_exit(126);
	(void)close_range(3, ~0U, 0);
	(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static int explain(int status, int errors, struct error *err)
{
	char text[400] = "";
	ssize_t size = 0;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(err, ENOENT,
		                 "pasta is not there, which a user's sandbox with --net-allow "
		                 "needs: install it (Debian's package passt)");
	if (fcntl(errors, F_SETFL, O_NONBLOCK) == 0)
		size = read(errors, text, sizeof(text) - 1);
	text[size > 0 ? size : 0] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = c[1] ? ';' : '\0';
	return error_set(err, EIO, "pasta gives no network: %s",
	                 text[0] ? text : "it ended without a word");
}

/* --- Whether it has done its part --- */

static bool is_ready(struct netlink *nl)
{
	scoped_address_list list = {0};
	struct error ignored;
	struct link link;

	if (link_find(nl, interface_name, &link, &ignored) < 0 || !(link.flags & IFF_UP) ||
	    address_list(nl, link.index, &list, &ignored) < 0)
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].scope == RT_SCOPE_UNIVERSE &&
		    !(list.items[i].flags & IFA_F_TENTATIVE))
			return true;
	return false;
}

static void pause_shortly(void)
{
	const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

	(void)nanosleep(&step, NULL);
}

/* A child looks: who has entered the namespace as a user cannot come back. */
static _Noreturn void look(const char *netns, pid_t parent)
{
	scoped_fd fd = open(netns, O_RDONLY | O_CLOEXEC);
	scoped_netlink nl = NULL;
	struct error ignored;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || fd < 0 ||
	    setns(fd, CLONE_NEWNET) < 0 || netlink_open(-1, &nl, &ignored) < 0)
		_exit(1);
	while (!is_ready(nl))
		pause_shortly();
	_exit(0);
}

/* 1 when `pid` has ended (reaped, *pid is 0), 0 when it has not. */
static int has_ended(pid_t *pid, int *ret_status)
{
	pid_t r = waitpid(*pid, ret_status, WNOHANG);

	if (r == 0 || (r < 0 && errno == EINTR))
		return 0;
	*pid = 0;
	return 1;
}

static int wait_until_ready(const char *netns, pid_t *pasta, int errors, struct error *err)
{
	const pid_t parent = getpid();
	pid_t looker = fork();
	int status = 0;

	if (looker < 0)
		return error_errno(err, "pasta: fork");
	if (looker == 0)
		look(netns, parent);
	for (int waited = 0; waited < TIMEOUT_MS; waited += STEP_MS) {
		if (has_ended(pasta, &status)) {
			pasta_end(&looker);
			return explain(status, errors, err);
		}
		if (has_ended(&looker, &status))
			return WIFEXITED(status) && WEXITSTATUS(status) == 0
			               ? 0
			               : error_set(err, EIO, "pasta: its network cannot be seen");
		pause_shortly();
	}
	pasta_end(&looker);
	return error_set(err, ETIMEDOUT, "pasta gave no network within %d s", TIMEOUT_MS / 1000);
}

int pasta_start(const char *netns, pid_t *ret, struct error *err)
{
	const pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");

	scoped_fd errors = ends[0];
	scoped_fd write_end = ends[1];

	*ret = fork();
	if (*ret < 0)
		return error_errno(err, "start pasta");
	if (*ret == 0)
		run(netns, write_end, parent);

	int r = wait_until_ready(netns, ret, errors, err);

	if (r < 0)
		pasta_end(ret);
	return r;
}
