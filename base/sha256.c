#include "base/sha256.h"

#include <string.h>

#include "base/sha256_wide.h"
#include "base/sha256_x86.h"

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static uint32_t rotate_right(uint32_t value, unsigned int bits)
{
	return value >> bits | value << (32 - bits);
}

static void expand_block(const unsigned char *block, uint32_t w[static 64])
{
	for (unsigned int i = 0; i < 16; i++, block += 4)
		w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 |
		       (uint32_t)block[2] << 8 | (uint32_t)block[3];
	for (unsigned int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + (rotate_right(a, 7) ^ rotate_right(a, 18) ^ a >> 3) +
		       (rotate_right(b, 17) ^ rotate_right(b, 19) ^ b >> 10);
	}
}

static void compress(uint32_t state[static 8], const unsigned char *block)
{
	uint32_t w[64];
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	expand_block(block, w);
	for (unsigned int i = 0; i < 64; i++) {
		uint32_t sum_e = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
		uint32_t sum_a = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
		uint32_t t1 = h + sum_e + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
		uint32_t t2 = sum_a + ((a & b) ^ (a & c) ^ (b & c));

		h = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

void sha256_begin(struct sha256 *hash)
{
	/* The same of the square roots of the first 8 primes. */
	static const uint32_t initial[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(hash->state, initial, sizeof(initial));
	hash->size = 0;
	hash->unit = SHA256_UNIT_UNKNOWN;
}

/*
 * Asking for the processor's instructions costs more than hashing a page without them, so that is done once much
 * has come, in however small pieces.
 */
static bool has_unit(struct sha256 *hash)
{
	enum { MUCH = 64 * 1024 };

	if (hash->unit == SHA256_UNIT_UNKNOWN && hash->size >= MUCH)
		hash->unit = sha256_x86_is_there() ? SHA256_UNIT_THERE : SHA256_UNIT_MISSING;
	return hash->unit == SHA256_UNIT_THERE;
}

/* Whole blocks. */
static void compress_all(struct sha256 *hash, const unsigned char *blocks, size_t count)
{
	if (has_unit(hash)) {
		sha256_x86_compress(hash->state, blocks, count, round_constants);
		return;
	}
	for (; count > 0; count--, blocks += SHA256_BLOCK_SIZE)
		compress(hash->state, blocks);
}

void sha256_add_two(struct sha256 *first, struct sha256 *second, const void *const data[static 2],
                    size_t size)
{
	const unsigned char *const blocks[2] = {data[0], data[1]};

	first->size += size;
	second->size += size;
	if (has_unit(first)) {
		sha256_x86_compress_two(first->state, second->state, blocks,
		                        size / SHA256_BLOCK_SIZE, round_constants);
		return;
	}
	compress_all(first, blocks[0], size / SHA256_BLOCK_SIZE);
	compress_all(second, blocks[1], size / SHA256_BLOCK_SIZE);
}

bool sha256_can_add_many(void)
{
	return sha256_wide_is_there();
}

void sha256_add_many(struct sha256 hashes[static SHA256_LANES], const void *data, size_t size)
{
	uint32_t states[8][SHA256_LANES];

	for (size_t lane = 0; lane < SHA256_LANES; lane++)
		for (size_t i = 0; i < 8; i++)
			states[i][lane] = hashes[lane].state[i];
	sha256_wide_compress(states, data, size / SHA256_BLOCK_SIZE, round_constants);
	for (size_t lane = 0; lane < SHA256_LANES; lane++) {
		hashes[lane].size += size;
		for (size_t i = 0; i < 8; i++)
			hashes[lane].state[i] = states[i][lane];
	}
}

void sha256_add(struct sha256 *hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	size_t used = (size_t)(hash->size % SHA256_BLOCK_SIZE);

	if (size == 0)
		return;
	hash->size += size;
	if (used > 0) {
		size_t room = SHA256_BLOCK_SIZE - used;
		size_t part = size < room ? size : room;

		memcpy(hash->block + used, bytes, part);
		bytes += part;
		size -= part;
		if (part < room)
			return;
		compress(hash->state, hash->block);
	}
	compress_all(hash, bytes, size / SHA256_BLOCK_SIZE);
	memcpy(hash->block, bytes + size / SHA256_BLOCK_SIZE * SHA256_BLOCK_SIZE,
	       size % SHA256_BLOCK_SIZE);
}

void sha256_end(struct sha256 *hash, unsigned char ret[static SHA256_SIZE])
{
	uint64_t bits = hash->size * 8;
	size_t used = (size_t)(hash->size % SHA256_BLOCK_SIZE);

	hash->block[used++] = 0x80;
	if (used > SHA256_BLOCK_SIZE - 8) {
		memset(hash->block + used, 0, SHA256_BLOCK_SIZE - used);
		compress(hash->state, hash->block);
		used = 0;
	}
	memset(hash->block + used, 0, SHA256_BLOCK_SIZE - 8 - used);
	for (unsigned int i = 0; i < 8; i++)
		hash->block[SHA256_BLOCK_SIZE - 1 - i] = (unsigned char)(bits >> 8 * i);
	compress(hash->state, hash->block);
	for (unsigned int i = 0; i < SHA256_SIZE; i++)
		ret[i] = (unsigned char)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

char *sha256_hex(const unsigned char digest[static SHA256_SIZE],
                 char buffer[static SHA256_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned int i = 0; i < SHA256_SIZE; i++) {
		buffer[2 * i] = digits[digest[i] >> 4];
		buffer[2 * i + 1] = digits[digest[i] & 15];
	}
	buffer[2 * SHA256_SIZE] = '\0';
	return buffer;
}
