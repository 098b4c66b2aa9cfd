/* /proc/PID/mountinfo as a list (mountinfo in proc(5)). Host side. */
#ifndef LVM_RUN_CHECKPOINT_MOUNTINFO_H
#define LVM_RUN_CHECKPOINT_MOUNTINFO_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

struct mountinfo {
	const char *id;
	const char *parent;
	const char *device; /* "MAJOR:MINOR" */
	const char *root;
	const char *path;
	const char *options;     /* of the mount, not of the file system */
	const char *propagation; /* "shared:1 master:2", …; "": private */
	const char *type;
	const char *name;  /* of what is mounted */
	const char *super; /* options of the file system */
};

struct mountinfo_list {
	struct mountinfo *items;
	size_t count;
};

/* Reads "mountinfo" below `proc_fd` (a /proc/PID); all strings are in `arena`. */
int mountinfo_read(int proc_fd, struct arena *arena, struct mountinfo_list *ret,
                   struct error *err) must_check;

/* The same from memory, which is changed. Lines that are none are left out. */
int mountinfo_parse(char *text, struct arena *arena, struct mountinfo_list *ret,
                    struct error *err) must_check;

#endif
