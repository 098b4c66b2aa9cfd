/*
 * The parts of container_validate. Inside runtime/ only. Each looks at one subject and adds what it finds;
 * none changes anything.
 */
#ifndef LVM_RUN_RUNTIME_VALIDATE_H
#define LVM_RUN_RUNTIME_VALIDATE_H

#include "runtime/runtime.h"
#include "spec/findings.h"

struct validation {
	const struct spec *spec;
	const struct create_options *options;
	int bundle_fd;
	struct findings *findings;
};

/*
 * Adds the error of a mechanism. When its text begins with a JSON path that is the finding's, else
 * `path`. What depends on the host is a warning, what is wrong anywhere (EINVAL, ERANGE) an error.
 */
void validation_add_error(const struct validation *v, const char *path, const struct error *err);

/* validate_files.c: the root, mounts, the program, hooks */
void validate_files(const struct validation *v);
/* validate_host.c: control groups, seccomp, labels, namespaces, kernel parameters, rlimits */
void validate_host(const struct validation *v);

#endif
