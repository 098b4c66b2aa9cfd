/* HMAC-SHA256 (RFC 2104): who has the key vouches for the bytes. Either side: no allocation. */
#ifndef LVM_RUN_BASE_HMAC_H
#define LVM_RUN_BASE_HMAC_H

#include <stdbool.h>

#include "base/sha256.h"

void hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
                 unsigned char ret[static SHA256_SIZE]);

/* In a time that does not tell where they differ. */
bool hmac_equal(const unsigned char a[static SHA256_SIZE],
                const unsigned char b[static SHA256_SIZE]);

#endif
