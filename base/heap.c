#include "base/heap.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	FIRST_REGION = 256 * 1024, /* pages of it that are never touched cost nothing */
	NEXT_REGION = 1024 * 1024,
	CLASS_COUNT = 48, /* four sizes to a doubling, from UNIT to HEAP_LARGE */
	UNIT = 16,
};

/* In front of every block; its size keeps what follows aligned. */
struct header {
	size_t capacity; /* of the block behind it */
	uint32_t class;
	uint32_t mark;
};

enum mark { LIVE = 0x4c495645, FREED = 0x46524545, MAPPED = 0x4d415050 };

struct freed {
	struct freed *next;
};

static alignas(max_align_t) unsigned char first_region[FIRST_REGION];

static struct heap {
	unsigned char *front; /* of the untouched rest of the region */
	size_t rest;
	struct freed *lists[CLASS_COUNT];
} heap = {.front = first_region, .rest = sizeof(first_region)};

_Static_assert(sizeof(struct header) % UNIT == 0, "blocks are aligned");

/* The smallest class that holds `size` (at most HEAP_LARGE) bytes, and what it holds. */
static uint32_t class_of(size_t size, size_t *ret_capacity)
{
	size_t units = (size + UNIT - 1) / UNIT;

	if (units <= 8) {
		units = units ? units : 1;
		*ret_capacity = units * UNIT;
		return (uint32_t)units - 1;
	}

	/* units − 1 is 1xx… in binary: its length and the two bits behind the first make the class. */
	unsigned int shift = 61 - (unsigned int)__builtin_clzl(units - 1);
	size_t quarter = (units - 1) >> shift;

	*ret_capacity = ((quarter + 1) << shift) * UNIT;
	return 4 + 4 * shift + ((uint32_t)quarter & 3);
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

static void *map_large(size_t size)
{
	if (size > PTRDIFF_MAX - sizeof(struct header))
		return no_memory();

	struct header *header = mmap(NULL, size + sizeof(*header), PROT_READ | PROT_WRITE,
	                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (header == MAP_FAILED)
		return no_memory();
	*header = (struct header){.capacity = size, .mark = MAPPED};
	return header + 1;
}

/* What is left of the old region is given up: less than one large block. */
static bool begin_region(void)
{
	void *region =
		mmap(NULL, NEXT_REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (region == MAP_FAILED)
		return false;
	heap.front = region;
	heap.rest = NEXT_REGION;
	return true;
}

/* *ret_fresh: nobody wrote to it yet, so it is zero. */
static void *take(size_t size, bool *ret_fresh)
{
	size_t capacity = 0;

	*ret_fresh = true;
	if (size > HEAP_LARGE)
		return map_large(size);

	uint32_t class = class_of(size, &capacity);
	struct freed *freed = heap.lists[class];

	if (freed) {
		heap.lists[class] = freed->next;
		((struct header *)(void *)freed)[-1].mark = LIVE;
		*ret_fresh = false;
		return freed;
	}
	if (heap.rest < sizeof(struct header) + capacity && !begin_region())
		return no_memory();

	struct header *header = (void *)heap.front;

	*header = (struct header){.capacity = capacity, .class = class, .mark = LIVE};
	heap.front += sizeof(*header) + capacity;
	heap.rest -= sizeof(*header) + capacity;
	return header + 1;
}

/* The header of a block that is in use. */
static struct header *header_of(void *block)
{
	struct header *header = (struct header *)block - 1;

	if (header->mark != LIVE && header->mark != MAPPED)
		abort();
	return header;
}

/* The last block of the region grows where it is. */
static bool grow_in_place(struct header *header, size_t size)
{
	size_t capacity = 0;

	if (header->mark != LIVE || size > HEAP_LARGE ||
	    (unsigned char *)(header + 1) + header->capacity != heap.front)
		return false;

	uint32_t class = class_of(size, &capacity);

	if (capacity - header->capacity > heap.rest)
		return false;
	heap.front += capacity - header->capacity;
	heap.rest -= capacity - header->capacity;
	header->capacity = capacity;
	header->class = class;
	return true;
}

void *heap_alloc(size_t size)
{
	bool fresh;

	return take(size, &fresh);
}

void *heap_alloc_zeroed(size_t count, size_t size)
{
	size_t bytes = 0;
	bool fresh = false;

	if (__builtin_mul_overflow(count, size, &bytes))
		return no_memory();

	void *block = take(bytes, &fresh);

	if (block && !fresh)
		memset(block, 0, bytes);
	return block;
}

void *heap_resize(void *block, size_t size)
{
	if (!block)
		return heap_alloc(size);

	struct header *header = header_of(block);

	if (size <= header->capacity || grow_in_place(header, size))
		return block;

	void *larger = heap_alloc(size);

	if (!larger)
		return NULL;
	memcpy(larger, block, header->capacity);
	heap_free(block);
	return larger;
}

/* Keeps errno. */
void heap_free(void *block)
{
	if (!block)
		return;

	struct header *header = header_of(block);
	struct freed *freed = block;

	if (header->mark == MAPPED) {
		int kept = errno;

		(void)munmap(header, sizeof(*header) + header->capacity);
		errno = kept;
		return;
	}
	header->mark = FREED;
	freed->next = heap.lists[header->class];
	heap.lists[header->class] = freed;
}

#ifndef __GLIBC__

void *malloc(size_t size)
{
	return heap_alloc(size);
}

void *calloc(size_t count, size_t size)
{
	return heap_alloc_zeroed(count, size);
}

void *realloc(void *block, size_t size)
{
	return heap_resize(block, size);
}

void free(void *block)
{
	heap_free(block);
}

#endif
