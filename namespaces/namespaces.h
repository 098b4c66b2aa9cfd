/*
 * Which namespaces a container gets: new ones by clone3, others joined by path.
 *
 *	host:  namespaces_prepare → struct namespace_plan, before the first process is made
 *	child: namespaces_enter (joins), then the mechanisms of the single namespaces (user.h, uts.h, …)
 *
 * Sources: namespaces(7), setns(2), clone(2), OCI config-linux.md "Namespaces".
 */
#ifndef LVM_RUN_NAMESPACES_NAMESPACES_H
#define LVM_RUN_NAMESPACES_NAMESPACES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "spec/spec.h"

struct namespace_join {
	int fd;   /* the namespace, verified to be of its type */
	int flag; /* CLONE_NEW… */
	enum spec_namespace_type type;
};

struct namespace_plan {
	uint64_t clone_flags; /* CLONE_NEW… of those to be made by clone3; a new time namespace with
	                         offsets is not among them (see new_time_offsets) */
	struct namespace_join
		joins[NAMESPACE_TYPE_COUNT]; /* in the order in which they are entered */
	unsigned int join_count;
	bool new_time_offsets; /* unshare(CLONE_NEWTIME), write the offsets, then clone */
	/*
	 * An intermediate process must enter the joined namespaces and then clone init with CLONE_PARENT:
	 * a pid or user namespace is joined, a new user namespace is combined with joins, or time
	 * offsets are asked for.
	 */
	bool needs_stage;
};

/* Zero-initialise; namespace_plan_done closes the descriptors. */
void namespace_plan_done(struct namespace_plan *plan);
#define scoped_namespace_plan scoped(namespace_plan_done) struct namespace_plan

/*
 * Opens and verifies the paths (NS_GET_NSTYPE, ioctl_ns(2)); refuses a wrong type by name. A path to
 * the user namespace that the caller is in already is no join. Host.
 */
int namespaces_prepare(const struct spec_linux *linux_spec, struct namespace_plan *ret,
                       struct error *err) must_check;

/* Whether a user namespace is among those to join. */
bool namespaces_join_user(const struct namespace_plan *plan);

/* Whether `path` is the user namespace that we are in, so that there is nothing to join. */
bool namespace_is_own_user(const char *path);

/*
 * Enters every joined namespace. One may belong to the user namespace that is left or to the one that
 * is entered: with a user namespace among them the others are tried before it and again after it.
 * Child; on failure some may have been entered.
 */
int namespaces_enter(const struct namespace_plan *plan, struct error *err) must_check;

/* The clone flag of a type, and the name of its file in /proc/PID/ns ("net", "mnt", …). */
int namespace_clone_flag(enum spec_namespace_type type);
const char *namespace_proc_name(enum spec_namespace_type type);

#endif
