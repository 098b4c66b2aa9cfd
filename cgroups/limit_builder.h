/* A list of limits in the making, for cgroup v2 (limits.c) and v1 (legacy_limits.c). Pure. */
#ifndef LVM_RUN_CGROUPS_LIMIT_BUILDER_H
#define LVM_RUN_CGROUPS_LIMIT_BUILDER_H

#include "cgroups/limits.h"

struct limit_builder {
	struct arena *arena;
	struct limit_list *list;
	size_t capacity;
	struct error *err; /* the first error stays */
};

/* Adds it; its controller is what stands before the first dot of the file. A null value: no memory. */
int limit_add(struct limit_builder *b, struct limit limit) must_check;

/* Adds a number where 0 and absence mean that nothing was asked for, and −1 no limit: `unlimited`. */
int limit_add_number(struct limit_builder *b, struct limit limit, struct optional_i64 number,
                     const char *unlimited) must_check;

/* `unlimited` for −1, else the number; null: no memory. */
const char *limit_number(struct limit_builder *b, int64_t value, const char *unlimited);

/* cpu.idle, which both versions have under that name: 1 the group will be idle, 0 not. */
int limit_add_idle(struct limit_builder *b, const struct spec_cpu *cpu) must_check;

/* Any negative number but −1 is a mistake. */
int limit_check_sign(struct limit_builder *b, const char *property, int64_t value) must_check;

/* "PROPERTY: why; take it out of the configuration" */
int limit_refuse(struct limit_builder *b, const char *property, const char *why);

#endif
