/*
 * linux.resources for the controllers of cgroup v1 (config-linux.md "Control groups", the kernel's documents
 * in cgroup-v1/): which of them go there, and their list of {file, value}. Pure.
 */
#ifndef LVM_RUN_CGROUPS_LEGACY_LIMITS_H
#define LVM_RUN_CGROUPS_LEGACY_LIMITS_H

#include "cgroups/limits.h"

/*
 * Divides `resources`: what concerns a controller that is not among the words of `unified` (those of
 * the v2 hierarchy) but of `legacy` (v1 names) goes to *ret_legacy, the rest to *ret_unified, device rules
 * and the keys of `unified` with it. Nothing is copied but the struct itself.
 */
void legacy_limits_divide(const struct spec_resources *resources, const char *unified,
                          const char *legacy, struct spec_resources *ret_unified,
                          struct spec_resources *ret_legacy);

/* As limits_plan, for v1. */
int legacy_limits_plan(const struct spec_resources *resources, struct arena *arena,
                       struct limit_list *ret, struct error *err) must_check;

/* The v1 name of a controller ("blkio" for "io"). */
const char *legacy_limits_controller(const char *controller);

#endif
