/* The manifest's signature by a key that both sides have: a part of manifest.c. Host side. */
#ifndef LVM_RUN_CHECKPOINT_SIGNATURE_H
#define LVM_RUN_CHECKPOINT_SIGNATURE_H

#include "checkpoint/facts.h"

/* Nothing without facts->key, but that one which was there before goes. */
int signature_write(const struct facts *facts, int directory, const char *text, size_t size,
                    struct error *err) must_check;
/* With facts->key: EILSEQ unless it is there and right. */
int signature_check(const struct facts *facts, int directory, const char *text, size_t size,
                    struct error *err) must_check;

#endif
