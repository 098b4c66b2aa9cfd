#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/journal.h"

static char directory[] = "/tmp/lvm-run-test-journal.XXXXXX";
static int directory_fd = -1;

static int make_directory(void **state)
{
	(void)state;
	(void)memcpy(strrchr(directory, '.'), ".XXXXXX", sizeof(".XXXXXX"));
	if (!mkdtemp(directory))
		return -1;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory_fd < 0 ? -1 : 0;
}

static int remove_directory(void **state)
{
	(void)state;
	(void)unlinkat(directory_fd, JOURNAL_NAME, 0);
	(void)unlinkat(directory_fd, PROCESS_LINK_NAME, 0);
	fd_close(&directory_fd);
	return rmdir(directory);
}

static char intent_id[] = "web1";
static char intent_boot[] = "0f9e7a52-1111-2222-3333-444455556666";
static char intent_driver[] = "cgroupfs";
static char intent_mount[] = "/sys/fs/cgroup";
static char intent_path[] = "/a path/with blanks";

static struct journal full_intent(void)
{
	return (struct journal){
		.id = intent_id,
		.boot_id = intent_boot,
		.cgroup_driver = intent_driver,
		.cgroup_mount = intent_mount,
		.cgroup_path = intent_path,
	};
}

static void begin(const struct journal *intent, int *ret_fd)
{
	struct error err = {0};

	assert_int_equal(journal_begin(directory_fd, intent, ret_fd, &err), 0);
}

static void what_is_written_is_read_back(void **state)
{
	scoped_arena arena = {0};
	scoped_fd fd = -1;
	struct error err = {0};
	struct journal intent = full_intent();
	struct journal journal;
	struct cgroup_location location;

	(void)state;
	begin(&intent, &fd);
	assert_int_equal(journal_add_process(fd, 4711, 987654321, &err), 0);
	assert_int_equal(journal_read(directory_fd, &arena, &journal, &err), 0);
	assert_string_equal(journal.id, intent.id);
	assert_string_equal(journal.boot_id, intent.boot_id);
	assert_null(journal.cgroup_scope);
	assert_int_equal(journal.pid, 4711);
	assert_int_equal(journal.start_time, 987654321);
	assert_true(journal_cgroup(&journal, &location));
	assert_int_equal(location.driver, CGROUP_DRIVER_CGROUPFS);
	assert_string_equal(location.path, intent.cgroup_path);
}

static void a_second_journal_in_the_same_place_is_refused(void **state)
{
	scoped_fd first = -1;
	scoped_fd second = -1;
	struct error err = {0};
	struct journal intent = full_intent();

	(void)state;
	begin(&intent, &first);
	assert_int_equal(journal_begin(directory_fd, &intent, &second, &err), -EEXIST);
}

static void a_missing_journal_is_told_apart(void **state)
{
	scoped_arena arena = {0};
	struct error err = {0};
	struct journal journal;

	(void)state;
	assert_int_equal(journal_read(directory_fd, &arena, &journal, &err), -ENOENT);
	assert_string_equal(err.text, "");
}

static size_t read_text(char *text, size_t size)
{
	scoped_fd fd = openat(directory_fd, JOURNAL_NAME, O_RDONLY | O_CLOEXEC);
	ssize_t count = fd_read_all(fd, text, size);

	assert_true(count > 0);
	return (size_t)count;
}

static void a_cut_journal_keeps_the_whole_lines_before_the_cut(void **state)
{
	scoped_fd fd = -1;
	struct error err = {0};
	struct journal intent = full_intent();
	char text[2048];

	(void)state;
	begin(&intent, &fd);
	assert_int_equal(journal_add_process(fd, 4711, 5, &err), 0);

	size_t size = read_text(text, sizeof(text));

	for (size_t cut = 0; cut <= size; cut++) {
		scoped_arena arena = {0};
		struct journal journal;

		assert_int_equal(journal_parse(&arena, text, cut, &journal), 0);
		assert_int_equal(journal.pid, cut == size ? 4711 : 0);
		if (journal.cgroup_path)
			assert_string_equal(journal.cgroup_path, intent.cgroup_path);
		if (journal.id)
			assert_string_equal(journal.id, intent.id);
	}
}

static void a_flipped_bit_never_gives_another_fact(void **state)
{
	scoped_fd fd = -1;
	struct error err = {0};
	struct journal intent = full_intent();
	char text[2048];

	(void)state;
	begin(&intent, &fd);
	assert_int_equal(journal_add_process(fd, 4711, 5, &err), 0);

	size_t size = read_text(text, sizeof(text));

	for (size_t bit = 0; bit < size * 8; bit++) {
		scoped_arena arena = {0};
		struct journal journal;

		text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
		assert_int_equal(journal_parse(&arena, text, size, &journal), 0);
		assert_true(journal.pid == 0 || journal.pid == 4711);
		if (journal.cgroup_path)
			assert_string_equal(journal.cgroup_path, intent.cgroup_path);
		text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
	}
}

static void foreign_text_gives_no_facts(void **state)
{
	static const char *const texts[] = {
		"", "{", "\n\n\n", "lvm-run-journal 1 00000000\n", "process 1 1 deadbeef\n", "x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		scoped_arena arena = {0};
		struct journal journal;
		struct cgroup_location location;

		assert_int_equal(journal_parse(&arena, texts[i], strlen(texts[i]), &journal), 0);
		assert_int_equal(journal.pid, 0);
		assert_false(journal_cgroup(&journal, &location));
	}
}

static void of_several_groups_made_the_highest_counts(void **state)
{
	scoped_arena arena = {0};
	scoped_fd fd = -1;
	struct error err = {0};
	struct journal intent = full_intent();
	struct journal journal;
	struct cgroup_location location;

	(void)state;
	begin(&intent, &fd);
	assert_int_equal(journal_add_made(fd, "/a path/b", &err), 0);
	assert_int_equal(journal_add_made(fd, "/a path", &err), 0);
	assert_int_equal(journal_add_made(fd, "/a path/b/c", &err), 0);
	assert_int_equal(journal_read(directory_fd, &arena, &journal, &err), 0);
	assert_true(journal_cgroup(&journal, &location));
	assert_string_equal(location.made, "/a path");
}

static void groups_in_cgroup_v1_may_come_later(void **state)
{
	(void)state;

	const struct journal intent = {
		.id = (char *)(uintptr_t) "id",
		.boot_id = (char *)(uintptr_t) "boot",
		.cgroup_driver = (char *)(uintptr_t) "cgroupfs",
		.cgroup_mount = (char *)(uintptr_t) "/mount",
		.cgroup_path = (char *)(uintptr_t) "/path",
	};
	struct journal journal;
	struct cgroup_location location;
	struct error err;
	scoped_arena arena = {0};
	scoped_fd fd = -1;

	assert_int_equal(journal_begin(directory_fd, &intent, &fd, &err), 0);
	assert_int_equal(journal_add_process(fd, 7, 8, &err), 0);
	assert_int_equal(journal_add_legacy(fd, "pids@0:/a", &err), 0);
	assert_int_equal(journal_add_legacy(fd, "pids@1:/b", &err), 0);
	assert_int_equal(journal_read(directory_fd, &arena, &journal, &err), 0);
	assert_int_equal(journal.pid, 7);
	assert_true(journal_cgroup(&journal, &location));
	assert_string_equal(location.legacy, "pids@1:/b");
}

static void without_a_cgroup_init_is_found_whatever_became_of_the_journal(void **state)
{
	scoped_arena arena = {0};
	scoped_fd fd = -1;
	struct error err = {0};
	struct journal intent = {.id = intent_id, .boot_id = intent_boot};
	struct journal journal;

	(void)state;
	begin(&intent, &fd);
	assert_int_equal(journal_link_process(directory_fd, intent_boot, 4711, 5, &err), 0);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(journal_read(directory_fd, &arena, &journal, &err), 0);
		assert_int_equal(journal.pid, 4711);
		assert_int_equal(journal.start_time, 5);
		assert_string_equal(journal.boot_id, intent_boot);
		assert_string_equal(journal.cgroup_driver, "disabled");
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(unlinkat(directory_fd, JOURNAL_NAME, 0), turn == 0 ? 0 : -1);
	}
}

static void a_link_that_says_something_else_says_nothing(void **state)
{
	static const char *const targets[] = {"x", "a b", " 0 0", "boot -1 5",
	                                      "boot 99999999999 5"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		scoped_arena arena = {0};
		struct error err = {0};
		struct journal journal = {0};

		assert_int_equal(symlinkat(targets[i], directory_fd, PROCESS_LINK_NAME), 0);
		(void)!journal_read(directory_fd, &arena, &journal, &err);
		assert_int_equal(journal.pid, 0);
		assert_int_equal(unlinkat(directory_fd, PROCESS_LINK_NAME, 0), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read_back, make_directory,
	                                        remove_directory),
		cmocka_unit_test_setup_teardown(a_second_journal_in_the_same_place_is_refused,
	                                        make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(a_missing_journal_is_told_apart, make_directory,
	                                        remove_directory),
		cmocka_unit_test_setup_teardown(a_cut_journal_keeps_the_whole_lines_before_the_cut,
	                                        make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(a_flipped_bit_never_gives_another_fact,
	                                        make_directory, remove_directory),
		cmocka_unit_test(foreign_text_gives_no_facts),
		cmocka_unit_test_setup_teardown(groups_in_cgroup_v1_may_come_later, make_directory,
	                                        remove_directory),
		cmocka_unit_test_setup_teardown(of_several_groups_made_the_highest_counts,
	                                        make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(
			without_a_cgroup_init_is_found_whatever_became_of_the_journal,
			make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(a_link_that_says_something_else_says_nothing,
	                                        make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
