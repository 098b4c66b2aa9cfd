/* Vectors of RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hmac.h"
#include "base/macro.h"

static void expect(const void *key, size_t key_size, const void *data, size_t size, const char *hex)
{
	unsigned char digest[SHA256_SIZE];
	char found[SHA256_HEX_SIZE];

	hmac_sha256(key, key_size, data, size, digest);
	assert_string_equal(sha256_hex(digest, found), hex);
}

static void codes_are_those_of_the_standard(void **state unused_parameter)
{
	unsigned char key[131], data[50];

	memset(key, 0x0b, 20);
	expect(key, 20, "Hi There", 8,
	       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	expect("Jefe", 4, "what do ya want for nothing?", 28,
	       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, sizeof(data));
	expect(key, 20, data, sizeof(data),
	       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	expect(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
	       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void one_bit_makes_them_unequal(void **state unused_parameter)
{
	unsigned char a[SHA256_SIZE] = {0}, b[SHA256_SIZE] = {0};

	assert_true(hmac_equal(a, b));
	b[31] = 1;
	assert_false(hmac_equal(a, b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_the_standard),
		cmocka_unit_test(one_bit_makes_them_unequal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
