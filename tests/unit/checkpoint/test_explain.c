#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "checkpoint/explain.h"

/* Lines as CRIU writes them. */
static const struct {
	const char *line;
	const char *meaning; /* a part of it */
} lines[] = {
	{"(00.01) Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds", "4.1.1"},
	{"(00.01) Error (criu/mount-v2.c:1): mnt-v2: Failed to make mount 12 slave", "propagation"},
	{"(00.01) Error (criu/mount.c:1): mnt: 12:./etc/hosts doesn't have a proper root mount",
         "config.json"},
	{"(00.01) Error (criu/files-reg.c:1): Can't lookup mount=27 for fd=1 path=/tmp/o",
         "leaked descriptor"},
	{"(00.01) Error (criu/fsnotify.c:1): fsnotify: Can't dump that handle", "index=on"},
	{"(00.01) Error (criu/files-reg.c:1): Can't dump ghost file /t of 8388608 size, increase "
         "limit",
         "--ghost-limit"},
	{"(00.01) Error (criu/sk-inet.c:1): inet: Connected TCP socket, consider using "
         "--tcp-established option.",
         "--tcp-established"},
	{"(00.01) Error (criu/sk-unix.c:1): unix: External socket is used. Consider using "
         "--ext-unix-sk option.",
         "--ext-unix-sk"},
	{"(00.01) Error (criu/namespaces.c:1): Can't dump nested uts namespace for 12",
         "namespaces of its own"},
	{"(00.01) Error (criu/cr-dump.c:1): Locking network failed: iptables", "--network-lock"},
	{"(00.01) Error (criu/tty.c:1): tty: No task found with sid 12", "--shell-job"},
	{"(00.01) Error (criu/file-lock.c:1): Some file locks are hold by dumping tasks! You can "
         "try --file-locks to dump them.",
         "--file-locks"},
	{"(00.01) Error (criu/files-reg.c:1): Can't create link remap for /t. Use link-remap "
         "option.",
         "--link-remap"},
	{"(00.01) Error (criu/sk-unix.c:1): unix: Can't dump half of stream unix connection. "
         "name: ",
         "datagram"},
	{"(00.01) Error (criu/sk-inet.c:1): inet: In-flight connection (l) for 1",
         "--tcp-skip-in-flight"},
	{"(00.01) Error (compel/src/lib/infect-rpc.c:1): send_fds failed (-22)", "io_uring"},
	{"(00.01) Error (criu/util.c:1): Compatible vdso's size is bigger", "4.1.1"},
	{"(00.01) Error (criu/irmap.c:1): irmap: Can't stat /no-such-path", "index=on"},
	{"(00.01) Error (criu/mount.c:1): mnt: The --root option is required", "mount point"},
	{"(00.01) Error (criu/mount.c:1): mnt: New root and old root are the same", "mount point"},
	{"(00.01) Error (compel/src/lib/infect.c:1): Can't inject syscall blob", "AppArmor"},
	{"(00.01) Error (criu/parasite.c:1): Unable to connect a transport socket", "AppArmor"},
	{"(00.01) Error (criu/page-pipe.c:1): page-pipe: splice: -1: Bad file descriptor",
         "fs.pipe-max-size"},
	{"(00.01) Error (criu/uffd.c:1): uffd: connect to lazy-pages.socket failed", "same work"},
	{"(00.01) Error (criu/cgroup.c:1): cg: CG paths mismatch", "--manage-cgroups-mode"},
	{"(00.01) Error (criu/files-reg.c:1): File bin/x has bad size 1 (expect 2)", "changed"},
	{"(00.01) Error (criu/files-reg.c:1): File bin/x has bad mode 1 (expect 2)", "changed"},
	{"(00.01) Error (criu/cr-restore.c:1): Pid 12 already in use", "process id"},
	{"BUG at criu/mem.c:46", "CONFIG_MEM_SOFT_DIRTY"},
	{"(00.01) Error (criu/page-xfer.c:1): page-xfer: Missing 7f00 in parent pagemap",
         "--parent-path"},
};

static void known_messages_have_a_cause_and_a_fix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *meaning = explain_line(lines[i].line);

		if (!meaning || !strstr(meaning, lines[i].meaning))
			fail_msg("%s: %s", lines[i].line, meaning ? meaning : "unknown");
	}
	assert_null(explain_line("(00.01) Error (criu/x.c:1): something new"));
}

static struct error explain(const char *log, const char *message)
{
	char directory[] = "/tmp/lvm-run-explain.XXXXXX";
	struct error err = {.code = EIO, .text = "criu failed"};

	assert_non_null(mkdtemp(directory));

	scoped_fd folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (log) {
		scoped_fd fd = openat(folder, "dump.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		assert_int_equal(fd_write_all(fd, log, strlen(log)), 0);
	}
	assert_int_equal(explain_failure(folder, "dump.log", message, &err), -EIO);
	if (log)
		assert_int_equal(unlinkat(folder, "dump.log", 0), 0);
	assert_int_equal(rmdir(directory), 0);
	return err;
}

static void the_known_cause_wins_over_the_first_error(void **state)
{
	static const char log[] =
		"(00.01) Error (criu/util.c:1): rlimit: Can't setup RLIMIT_NOFILE for self\n"
		"(00.02) Error (criu/x.c:1): at first\n"
		"(00.03) Warn  (criu/x.c:1): Can't dump ghost file\n"
		"(00.04) Error (criu/x.c:1): Can't dump that handle\n";

	(void)state;

	struct error err = explain(log, NULL);

	assert_non_null(strstr(err.text, "index=on"));
	assert_non_null(strstr(err.text, "(criu: Can't dump that handle)"));
}

static void an_unknown_error_is_quoted(void **state)
{
	(void)state;

	struct error err = explain("(00.01) Error (criu/util.c:1): rlimit: Can't setup "
	                           "RLIMIT_NOFILE\n(00.01) Error (criu/page-xfer.c:1): No parent "
	                           "image found, though parent directory is set: No such file\n"
	                           "(00.02) Error (criu/x.c:1): something new\n",
	                           "later");

	assert_string_equal(err.text, "criu: something new");
	err = explain("(00.01) all was well\n", "what it answered");
	assert_string_equal(err.text, "criu: what it answered");
	err = explain(NULL, NULL);
	assert_string_equal(err.text, "criu failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_messages_have_a_cause_and_a_fix),
		cmocka_unit_test(the_known_cause_wins_over_the_first_error),
		cmocka_unit_test(an_unknown_error_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
