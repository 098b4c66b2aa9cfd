/*
 * The way back: what a decode table describes as JSON again, for the copy of a configuration that is kept
 * of a living container and changes with it.
 *
 *	spec_with_resources(spec, &merged, &text, &size, &err);
 *	file_write_atomic(…, "config.json", …, text, size, &err);
 *
 * Only the member that changed is written anew; every other byte of the text stays, so that what depends on
 * it (the identity of the seccomp section) stays too. Host side.
 */
#ifndef LVM_RUN_SPEC_ENCODE_H
#define LVM_RUN_SPEC_ENCODE_H

#include "spec/spec.h"

/*
 * The source of `spec` with another linux.resources, or other mounts. The result was read back before it
 * is returned: it decodes. *ret is the caller's (free).
 */
int spec_with_resources(const struct spec *spec, const struct spec_resources *resources, char **ret,
                        size_t *ret_size, struct error *err) must_check;
/* `added` becomes spec.added_mounts. */
int spec_with_mounts(const struct spec *spec, const struct spec_mount *mounts, size_t count,
                     uint32_t added, char **ret, size_t *ret_size, struct error *err) must_check;

/* linux.seccomp as the member `key`, or alone (null), as spec_parse_seccomp reads it. */
struct json_writer;
void spec_write_seccomp(struct json_writer *writer, const char *key,
                        const struct spec_seccomp *section);

/*
 * Puts `changes` over `base`: what is absent there stays, entries of lists replace those of the same device,
 * size or file. Device rules stay. Everything lies in `arena`, or is borrowed from both.
 */
int spec_merge_resources(struct arena *arena, struct spec_resources *base,
                         const struct spec_resources *changes, struct error *err) must_check;

#endif
