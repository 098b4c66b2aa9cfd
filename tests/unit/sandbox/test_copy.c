#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sys/wait.h>

#include "base/fd.h"
#include "base/str.h"
#include "sandbox/copy.h"

/* A folder of the test, gone at its end. */
static char folder[] = "/tmp/lvm-run-test-sandbox.XXXXXX";

static int make_folder(void **state unused_parameter)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state unused_parameter)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", folder, (char *)NULL);
		_exit(1);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static int at(const char *name)
{
	int top = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = -1;

	(void)mkdirat(top, name, 0700);
	fd = openat(top, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	(void)close(top);
	assert_true(fd >= 0);
	return fd;
}

static void write_at(int dir, const char *name, const char *text, mode_t mode)
{
	scoped_fd fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

static void links_stay_when_they_go_up_only_in_front(void **state unused_parameter)
{
	assert_true(copy_link_stays("a", 0));
	assert_true(copy_link_stays("a/b/./c", 0));
	assert_true(copy_link_stays("../a", 1));
	assert_true(copy_link_stays("../../a", 2));
	assert_false(copy_link_stays("../a", 0));
	assert_false(copy_link_stays("../../a", 1));
	assert_false(copy_link_stays("a/../b", 3));
	assert_false(copy_link_stays("/a", 3));
	assert_false(copy_link_stays("", 3));
	assert_false(copy_link_stays("./..", 0));
	assert_true(copy_link_stays("..a/...", 0));
}

static void files_are_copied_with_their_hash_and_without_rights(void **state unused_parameter)
{
	scoped_fd from = at("from1"), to = at("to1");
	scoped_copy copy = COPY_NONE;
	struct error err;
	struct stat st;

	write_at(from, "f", "abc", 06755);
	assert_int_equal(copy_entry(&copy, from, "f", to, "g", &err), 0);
	assert_int_equal(copy.item_count, 1);
	assert_string_equal(copy.items[0].path, "g");
	assert_string_equal(copy.items[0].digest,
	                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(fstatat(to, "g", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(st.st_size, 3);
}

static void what_is_no_file_is_refused(void **state unused_parameter)
{
	scoped_fd from = at("from2"), to = at("to2");
	scoped_copy copy = COPY_NONE;
	struct error err;
	struct stat st;

	assert_int_equal(mkdirat(from, "d", 0755), 0);

	scoped_fd d = openat(from, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(mkfifoat(d, "fifo", 0600), 0);
	assert_int_equal(symlinkat("/etc", d, "out"), 0);
	assert_int_equal(symlinkat("kept", d, "in"), 0);
	write_at(d, "kept", "x", 0600);
	assert_int_equal(copy_entry(&copy, from, "d", to, "d", &err), 0);
	assert_int_equal(copy.refusal_count, 2);
	assert_int_equal(copy.item_count, 3);
	assert_int_equal(fstatat(to, "d/fifo", &st, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(fstatat(to, "d/out", &st, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(fstatat(to, "d/in", &st, AT_SYMLINK_NOFOLLOW), 0);
}

/* A link that lies where the copy goes is replaced, not followed. */
static void links_in_the_destination_are_not_followed(void **state unused_parameter)
{
	scoped_fd from = at("from3"), to = at("to3"), precious = at("precious");
	scoped_copy copy = COPY_NONE;
	struct error err;
	struct stat st;

	write_at(precious, "file", "precious", 0600);
	write_at(from, "f", "new", 0600);
	assert_int_equal(symlinkat("../precious/file", to, "f"), 0);
	assert_int_equal(copy_entry(&copy, from, "f", to, "f", &err), 0);
	assert_int_equal(fstatat(to, "f", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(fstatat(precious, "file", &st, 0), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(mkdirat(from, "dir", 0700), 0);
	assert_int_equal(symlinkat("../precious", to, "dir"), 0);
	assert_true(copy_entry(&copy, from, "dir", to, "dir", &err) < 0);
}

static void holes_stay_holes_and_hard_links_one_file(void **state unused_parameter)
{
	scoped_fd from = at("from4"), to = at("to4");
	scoped_copy copy = {.latest = 5, .above = -1};
	struct error err;
	struct stat st, other;

	assert_int_equal(mkdirat(from, "d", 0755), 0);

	scoped_fd d = openat(from, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);

	write_at(d, "a", "x", 0600);
	assert_int_equal(linkat(d, "a", d, "b", 0), 0);

	scoped_fd sparse = openat(d, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(sparse, 64 << 20), 0);

	scoped_fd huge = openat(d, "huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(ftruncate(huge, (off_t)1 << 40), 0);
	assert_int_equal(copy_entry(&copy, from, "d", to, "d", &err), 0);
	assert_int_equal(fstatat(to, "d/a", &st, 0), 0);
	assert_int_equal(fstatat(to, "d/b", &other, 0), 0);
	assert_int_equal(st.st_ino, other.st_ino);
	assert_int_equal(st.st_mtim.tv_sec, 5);
	assert_int_equal(fstatat(to, "d/sparse", &st, 0), 0);
	assert_int_equal(st.st_size, 64 << 20);
	assert_true(st.st_blocks < 100);
	assert_int_equal(copy.refusal_count, 1);
	assert_string_equal(copy.refusals[0].path, "d/huge");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_stay_when_they_go_up_only_in_front),
		cmocka_unit_test(files_are_copied_with_their_hash_and_without_rights),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(links_in_the_destination_are_not_followed),
		cmocka_unit_test(holes_stay_holes_and_hard_links_one_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
