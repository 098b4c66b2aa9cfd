/*
 * The groups of a container in cgroup v1 hierarchies, on a host that binds controllers to those. They hold
 * limits and nothing else: the container's place, where it is frozen, counted and killed, is its group in
 * the v2 hierarchy. Only for cgroups/. Host side.
 *
 * They exist only for a container whose configuration, or an update, asks for a limit of such a controller, and
 * then in the hierarchies of those limits and of what statistics come from, at the same path below each mount as in
 * the v2 hierarchy. Making, writing and removing are the helper's business (libcgroup), reading is not.
 *
 *	legacy_plan → legacy_make → legacy_open_procs → legacy_undo or legacy_remove
 *
 * The helper that makes the groups enters the container's v2 group first. Whoever cleans up ends all that
 * lives there, waits until it is empty, removes it, and then these: so nothing can be made afterwards.
 *
 * Requests (base/helper.h): the services legacy-create, legacy-set, legacy-remove with "path", a "hierarchy"
 * (as in struct cgroup_location) each, for legacy-create "join" (cgroup.procs of the v2 group) and perhaps
 * "occupied" (processes may be in them), for legacy-set
 * perhaps "each" (a refused value does not end it); for these two each value as "limit" (the file), followed
 * by its "property", "value", "fallback", "fallback-value" and the flags "if-present", "retry", "verify".
 */
#ifndef LVM_RUN_CGROUPS_LEGACY_H
#define LVM_RUN_CGROUPS_LEGACY_H

#include "cgroups/layout.h"
#include "cgroups/limits.h"

struct cgroup;
struct cgroup_location;

struct legacy_hierarchy {
	const char *controllers; /* "cpu,cpuacct" */
	const char *mount;
	int above;      /* of the groups above it so many were there already; the rest is ours */
	bool was_there; /* before legacy_make: stays when creation fails */
	const char *origin; /* legacy_grow: where the processes were before; may be null */
};

struct legacy {
	struct legacy_hierarchy hierarchies[LAYOUT_LEGACY_MAX];
	size_t count; /* 0: the container has no such groups */
	struct limit_list limits;
	bool tried; /* to make them */
};

/*
 * Divides the limits between the versions, for a host whose v2 hierarchy does not have all the controllers
 * that `resources` needs: fills group->limits, group->legacy and location.legacy, for the group at
 * location.mount. 0 also when nothing could go to v1: the limits are then refused as ever.
 */
int legacy_plan(struct cgroup *group, const struct spec_resources *resources,
                struct error *err) must_check;

/* Makes them and writes their limits. What a failure leaves is removed by legacy_undo. */
int legacy_make(struct cgroup *group, struct error *err) must_check;
/* Removes those that legacy_make has made; what cannot be removed is logged. */
void legacy_undo(struct cgroup *group);

/* Fills group->legacy from the text of a location; null: none. */
int legacy_parse(struct cgroup *group, const char *text, struct error *err) must_check;
/* Removes all of them with what is below; success when they are gone already. */
int legacy_remove(const struct cgroup *group, struct error *err) must_check;

/* The directory of the group in the hierarchy of `controller`; −1 when there is none. The caller's. */
int legacy_open(const struct cgroup *group, const char *controller);

/* Writes values into the live groups; `each`: the others too when one is refused. */
int legacy_set(const struct cgroup *group, const struct limit_list *limits, bool each,
               struct error *err) must_check;

/* legacy_limits_divide between the v2 hierarchy and the groups that there are. */
int legacy_divide(struct cgroup *group, const struct spec_resources *resources,
                  struct spec_resources *ret_unified, struct spec_resources *ret_legacy,
                  struct error *err) must_check;

/* --- legacy_stats.c --- */

/*
 * An eventfd that the kernel counts up when the OOM killer strikes in the container's group, and when the
 * group goes; −1 when that cannot be had. Both descriptors are the caller's.
 */
int legacy_open_oom(const struct cgroup *group, int *ret_control);

/* --- legacy_update.c --- */

/*
 * Fills group->legacy.limits with what of `resources` concerns the live v1 groups, and *ret_unified with the
 * rest. As update_complete it completes half a setting, and refuses by checkBeforeUpdate.
 */
int legacy_update_plan(struct cgroup *group, const struct spec_resources *resources,
                       struct spec_resources *ret_unified, struct error *err) must_check;
/* Writes them, all or none; *ret_before, in the arena, is what legacy_set_back undoes it with. */
int legacy_update(struct cgroup *group, struct arena *arena, struct limit_list *ret_before,
                  struct error *err) must_check;
void legacy_set_back(const struct cgroup *group, const struct limit_list *before);

/* --- legacy_grow.c --- */

/* 1: `resources` needs groups that the live container lacks and may get; group->legacy then has them. 0: not. */
int legacy_grow_plan(struct cgroup *group, const struct spec_resources *resources,
                     struct error *err) must_check;
/* Makes them, writes their limits, moves all processes of the container there. A failure undoes itself. */
int legacy_grow(struct cgroup *group, struct error *err) must_check;
/* Takes it back. */
void legacy_shrink(struct cgroup *group);

#endif
