#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "security/capabilities.h"

/* The sets are 64 bits wide; the first capability that the kernel does not know ends the list. */
enum { CAPABILITY_LIMIT = 64 };

static int drop(unsigned int capability, struct error *err)
{
	if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
		return 0;

	const int code = errno;

	if (code == EINVAL)
		return -EINVAL;
	/* Without CAP_SETPCAP nothing can be dropped, and need not be where it is not there. */
	if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0)
		return 0;
	return error_code(err, code, "drop capability %u from the bounding set", capability);
}

int capabilities_enter_bounding(const struct capability_plan *plan, struct error *err)
{
	for (unsigned int cap = 0; cap < CAPABILITY_LIMIT; cap++) {
		int r = plan->bounding >> cap & 1 ? 0 : drop(cap, err);

		if (r == -EINVAL)
			return 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_all(uint64_t effective, uint64_t permitted, uint64_t inheritable, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
		{(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
	         (uint32_t)(inheritable >> 32)},
	};

	if (syscall(SYS_capset, &header, data) < 0)
		return error_errno(err, "capset");
	return 0;
}

/*
 * capset takes out of the ambient set what is no longer both permitted and inheritable; only what
 * remains so without being asked for has to be cleared.
 */
static int set_ambient(const struct capability_plan *plan, struct error *err)
{
	if (plan->inheritable & (plan->permitted | plan->borrowed) & ~plan->ambient &&
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno(err, "clear the ambient set");
	for (unsigned int cap = 0; plan->ambient >> cap; cap++) {
		if (!(plan->ambient >> cap & 1))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return error_errno(err, "raise ambient capability %u", cap);
	}
	return 0;
}

int capabilities_enter_sets(const struct capability_plan *plan, struct error *err)
{
	int r = set_all(plan->effective | plan->borrowed, plan->permitted | plan->borrowed,
	                plan->inheritable, err);

	return r < 0 ? r : set_ambient(plan, err);
}

int capabilities_enter_final(const struct capability_plan *plan, struct error *err)
{
	if (plan->borrowed == 0)
		return 0;
	return set_all(plan->effective, plan->permitted, plan->inheritable, err);
}
