#include "checkpoint/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"

void verify_done(struct verify *verify)
{
	struct error ignored;
	int status = 0;

	fd_close(&verify->report);
	if (verify->process.pidfd < 0)
		return;
	(void)!process_signal(&verify->process, SIGKILL, &ignored);
	(void)!process_reap(&verify->process, &status, &ignored);
	process_done(&verify->process);
}

/* It holds the lock of the container too: a killed restore takes it along, also one that is dead already. */
static void check(pid_t caller, int directory, const struct facts *facts, int report)
{
	struct error err = {0};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != caller)
		_exit(1);
	(void)!facts_check_pages(directory, facts, &err);
	_exit(fd_write_all(report, &err, sizeof(err)) < 0);
}

int verify_start(int directory, const struct facts *facts, struct verify *ret, struct error *err)
{
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&ret->process.pidfd,
		.exit_signal = SIGCHLD,
	};
	int report[2];

	if (facts->page_count == 0)
		return 0;
	if (pipe2(report, O_CLOEXEC) < 0)
		return error_errno(err, "pipe");

	const pid_t caller = getpid();
	pid_t pid = sys_clone3(&args);

	if (pid == 0)
		check(caller, directory, facts, report[1]);
	fd_close(&report[1]);
	if (pid < 0) {
		fd_close(&report[0]);
		return error_errno(err, "process that checks the images");
	}
	ret->process.pid = pid;
	ret->report = report[0];
	return 0;
}

int verify_finish(struct verify *verify, struct error *err)
{
	struct error result;

	if (verify->report < 0)
		return 0;
	if (fd_read_all(verify->report, &result, sizeof(result)) != (ssize_t)sizeof(result))
		return error_set(err, EPROTO, "the process that checks the images has died");
	fd_close(&verify->report);
	if (result.code == 0)
		return 0;
	*err = result;
	return -result.code;
}
