/*
 * linux.resources as a list of {file, value} for cgroup v2 (config-linux.md "Control groups", the
 * kernel's cgroup-v2 document). The list is made before the first side effect and knows nothing of
 * the group; the same list sets up a new group and changes a live one. Host side.
 */
#ifndef LVM_RUN_CGROUPS_LIMITS_H
#define LVM_RUN_CGROUPS_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/spec.h"

enum limit_flag {
	LIMIT_IF_PRESENT = 1,  /* nothing to limit where the file does not exist */
	LIMIT_RETRY_LATER = 2, /* refused with EINVAL: once more after the rest (cpu.max.burst) */
	LIMIT_VERIFY = 4       /* cgroup v1: a kernel may take the value and do nothing with it */
};

struct limit {
	const char *property;      /* "linux.resources.memory.limit" */
	const char *file;          /* "memory.max" */
	const char *value;         /* each of its lines is one write(2) */
	const char *controller;    /* "memory"; null: a file that every group has */
	const char *fallback_file; /* where `file` does not exist; may be null */
	const char *fallback_value;
	unsigned int flags;
};

struct limit_list {
	struct limit *items;
	size_t count;
};

/* An error names the property that has no equal in cgroup v2, or whose value makes no sense. */
int limits_plan(const struct spec_resources *resources, struct arena *arena, struct limit_list *ret,
                struct error *err) must_check;

/*
 * The first limit whose controller is not among the words of `controllers`; null when all are there.
 */
const struct limit *limits_find_missing(const struct limit_list *list, const char *controllers);

/* Writes them into the group `dirfd`. An error names the property, the value and the file. */
int limits_apply(const struct limit_list *list, int dirfd, struct error *err) must_check;

/* "2MB": digits, then KB, MB or GB. */
bool limits_page_size_is_good(const char *size);

/* blkio weight (10 … 1000) to io.weight (1 … 10000). */
uint64_t limits_io_weight(uint64_t weight);

/*
 * memory.swap.max from the limit of memory and the limit of memory and swap together: −1 no limit,
 * −2 nothing to write; an error when the two do not fit.
 */
int limits_swap(struct optional_i64 memory, struct optional_i64 swap, int64_t *ret,
                struct error *err) must_check;

#endif
