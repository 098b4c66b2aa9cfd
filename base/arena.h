/*
 * An arena: many small allocations with one owner, freed together. The parsed specification and the
 * plans of one operation live in arenas. Host side.
 */
#ifndef LVM_RUN_BASE_ARENA_H
#define LVM_RUN_BASE_ARENA_H

#include <stddef.h>

#include "base/macro.h"

struct arena {
	struct arena_block *blocks; /* zero-initialise */
};

void arena_done(struct arena *arena);
#define scoped_arena scoped(arena_done) struct arena

/* `count` zeroed elements of `size` bytes, aligned for any type; null when memory runs out. */
void *arena_alloc(struct arena *arena, size_t count, size_t size) must_check;
/* Copies; null when memory runs out (or `text` is null). */
char *arena_strdup(struct arena *arena, const char *text) must_check;
char *arena_strndup(struct arena *arena, const char *text, size_t size) must_check;
char *arena_format(struct arena *arena, const char *format, ...) printf_like(2, 3) must_check;

#endif
