/*
 * Landlock (landlock(7)) as a second wall: files may be written, made and removed only below the paths
 * named, whatever the mounts allow; and nobody outside can be signalled or reached by an abstract socket. Other
 * rights are left alone. Takes what the kernel has of it, down to nothing.
 */
#ifndef LVM_RUN_SECURITY_LANDLOCK_H
#define LVM_RUN_SECURITY_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct landlock_path {
	const char *path; /* as the program sees it; one that is not there is left out */
	bool nodes_only;  /* what exists below may be written, nothing made or removed */
};

struct landlock_rules {
	const struct landlock_path *paths;
	size_t count;
};

/* The version of the kernel's Landlock, 0: none. Either side. */
int landlock_version(void);

/* Confines the calling process and what it starts. Needs no_new_privs. Child. */
int landlock_enter(const struct landlock_rules *rules, struct error *err) must_check;

#endif
