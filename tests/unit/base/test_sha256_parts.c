#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/sha256_parts.h"

enum { MANY = SHA256_LANES * SHA256_PART, SIZE = 2 * MANY + 5 * SHA256_PART + 12345 };

static unsigned char data[SIZE];

static void fill(void)
{
	uint32_t number = 7;

	for (size_t i = 0; i < SIZE; i++) {
		number = number * 1664525 + 1013904223;
		data[i] = (unsigned char)(number >> 24);
	}
}

static void plain(const void *bytes, size_t size, unsigned char ret[static SHA256_SIZE])
{
	struct sha256 hash;

	sha256_begin(&hash);
	sha256_add(&hash, bytes, size);
	sha256_end(&hash, ret);
}

static void in_pieces(size_t size, size_t piece, unsigned char ret[static SHA256_SIZE])
{
	static struct sha256_parts parts;
	size_t at = 0;

	sha256_parts_begin(&parts);
	while (at < size) {
		size_t room = 0;
		void *place = sha256_parts_room(&parts, &room);
		size_t count = size - at < piece ? size - at : piece;

		assert_true(room > 0);
		count = count < room ? count : room;
		memcpy(place, data + at, count);
		sha256_parts_took(&parts, count);
		at += count;
	}
	assert_int_equal(parts.size, size);
	/* The processor is asked once, not for every part. */
	if (size >= sizeof(parts.buffer)) {
		assert_int_not_equal(parts.wide, SHA256_UNIT_UNKNOWN);
		if (parts.wide == SHA256_UNIT_MISSING)
			assert_int_not_equal(parts.unit, SHA256_UNIT_UNKNOWN);
	}
	sha256_parts_end(&parts, ret);
}

/* What the header says, said once more. */
static void by_definition(size_t size, unsigned char ret[static SHA256_SIZE])
{
	static unsigned char digests[SIZE / SHA256_PART + 1][SHA256_SIZE];
	size_t count = 0;

	for (size_t at = 0; at < size; at += SHA256_PART)
		plain(data + at, size - at < SHA256_PART ? size - at : SHA256_PART,
		      digests[count++]);
	plain(digests, count * SHA256_SIZE, ret);
}

static void it_is_the_digest_of_the_digests_of_the_parts(void **state unused_parameter)
{
	static const size_t sizes[] = {0,
	                               1,
	                               SHA256_PART - 1,
	                               SHA256_PART,
	                               SHA256_PART + 1,
	                               2 * SHA256_PART,
	                               2 * SHA256_PART + 63,
	                               MANY - 1,
	                               MANY,
	                               MANY + 1,
	                               MANY + SHA256_PART,
	                               SIZE};

	fill();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned char found[SHA256_SIZE], wanted[SHA256_SIZE];

		in_pieces(sizes[i], SIZE, found);
		by_definition(sizes[i], wanted);
		assert_memory_equal(found, wanted, SHA256_SIZE);
	}
}

static void it_does_not_depend_on_the_pieces(void **state unused_parameter)
{
	static const size_t pieces[] = {61, 4096, 65536, 200000};
	unsigned char wanted[SHA256_SIZE];

	fill();
	by_definition(SIZE, wanted);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		unsigned char found[SHA256_SIZE];

		in_pieces(SIZE, pieces[i], found);
		assert_memory_equal(found, wanted, SHA256_SIZE);
	}
}

static void a_changed_bit_changes_it(void **state unused_parameter)
{
	static const size_t places[] = {
		0,        SHA256_PART - 1,        SHA256_PART, 3 * SHA256_PART + 5,
		MANY - 1, MANY + 7 * SHA256_PART, 2 * MANY,    SIZE - 1};
	unsigned char before[SHA256_SIZE];

	fill();
	in_pieces(SIZE, 65536, before);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		unsigned char after[SHA256_SIZE];

		data[places[i]] ^= 1;
		in_pieces(SIZE, 65536, after);
		data[places[i]] ^= 1;
		assert_memory_not_equal(before, after, SHA256_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_digest_of_the_digests_of_the_parts),
		cmocka_unit_test(it_does_not_depend_on_the_pieces),
		cmocka_unit_test(a_changed_bit_changes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
