#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "base/sha256.h"

/* FIPS 180-4 examples, and lengths around the padding's edges (computed with sha256sum). */
struct vector {
	const char *unit; /* repeated `count` times */
	size_t count;
	const char *hex;
};
static const struct vector vectors[] = {
	{"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
	{"a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
	{"a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
	{"a", 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
	{"a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
	{"a", 65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0"},
	{"a", 119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"},
};

static void check(const struct vector *vector, size_t chunk)
{
	size_t unit_size = strlen(vector->unit), total = unit_size * vector->count;
	unsigned char digest[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	struct sha256 hash;
	char *text = test_malloc(total + 1);

	for (size_t i = 0; i < vector->count; i++)
		memcpy(text + i * unit_size, vector->unit, unit_size);
	sha256_begin(&hash);
	for (size_t at = 0; at < total; at += chunk)
		sha256_add(&hash, text + at, chunk < total - at ? chunk : total - at);
	sha256_end(&hash, digest);
	test_free(text);
	assert_string_equal(sha256_hex(digest, hex), vector->hex);
}

static void digests_are_those_of_the_standard(void **state unused_parameter)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(&vectors[i], 1u << 30);
}

static void digest_does_not_depend_on_the_pieces(void **state unused_parameter)
{
	static const size_t chunks[] = {1, 3, 63, 64, 65, 127, 1000};

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		for (size_t c = 0; c < ARRAY_SIZE(chunks); c++)
			check(&vectors[i], chunks[c]);
}

/* Many blocks at once may go another way than few. */
static void much_at_once_is_the_same_as_little_by_little(void **state unused_parameter)
{
	enum { SIZE = 300001, PIECE = 1000 };
	unsigned char whole[SHA256_SIZE], pieces[SHA256_SIZE];
	unsigned char *data = test_malloc(SIZE);
	struct sha256 hash;
	uint32_t number = 1;

	for (size_t i = 0; i < SIZE; i++) {
		number = number * 1664525 + 1013904223;
		data[i] = (unsigned char)(number >> 24);
	}
	sha256_begin(&hash);
	sha256_add(&hash, data, SIZE);
	sha256_end(&hash, whole);
	sha256_begin(&hash);
	for (size_t at = 0; at < SIZE; at += PIECE)
		sha256_add(&hash, data + at, PIECE < SIZE - at ? PIECE : SIZE - at);
	/* The fast way is looked for, however small the pieces are. */
	assert_int_not_equal(hash.unit, SHA256_UNIT_UNKNOWN);
	sha256_end(&hash, pieces);
	test_free(data);
	assert_memory_equal(whole, pieces, SHA256_SIZE);
}

static void many_at_once_are_the_same_as_one_after_the_other(void **state unused_parameter)
{
	enum { EACH = 3 * SHA256_BLOCK_SIZE };
	unsigned char data[SHA256_LANES * EACH];
	struct sha256 hashes[SHA256_LANES];
	uint32_t number = 3;

	if (!sha256_can_add_many()) {
		printf("SKIP this processor has no AVX-512\n");
		skip();
	}
	for (size_t i = 0; i < sizeof(data); i++) {
		number = number * 1664525 + 1013904223;
		data[i] = (unsigned char)(number >> 24);
	}
	for (size_t i = 0; i < SHA256_LANES; i++)
		sha256_begin(&hashes[i]);
	sha256_add_many(hashes, data, EACH);
	for (size_t i = 0; i < SHA256_LANES; i++) {
		unsigned char found[SHA256_SIZE], wanted[SHA256_SIZE];
		struct sha256 one;

		sha256_begin(&one);
		for (size_t at = 0; at < EACH; at += 7)
			sha256_add(&one, data + i * EACH + at, EACH - at < 7 ? EACH - at : 7);
		sha256_add(&one, "end", 3);
		sha256_end(&one, wanted);
		/* It goes on as any other. */
		sha256_add(&hashes[i], "end", 3);
		sha256_end(&hashes[i], found);
		assert_memory_equal(found, wanted, SHA256_SIZE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standard),
		cmocka_unit_test(digest_does_not_depend_on_the_pieces),
		cmocka_unit_test(much_at_once_is_the_same_as_little_by_little),
		cmocka_unit_test(many_at_once_are_the_same_as_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
