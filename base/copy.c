#include "base/copy.h"

#include <stdint.h>
#include <string.h>

/* Memory of any type at any address, so that an assignment is a copy of that size. */
#define ANY __attribute__((packed, may_alias))

struct ANY pair {
	uint16_t value;
};
struct ANY four {
	uint32_t value;
};
struct ANY eight {
	uint64_t value;
};
struct ANY block {
	uint64_t values[2];
};

enum { BLOCK = sizeof(struct block) };

/* Two ends that may overlap each other; both are read before one is written. */
#define COPY_ENDS(type, to, from, size)                                                            \
	do {                                                                                       \
		const type first = *(const type *)(from);                                          \
		const type last = *(const type *)((from) + (size) - sizeof(type));                 \
                                                                                                   \
		*(type *)(to) = first;                                                             \
		*(type *)((to) + (size) - sizeof(type)) = last;                                    \
	} while (0)

static void copy_few(unsigned char *to, const unsigned char *from, size_t size)
{
	if (size >= sizeof(struct eight))
		COPY_ENDS(struct eight, to, from, size);
	else if (size >= sizeof(struct four))
		COPY_ENDS(struct four, to, from, size);
	else if (size >= sizeof(struct pair))
		COPY_ENDS(struct pair, to, from, size);
	else if (size > 0)
		*to = *from;
}

static void copy_block(unsigned char *to, const unsigned char *from)
{
	*(struct block *)to = *(const struct block *)from;
	/* Keeps the compiler from making a loop of it a call of memcpy. */
	__asm__ volatile("" ::: "memory");
}

static void copy_forwards(unsigned char *to, const unsigned char *from, size_t size)
{
	/* Read first: what is written before may lie over it. */
	const struct block last = *(const struct block *)(from + size - BLOCK);

	for (size_t i = 0; i + BLOCK < size; i += BLOCK)
		copy_block(to + i, from + i);
	*(struct block *)(to + size - BLOCK) = last;
}

static void copy_backwards(unsigned char *to, const unsigned char *from, size_t size)
{
	for (; size >= BLOCK; size -= BLOCK)
		copy_block(to + size - BLOCK, from + size - BLOCK);
	copy_few(to, from, size);
}

void *copy_bytes(void *to, const void *from, size_t size)
{
	if (size < BLOCK)
		copy_few(to, from, size);
	else if ((uintptr_t)to - (uintptr_t)from >= size)
		copy_forwards(to, from, size);
	else
		copy_backwards(to, from, size);
	return to;
}

#ifndef __GLIBC__

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	return copy_bytes(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
	return copy_bytes(to, from, size);
}

#endif
