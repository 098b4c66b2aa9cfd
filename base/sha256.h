/*
 * SHA-256 (FIPS 180-4): names of cached files and digests of archives. Either side: no allocation.
 *
 *	struct sha256 hash;
 *	sha256_begin(&hash);
 *	sha256_add(&hash, data, size);
 *	sha256_end(&hash, digest);
 */
#ifndef LVM_RUN_BASE_SHA256_H
#define LVM_RUN_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK_SIZE = 64, SHA256_HEX_SIZE = 65 };

/* Whether the processor does it by itself: asked once much is to be hashed. */
enum sha256_unit { SHA256_UNIT_UNKNOWN, SHA256_UNIT_THERE, SHA256_UNIT_MISSING };

struct sha256 {
	uint32_t state[8];
	uint64_t size; /* bytes added so far */
	enum sha256_unit unit;
	unsigned char block[SHA256_BLOCK_SIZE];
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
/* Finishes; `hash` has to begin again before it is used once more. */
void sha256_end(struct sha256 *hash, unsigned char ret[static SHA256_SIZE]);

/*
 * The same of two texts of one size at once; where the processor can, in two thirds of the time. Both were begun
 * and have no part of a block yet, and `size` is a multiple of a block's.
 */
void sha256_add_two(struct sha256 *first, struct sha256 *second, const void *const data[static 2],
                    size_t size);

/*
 * The same of SHA256_LANES texts, which lie one after the other, in half the time of that; only where
 * sha256_can_add_many, which asks the processor.
 */
enum { SHA256_LANES = 16 };
bool sha256_can_add_many(void);
void sha256_add_many(struct sha256 hashes[static SHA256_LANES], const void *data, size_t size);

/* Writes the digest as 64 lower-case hexadecimal digits and NUL; returns `buffer`. */
char *sha256_hex(const unsigned char digest[static SHA256_SIZE],
                 char buffer[static SHA256_HEX_SIZE]);

#endif
