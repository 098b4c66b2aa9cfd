#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint/mountinfo.h"

static struct mountinfo_list parse(struct arena *arena, char *text)
{
	struct mountinfo_list list = {0};
	struct error err;

	assert_int_equal(mountinfo_parse(text, arena, &list, &err), 0);
	return list;
}

static void fields_are_found_with_and_without_optional_ones(void **state)
{
	char text[] = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw\n"
		      "37 36 0:5 / /mnt2/proc ro - proc a\\040b rw,size=1k\n";
	scoped_arena arena = {0};
	struct mountinfo_list list = parse(&arena, text);

	(void)state;
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].id, "36");
	assert_string_equal(list.items[0].parent, "35");
	assert_string_equal(list.items[0].device, "98:0");
	assert_string_equal(list.items[0].root, "/mnt1");
	assert_string_equal(list.items[0].path, "/mnt2");
	assert_string_equal(list.items[0].options, "rw,noatime");
	assert_string_equal(list.items[0].type, "ext3");
	assert_string_equal(list.items[1].type, "proc");
	assert_string_equal(list.items[1].options, "ro");
	assert_string_equal(list.items[0].propagation, "master:1 shared:2");
	assert_string_equal(list.items[1].propagation, "");
	assert_string_equal(list.items[0].name, "/dev/root");
	assert_string_equal(list.items[1].name, "a b");
	assert_string_equal(list.items[1].super, "rw,size=1k");
}

static void escapes_in_paths_are_undone(void **state)
{
	char text[] = "36 35 98:0 /a\\040b /tab\\011new\\012back\\134 rw - ext4 x rw\n";
	scoped_arena arena = {0};
	struct mountinfo_list list = parse(&arena, text);

	(void)state;
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].root, "/a b");
	assert_string_equal(list.items[0].path, "/tab\tnew\nback\\");
}

static void other_lines_are_left_out(void **state)
{
	char text[] = "\n36 35\nnothing - here\n36 35 98:0 / / rw - ext4 x rw\n1 2 0:1 / /a rw - b";
	scoped_arena arena = {0};
	struct mountinfo_list list = parse(&arena, text);

	(void)state;
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].path, "/");
	assert_string_equal(list.items[1].type, "b");
	assert_string_equal(list.items[1].name, "");
	assert_string_equal(list.items[1].super, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_with_and_without_optional_ones),
		cmocka_unit_test(escapes_in_paths_are_undone),
		cmocka_unit_test(other_lines_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
