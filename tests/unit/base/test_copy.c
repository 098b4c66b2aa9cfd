#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "base/copy.h"
#include "base/macro.h"

enum { ROOM = 512, MIDDLE = 160, LONGEST = 150 };

static void fill(unsigned char *bytes)
{
	for (size_t i = 0; i < ROOM; i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
}

/* Every size, every distance between the two places, in both directions: against memmove. */
static void copies_are_those_of_memmove(void **state unused_parameter)
{
	unsigned char got[ROOM], expected[ROOM];

	for (size_t size = 0; size <= LONGEST; size++) {
		for (size_t to = 0; to <= ROOM - LONGEST; to++) {
			fill(got);
			fill(expected);
			assert_ptr_equal(copy_bytes(got + to, got + MIDDLE, size), got + to);
			memmove(expected + to, expected + MIDDLE, size);
			assert_memory_equal(got, expected, ROOM);
		}
	}
}

static void nothing_is_copied_from_nowhere(void **state unused_parameter)
{
	unsigned char byte = 3;

	assert_ptr_equal(copy_bytes(&byte, &byte, 0), &byte);
	assert_int_equal(byte, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_those_of_memmove),
		cmocka_unit_test(nothing_is_copied_from_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
