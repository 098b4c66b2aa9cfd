/* Changing the values of a live group, all of them or none. Only for cgroups/. Host side. */
#ifndef LVM_RUN_CGROUPS_UPDATE_H
#define LVM_RUN_CGROUPS_UPDATE_H

#include "cgroups/limits.h"

struct cgroup;

/*
 * The list that undoes `list` in the group `dirfd`, by what its files hold now, in reverse: what was written
 * last is undone first. Strings lie in the arena.
 */
int update_save(const struct limit_list *list, int dirfd, struct arena *arena,
                struct limit_list *ret, struct error *err) must_check;

/*
 * limits_apply to the directory `dirfd` of a group, whose driver is told of it (`group` null: nobody to
 * tell); when one value is refused, those written before it are set to what they were. What cannot be set
 * back is logged.
 */
int update_values(struct cgroup *group, const struct limit_list *list, int dirfd,
                  struct error *err) must_check;

/* −EBUSY when a limit of memory ("limit", "swap") is not above what is used now (−1: unknown). */
int update_check_use(const char *property, struct optional_i64 limit, int64_t used,
                     struct error *err) must_check;

/*
 * Adds to `resources` what half a setting lacks, from the group `dirfd`: the quota to a period, the
 * period to a quota, memory's limit to that of memory and swap together. With checkBeforeUpdate a limit
 * that is not above what is used now is refused with EBUSY.
 */
int update_complete(struct spec_resources *resources, int dirfd, struct error *err) must_check;

#endif
