/* Parts of the manifest (facts.h): the words and digests that writing and reading share. Host side. */
#ifndef LVM_RUN_CHECKPOINT_MANIFEST_H
#define LVM_RUN_CHECKPOINT_MANIFEST_H

#include "base/sha256.h"
#include "checkpoint/facts.h"

extern const char *const manifest_source_names[MOUNT_SOURCE_COUNT];

/* What CRIU reads; logs and statistics beside it are nobody's business. */
bool manifest_is_image(const char *name) must_check;

/* EILSEQ for what is no file. */
int manifest_digest(int directory, const char *name, char hex[static SHA256_HEX_SIZE],
                    uint64_t *ret_size, struct error *err) must_check;

typedef int manifest_visit(int directory, const char *name, void *context, struct error *err);
int manifest_each_image(int directory, manifest_visit *visit, void *context,
                        struct error *err) must_check;

#endif
