#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"

static char *directory;
static int directory_fd = -1;

static int make_directory(void **state)
{
	(void)state;
	directory = strdup("/tmp/lvm-run-test-file.XXXXXX");
	if (!directory || !mkdtemp(directory))
		return -1;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory_fd < 0 ? -1 : 0;
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"file", "fifo", "link"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlinkat(directory_fd, names[i], 0);
	fd_close(&directory_fd);

	int r = rmdir(directory);

	str_free(&directory);
	return r;
}

static void a_descriptor_is_closed_once_and_errno_kept(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int number = fd;

	(void)state;
	assert_true(fd >= 0);
	errno = ENOENT;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fcntl(number, F_GETFD), -1);
	fd_close(&fd);
}

static void a_descriptor_path_leads_to_the_file(void **state)
{
	char path[FD_PATH_SIZE];
	char target[64] = "";
	scoped_fd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(readlink(fd_path(fd, path), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/dev/null");
	assert_string_equal(fd_path(0, path), "/proc/self/fd/0");
	assert_string_equal(fd_path(2147483647, path), "/proc/self/fd/2147483647");
}

static void a_file_is_replaced_whole_and_read_back(void **state)
{
	struct error err = {0};
	scoped_str text = NULL;
	size_t size = 0;

	(void)state;
	assert_int_equal(file_write_atomic(directory_fd, "file", 0600, "one", 3, &err), 0);
	assert_int_equal(file_write_atomic(directory_fd, "file", 0600, "two\0x", 5, &err), 0);
	assert_int_equal(file_read(directory_fd, "file", 5, &text, &size, &err), 0);
	assert_int_equal(size, 5);
	assert_memory_equal(text, "two\0x", 6);
}

static void a_whole_file_is_created_and_replaced_and_leaves_no_other(void **state)
{
	struct error err = {0};
	scoped_str text = NULL;
	size_t size = 0;
	DIR *listing = NULL;

	(void)state;
	assert_int_equal(file_write_whole(directory_fd, "whole", 0640, "one", 3, &err), 0);
	assert_int_equal(file_write_whole(directory_fd, "whole", 0600, "seven", 5, &err), 0);
	assert_int_equal(file_read(directory_fd, "whole", 5, &text, &size, &err), 0);
	assert_string_equal(text, "seven");
	assert_int_equal(file_write_whole(directory_fd, "none/whole", 0600, "x", 1, &err), -ENOENT);
	listing = fdopendir(openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	assert_non_null(listing);
	for (struct dirent *e = readdir(listing); e; e = readdir(listing))
		assert_false(str_ends(e->d_name, ".tmp"));
	(void)closedir(listing);
	assert_int_equal(unlinkat(directory_fd, "whole", 0), 0);
}

static void a_file_over_the_limit_is_refused(void **state)
{
	struct error err = {0};
	char *text = NULL;

	(void)state;
	assert_int_equal(file_write_atomic(directory_fd, "file", 0600, "12345", 5, &err), 0);
	assert_int_equal(file_read(directory_fd, "file", 4, &text, NULL, &err), -EFBIG);
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/environ", 0, &text, NULL, &err), -EFBIG);
	assert_null(text);
}

/* As in procfs. */
static void a_file_that_does_not_say_its_size_is_read_whole(void **state)
{
	struct error err = {0};
	scoped_str text = NULL;
	size_t size = 0;
	char want[8192];
	scoped_fd fd = open("/proc/filesystems", O_RDONLY | O_CLOEXEC);
	ssize_t count = fd_read_all(fd, want, sizeof(want));

	(void)state;
	assert_in_range(count, 1, sizeof(want) - 1);
	assert_int_equal(file_read(AT_FDCWD, "/proc/filesystems", 8192, &text, &size, &err), 0);
	assert_int_equal(size, count);
	assert_memory_equal(text, want, size);
	assert_int_equal(text[size], '\0');
}

/* An image may put anything there: none of it may block or be read without end. */
static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	struct error err = {0};
	char *text = NULL;

	(void)state;
	assert_int_equal(mkfifoat(directory_fd, "fifo", 0600), 0);
	assert_int_equal(symlinkat("/dev/zero", directory_fd, "link"), 0);
	(void)alarm(5);
	assert_int_equal(file_read(directory_fd, "fifo", 100, &text, NULL, &err), -EINVAL);
	assert_int_equal(file_read(directory_fd, "link", 100, &text, NULL, &err), -EINVAL);
	assert_int_equal(file_read(directory_fd, ".", 100, &text, NULL, &err), -EINVAL);
	(void)alarm(0);
	assert_int_equal(file_read(directory_fd, "none", 100, &text, NULL, &err), -ENOENT);
	assert_string_equal(err.text, "open none: No such file or directory");
}

static pid_t fork_sleeper(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	return pid;
}

static void a_process_is_told_by_its_start_time(void **state)
{
	struct error err = {0};
	scoped_process process = {.pidfd = -1};
	pid_t pid = fork_sleeper();
	uint64_t start = process_start_time(pid, NULL);
	int status = 0;

	(void)state;
	assert_true(start > 0);
	assert_int_equal(process_open(pid, start + 1, &process, &err), -ESRCH);
	assert_int_equal(process_open(pid, start, &process, &err), 0);
	assert_int_equal(process_wait_gone(&process, 1, &err), -ETIMEDOUT);
	assert_int_equal(process_signal(&process, SIGTERM, &err), 0);
	assert_int_equal(process_wait_gone(&process, 5000, &err), 0);
	process_done(&process);
	assert_int_equal(process_open(pid, start, &process, &err), -ESRCH); /* a zombie */
	process.pid = pid;
	assert_int_equal(process_reap(&process, &status, &err), 0);
	assert_int_equal(process_exit_code(status), 128 + SIGTERM);
	assert_int_equal(process_start_time(pid, NULL), 0);
}

static void this_boot_has_an_id(void **state)
{
	char id[BOOT_ID_SIZE];
	struct error err = {0};

	(void)state;
	assert_int_equal(process_boot_id(id, &err), 0);
	assert_int_equal(strlen(id), BOOT_ID_SIZE - 1);
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_is_closed_once_and_errno_kept),
		cmocka_unit_test(a_descriptor_path_leads_to_the_file),
		in_directory(a_file_is_replaced_whole_and_read_back),
		in_directory(a_whole_file_is_created_and_replaced_and_leaves_no_other),
		in_directory(a_file_over_the_limit_is_refused),
		cmocka_unit_test(a_file_that_does_not_say_its_size_is_read_whole),
		in_directory(what_is_no_regular_file_is_refused_at_once),
		cmocka_unit_test(a_process_is_told_by_its_start_time),
		cmocka_unit_test(this_boot_has_an_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
