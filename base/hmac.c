#include "base/hmac.h"

#include <string.h>

enum { INNER = 0x36, OUTER = 0x5c };

static void begin(struct sha256 *hash, const unsigned char key[static SHA256_BLOCK_SIZE],
                  unsigned char pad)
{
	unsigned char block[SHA256_BLOCK_SIZE];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	sha256_begin(hash);
	sha256_add(hash, block, sizeof(block));
}

void hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                 unsigned char ret[static SHA256_SIZE])
{
	unsigned char block[SHA256_BLOCK_SIZE] = {0};
	struct sha256 hash;

	if (key_size > sizeof(block)) {
		sha256_begin(&hash);
		sha256_add(&hash, key, key_size);
		sha256_end(&hash, block);
	} else if (key_size) {
		memcpy(block, key, key_size);
	}
	begin(&hash, block, INNER);
	sha256_add(&hash, data, size);
	sha256_end(&hash, ret);
	begin(&hash, block, OUTER);
	sha256_add(&hash, ret, SHA256_SIZE);
	sha256_end(&hash, ret);
}

bool hmac_equal(const unsigned char a[static SHA256_SIZE],
                const unsigned char b[static SHA256_SIZE])
{
	unsigned char difference = 0;

	for (size_t i = 0; i < SHA256_SIZE; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}
