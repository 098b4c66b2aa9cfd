/*
 * The digest of much data that comes little by little: the SHA-256 of the SHA-256 digests of its parts of
 * SHA256_PART bytes, the last of which may be shorter. It takes two thirds of the time of a plain SHA-256, as two
 * parts are taken at once, or a third, as sixteen are. Either side: no allocation, and large: not for the stack.
 *
 *	sha256_parts_begin(&parts);
 *	while ((count = read(fd, sha256_parts_room(&parts, &room), room)) > 0)
 *		sha256_parts_took(&parts, count);
 *	sha256_parts_end(&parts, digest);
 */
#ifndef LVM_RUN_BASE_SHA256_PARTS_H
#define LVM_RUN_BASE_SHA256_PARTS_H

#include "base/sha256.h"

enum { SHA256_PART = 128 * 1024 };

struct sha256_parts {
	struct sha256 digests;
	enum sha256_unit unit;
	enum sha256_unit wide; /* the same for many at once */
	uint64_t size;         /* bytes so far */
	size_t used;           /* of the buffer */
	unsigned char buffer[SHA256_LANES * SHA256_PART];
};

void sha256_parts_begin(struct sha256_parts *parts);
/* Where the next bytes go, at least one; *ret_room is how many may. */
void *sha256_parts_room(struct sha256_parts *parts, size_t *ret_room);
/* So many have gone there. */
void sha256_parts_took(struct sha256_parts *parts, size_t count);
void sha256_parts_end(struct sha256_parts *parts, unsigned char ret[static SHA256_SIZE]);

#endif
