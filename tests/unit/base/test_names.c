#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/names.h"
#include "base/str.h"

enum { MANY = 40 };

static void all_names_are_read_and_the_two_of_every_directory_are_not(void **state)
{
	char path[] = "/tmp/lvm-run-test-names.XXXXXX", name[16];
	bool seen[MANY] = {0};
	scoped_names names = {0};
	struct error err = {0};

	(void)state;
	assert_non_null(mkdtemp(path));

	scoped_fd fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(mkdirat(fd, name, 0700), 0);
	}
	assert_int_equal(names_read(fd, &names, &err), 0);
	assert_int_equal(names.count, MANY);
	for (size_t i = 0; i < names.count; i++) {
		int number = -1;

		assert_int_equal(parse_int(names.items[i], 0, MANY - 1, &number), 0);
		seen[number] = true;
		assert_int_equal(unlinkat(fd, names.items[i], AT_REMOVEDIR), 0);
	}
	for (int i = 0; i < MANY; i++)
		assert_true(seen[i]);
	assert_int_equal(rmdir(path), 0);
}

static void what_is_no_directory_leaves_the_list_as_it_was(void **state)
{
	scoped_fd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	scoped_names names = {0};
	struct error err = {0};

	(void)state;
	assert_int_equal(names_read(fd, &names, &err), -ENOTDIR);
	assert_null(names.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_names_are_read_and_the_two_of_every_directory_are_not),
		cmocka_unit_test(what_is_no_directory_leaves_the_list_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
