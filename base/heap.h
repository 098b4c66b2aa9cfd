/*
 * The heap of the program where it is linked with musl; there malloc, calloc, realloc and free are
 * these. musl's own gives every emptied page back to the kernel at once and keeps each size in pages of
 * its own: sound for a program that runs for months, and a tenth of all system calls and faults of
 * ours, which runs for milliseconds in one thread.
 *
 * Memory is taken from the front of a region that is zero and untouched, so that a program which
 * allocates little makes no system call for it; freed blocks wait in a list of their size; blocks
 * above HEAP_LARGE are mappings of their own. Freeing twice, or what is no block, ends the program.
 *
 * Not for two threads. A child made without CLONE_VM has a copy, like all memory.
 */
#ifndef LVM_RUN_BASE_HEAP_H
#define LVM_RUN_BASE_HEAP_H

#include <stddef.h>

enum { HEAP_LARGE = 128 * 1024 };

/* malloc(3), calloc(3), realloc(3), free(3); null and ENOMEM when there is no memory. */
void *heap_alloc(size_t size);
void *heap_alloc_zeroed(size_t count, size_t size);
void *heap_resize(void *block, size_t size);
void heap_free(void *block);

#endif
