/*
 * The annotations that mean something to a runtime: other runtimes' that are kept here too, those that are
 * known and left alone, and those that are refused because nobody would notice that they were ignored.
 * docs/annotations.md tells people the same. Host side.
 */
#ifndef LVM_RUN_SPEC_ANNOTATIONS_H
#define LVM_RUN_SPEC_ANNOTATIONS_H

#include "spec/spec.h"

#define ANNOTATION_KEEP_GROUPS "run.oci.keep_original_groups"
#define ANNOTATION_HOOKS_STDOUT "run.oci.hooks.stdout"
#define ANNOTATION_HOOKS_STDERR "run.oci.hooks.stderr"
#define ANNOTATION_PIDFD_RECEIVER "run.oci.pidfd_receiver"
#define ANNOTATION_SECCOMP_RECEIVER "run.oci.seccomp.receiver"
#define ANNOTATION_SECCOMP_UNKNOWN "run.oci.seccomp_fail_unknown_syscall"
#define ANNOTATION_MOUNT_CONTEXT "run.oci.mount_context_type"

enum annotation_use { ANNOTATION_HONOURED, ANNOTATION_IGNORED, ANNOTATION_REFUSED };

struct known_annotation {
	const char *key; /* a dot at its end: all that begin so */
	enum annotation_use use;
	bool unsafe;       /* whoever writes it gains rights over the host */
	const char *about; /* why it is ignored or refused */
};
extern const struct known_annotation known_annotations[]; /* ends with a null key */

/* Null: not known. */
const struct known_annotation *annotation_find(const char *key);

/* "1" and "true", as other runtimes read them. */
bool annotation_is_on(const char *value);

#endif
