/* A part of sha256.c: the processor's own instructions, where it has them. */
#ifndef LVM_RUN_BASE_SHA256_X86_H
#define LVM_RUN_BASE_SHA256_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* Asks the processor, which takes microseconds on a virtual machine. */
bool sha256_x86_is_there(void);

/* `count` blocks of 64 bytes; only where it is there. */
void sha256_x86_compress(uint32_t state[static 8], const unsigned char *blocks, size_t count,
                         const uint32_t constants[static 64]);
/* The same of two digests, which together take two thirds of the time. */
void sha256_x86_compress_two(uint32_t first[static 8], uint32_t second[static 8],
                             const unsigned char *const blocks[static 2], size_t count,
                             const uint32_t constants[static 64]);

#endif
