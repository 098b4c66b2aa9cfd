#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/heap.h"
#include "base/macro.h"

static void every_size_is_held_and_aligned(void **state unused_parameter)
{
	for (size_t size = 0; size < 300000; size += size < 5000 ? 1 : 997) {
		unsigned char *block = heap_alloc(size);

		assert_non_null(block);
		assert_int_equal((uintptr_t)block % 16, 0);
		memset(block, 0xa5, size);

		unsigned char *next = heap_alloc(size);

		memset(next, 0x5a, size);
		for (size_t i = 0; i < size; i += 509)
			assert_int_equal(block[i], 0xa5);
		heap_free(block);
		heap_free(next);
	}
}

static void a_freed_block_is_given_out_again(void **state unused_parameter)
{
	char *block = heap_alloc(1000);

	heap_free(block);
	assert_ptr_equal(heap_alloc(1000), block);
	heap_free(block);
}

static void zeroed_blocks_are_zero_also_the_second_time(void **state unused_parameter)
{
	static const size_t sizes[] = {1, 24, 4096, 100000, 200000};

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
		for (int round = 0; round < 2; round++) {
			unsigned char *block = heap_alloc_zeroed(sizes[s], 1);

			for (size_t i = 0; i < sizes[s]; i++)
				assert_int_equal(block[i], 0);
			memset(block, 0xff, sizes[s]);
			heap_free(block);
		}
}

/* Through all ways of growing: in its place, into another block, into a mapping and within those. */
static void a_resized_block_keeps_its_content(void **state unused_parameter)
{
	for (int in_the_way = 0; in_the_way < 2; in_the_way++) {
		unsigned char *block = NULL;
		size_t have = 0;

		for (size_t size = 1; size < 1000000; size += size / 3 + 1) {
			block = heap_resize(block, size);
			assert_non_null(block);
			for (size_t i = 0; i < have; i++)
				assert_int_equal(block[i], (unsigned char)(i * 7));
			for (size_t i = have; i < size; i++)
				block[i] = (unsigned char)(i * 7);
			have = size;
			if (in_the_way)
				heap_free(heap_alloc(16));
			if (in_the_way)
				(void)!heap_alloc(16);
		}
		block = heap_resize(block, 10);
		assert_int_equal(block[9], 63);
		heap_free(block);
	}
}

/* Against a model: no two blocks overlap, whatever the order. */
static void blocks_never_overlap(void **state unused_parameter)
{
	enum { SLOTS = 200, ROUNDS = 40000 };
	static struct {
		unsigned char *block;
		size_t size;
	} slots[SLOTS];
	uint32_t random = 12345;

	for (int round = 0; round < ROUNDS; round++) {
		random = random * 1664525 + 1013904223;

		size_t slot = (random >> 8) % SLOTS;
		unsigned char mine = (unsigned char)slot;

		for (size_t i = 0; i < slots[slot].size; i++)
			assert_int_equal(slots[slot].block[i], mine);

		size_t size = (random >> 16) % 1500;

		if (random & 1) {
			heap_free(slots[slot].block);
			slots[slot].block = heap_alloc(size);
		} else {
			slots[slot].block = heap_resize(slots[slot].block, size);
		}
		assert_non_null(slots[slot].block);
		memset(slots[slot].block, mine, size);
		slots[slot].size = size;
	}
	for (size_t slot = 0; slot < SLOTS; slot++)
		heap_free(slots[slot].block);
}

static void what_cannot_be_had_is_an_error(void **state unused_parameter)
{
	errno = 0;
	assert_null(heap_alloc(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	assert_null(heap_alloc_zeroed(SIZE_MAX / 2, 4));
	assert_null(heap_alloc_zeroed(SIZE_MAX, 1));

	char *block = heap_alloc(10);

	assert_null(heap_resize(block, SIZE_MAX - 100));
	heap_free(block);
}

static void free_keeps_errno(void **state unused_parameter)
{
	void *large = heap_alloc(HEAP_LARGE + 1);

	errno = EXDEV;
	heap_free(large);
	heap_free(NULL);
	assert_int_equal(errno, EXDEV);
}

static void freeing_twice_ends_the_program(void **state unused_parameter)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		void *block = heap_alloc(100);

		(void)signal(SIGABRT, SIG_DFL);
		heap_free(block);
		heap_free(block);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_is_held_and_aligned),
		cmocka_unit_test(a_freed_block_is_given_out_again),
		cmocka_unit_test(zeroed_blocks_are_zero_also_the_second_time),
		cmocka_unit_test(a_resized_block_keeps_its_content),
		cmocka_unit_test(blocks_never_overlap),
		cmocka_unit_test(what_cannot_be_had_is_an_error),
		cmocka_unit_test(free_keeps_errno),
		cmocka_unit_test(freeing_twice_ends_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
