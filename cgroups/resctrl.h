/*
 * linux.intelRdt: a container's class of service in the resctrl file system (config-linux.md "Intel RDT",
 * the kernel's document "User Interface for Resource Control feature"). A class is a directory; its
 * processes are those in `tasks`, its shares of caches and memory bandwidth are the lines of `schemata`.
 *
 *	resctrl_plan         which directories, and which of them will have to be made: for the journal
 *	resctrl_create       makes them and writes the schemata, or compares them with what is there
 *	resctrl_add          a process; what it starts from then on belongs to the class, too
 *	resctrl_remove       what resctrl_plan said would be made
 *
 * The file system is the one that is mounted, or the tree that LVM_RUN_RESCTRL names: plain folders and files
 * serve for tests, but for making and removing what the kernel fills by itself. Host side.
 */
#ifndef LVM_RUN_CGROUPS_RESCTRL_H
#define LVM_RUN_CGROUPS_RESCTRL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

/* Absolute paths in the arena of resctrl_plan. All null: the container has no class of its own. */
struct resctrl {
	const char *root;
	const char *group;   /* the class; the root itself for closID "/" */
	const char *monitor; /* its monitoring group for this container; null: none */
	bool create;         /* the class is to be made, and removed with the container */
	bool created;        /* by resctrl_create */
	bool monitored;
};

/* Whether `rdt` fits what is mounted. Without a closID the class bears the container's id. */
int resctrl_plan(const struct spec_intel_rdt *rdt, const char *id, struct arena *arena,
                 struct resctrl *ret, struct error *err) must_check;
/* The same for a container that exists: nothing is checked but that the file system is there. */
int resctrl_find(const struct spec_intel_rdt *rdt, const char *id, struct arena *arena,
                 struct resctrl *ret, struct error *err) must_check;

int resctrl_create(struct resctrl *resctrl, const struct spec_intel_rdt *rdt,
                   struct error *err) must_check;
/* Takes back what resctrl_create did. */
void resctrl_undo(const struct resctrl *resctrl);

int resctrl_add(const struct resctrl *resctrl, pid_t pid, struct error *err) must_check;

/*
 * Removes directories that were made for a container: `monitor`, then `group`; either may be null or
 * gone. A class that others live in by now stays.
 */
int resctrl_remove(const char *group, const char *monitor, struct error *err) must_check;

/*
 * Changes l3_cache_schema and memory_bandwidth_schema of a class; *ret_before (in the arena) is what
 * resctrl_write_back takes to undo it.
 */
int resctrl_update(const struct resctrl *resctrl, const struct spec_intel_rdt *rdt,
                   struct arena *arena, const char **ret_before, struct error *err) must_check;
int resctrl_write_back(const struct resctrl *resctrl, const char *before,
                       struct error *err) must_check;

/* Whether each domain of each line of `wanted` has the same value in the text of a schemata file. */
bool resctrl_schemata_hold(const char *schemata, const char *wanted);

/* The file system's root into `ret`: 1, 0 when none is mounted, −errno. */
int resctrl_mount(char *ret, size_t size, struct error *err) must_check;

#endif
