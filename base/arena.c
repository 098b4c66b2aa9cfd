#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char data[];
};

void arena_done(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
	size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;

	if (capacity > SIZE_MAX - sizeof(struct arena_block))
		return NULL;

	struct arena_block *block = malloc(sizeof(*block) + capacity);

	if (!block)
		return NULL;
	block->used = 0;
	block->size = capacity;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

/* Only what is handed out is touched, so that an arena costs no more pages than its content. */
void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	const size_t align = alignof(max_align_t);
	size_t bytes = 0;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - align)
		return NULL;
	bytes = (bytes + align - 1) / align * align;

	struct arena_block *block = arena->blocks;

	if (!block || block->size - block->used < bytes)
		block = add_block(arena, bytes);
	if (!block)
		return NULL;

	void *memory = block->data + block->used;

	block->used += bytes;
	return memset(memory, 0, bytes);
}

char *arena_strndup(struct arena *arena, const char *text, size_t size)
{
	char *copy = text ? arena_alloc(arena, size + 1, 1) : NULL;

	return copy ? memcpy(copy, text, size) : NULL;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_list again;
	char *text = NULL;

	va_start(args, format);
	va_copy(again, args);

	int size = vsnprintf(NULL, 0, format, args);

	va_end(args);
	if (size >= 0)
		text = arena_alloc(arena, (size_t)size + 1, 1);
	if (text)
		(void)vsnprintf(text, (size_t)size + 1, format, again);
	va_end(again);
	return text;
}
