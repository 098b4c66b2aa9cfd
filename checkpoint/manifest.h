/* Parts of the manifest (facts.h): the words and digests that writing and reading share. Host side. */
#ifndef LVM_RUN_CHECKPOINT_MANIFEST_H
#define LVM_RUN_CHECKPOINT_MANIFEST_H

#include "base/sha256.h"
#include "checkpoint/facts.h"
#include "spec/json.h"
#include "spec/writer.h"

extern const char *const manifest_source_names[MOUNT_SOURCE_COUNT];

/* What CRIU reads; logs and statistics beside it are nobody's business. */
bool manifest_is_image(const char *name) must_check;

/* The memory of processes: most of an image. */
bool manifest_is_memory(const char *name) must_check;

/*
 * SHA-256; of memory that of its parts (base/sha256_parts.h), which is faster. In the manifest each has a key of its
 * own. EILSEQ for what is no file.
 */
const char *manifest_digest_key(const char *name);
int manifest_digest(int directory, const char *name, char hex[static SHA256_HEX_SIZE],
                    uint64_t *ret_size, struct error *err) must_check;

typedef int manifest_visit(int directory, const char *name, void *context, struct error *err);
int manifest_each_image(int directory, manifest_visit *visit, void *context,
                        struct error *err) must_check;

/* --- Reading --- */

/* −EILSEQ: `what` of the manifest is missing or wrong. */
int manifest_broken(struct error *err, const char *what);
/* The member of an object; of kind VALUE_NULL: there is none. */
struct json_value manifest_look(const struct json_document *document, const struct json_t *object,
                                const char *key) must_check;
/* A copy of it; null when it is no string. */
char *manifest_text(const struct json_document *document, const struct json_t *object,
                    const char *key, struct arena *arena) must_check;

/* --- manifest_tmpfs.c: the contents of a file system in memory (tmpfs.h) --- */

void manifest_write_tmpfs(struct json_writer *w, const struct fact_tmpfs *tmpfs);
/* What is read is safe to be made: every name is a plain path below the root of the file system. */
int manifest_read_tmpfs(const struct json_document *document, const struct json_t *item,
                        struct arena *arena, struct fact_tmpfs **ret, struct error *err) must_check;

#endif
