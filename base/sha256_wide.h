/* A part of sha256.c: sixteen digests at once in registers of 512 bits, where the processor has them (x86). */
#ifndef LVM_RUN_BASE_SHA256_WIDE_H
#define LVM_RUN_BASE_SHA256_WIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"
#include "base/sha256.h"

/* Asks the processor and what the kernel keeps of it, which takes microseconds on a virtual machine. */
bool sha256_wide_is_there(void);

/*
 * The states that sixteen texts lead to, which lie one after the other, `count` blocks of 64 bytes each; `states`
 * holds the beginning of each, word by word: [word][lane]. Only where it is there.
 */
void sha256_wide_compress(uint32_t states[static 8][SHA256_LANES], const unsigned char *texts,
                          size_t count, const uint32_t constants[static 64]);

#endif
