/*
 * For unit tests: functions that run in a child, if need be with a user namespace of its own, and report
 * by a message.
 */
#ifndef LVM_RUN_TESTS_SUPPORT_CHILD_H
#define LVM_RUN_TESTS_SUPPORT_CHILD_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macro.h"
#include "namespaces/user.h"

#define maybe_unused __attribute__((unused))

/* What a child has to say: null for success. */
typedef const char *child_function(void *data);

struct child {
	child_function *function;
	void *data;
	bool user_namespace;
};

/*
 * Ends a child that may be under a filter: the system call alone, because what sanitizers do around
 * _exit would be filtered, too.
 */
maybe_unused static void end_child(int code)
{
	for (;;)
		syscall(SYS_exit_group, code);
}

maybe_unused static void child_main(const struct child *child, int said, int go)
{
	char byte;
	const char *text = NULL;

	if (child->user_namespace) {
		if (unshare(CLONE_NEWUSER) < 0)
			text = "unshare";
		if (write(said, "", 1) != 1 || read(go, &byte, 1) != 1)
			end_child(1);
	}
	if (!text)
		text = child->function(child->data);
	if (text && write(said, text, strlen(text)) < 0)
		end_child(1);
	end_child(0);
}

/* Root maps a range, so that other ids exist; anybody else the one own id. */
maybe_unused static void map_child(pid_t pid)
{
	const bool root = geteuid() == 0;
	struct spec_id_mapping uid = {0, root ? 100000 : geteuid(), root ? 65536 : 1};
	struct spec_id_mapping gid = {0, root ? 100000 : getegid(), root ? 65536 : 1};
	struct spec_id_mappings uids = {&uid, 1}, gids = {&gid, 1};
	scoped_fd proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	if (user_write_maps(proc_fd, pid, &uids, &gids, &err) < 0)
		fail_msg("%s", err.text);
}

/* Runs the function in a child of its own; its message fails the test. Returns the wait status. */
maybe_unused static int run_child(const struct child *child)
{
	int said[2], go[2], status = 0;
	char text[1024] = "";

	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);

	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		close(said[0]);
		close(go[1]);
		child_main(child, said[1], go[0]);
	}
	close(said[1]);
	close(go[0]);
	if (child->user_namespace) {
		assert_int_equal(read(said[0], text, 1), 1);
		map_child(pid);
		assert_int_equal(write(go[1], "", 1), 1);
	}
	text[fd_read_all(said[0], text, sizeof(text) - 1)] = '\0';
	close(said[0]);
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (text[0])
		fail_msg("in the child: %s", text);
	return status;
}

maybe_unused static void run_in_user_namespace(child_function *function, void *data)
{
	const struct child child = {function, data, true};
	int status = run_child(&child);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

maybe_unused static void run_in_child(child_function *function, void *data)
{
	const struct child child = {function, data, false};
	int status = run_child(&child);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The value of a line of /proc/self/status as text; "" when there is none. For children. */
maybe_unused static const char *status_line(const char *key)
{
	static char text[8192];
	scoped_fd fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : fd_read_all(fd, text, sizeof(text) - 1);
	char *at;

	text[size > 0 ? size : 0] = '\0';
	at = strstr(text, key);
	if (!at)
		return "";
	at += strlen(key);
	at += strspn(at, ":\t ");
	at[strcspn(at, "\n")] = '\0';
	return at;
}

maybe_unused static uint64_t status_mask(const char *key)
{
	return strtoull(status_line(key), NULL, 16);
}

/* A message that lives as long as the child needs it. */
maybe_unused static const char *complain(const char *format, ...) printf_like(1, 2);
maybe_unused static const char *complain(const char *format, ...)
{
	static char text[900];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return text;
}

#endif
