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

static int set_all(const struct capability_plan *sets, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const uint64_t effective = sets->effective | sets->borrowed;
	const uint64_t permitted = sets->permitted | sets->borrowed;
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{(uint32_t)effective, (uint32_t)permitted, (uint32_t)sets->inheritable},
		{(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
	         (uint32_t)(sets->inheritable >> 32)},
	};

	if (syscall(SYS_capset, &header, data) < 0)
		return error_errno(err, "capset");
	return 0;
}

/* What the process really has, where the host could not know (a joined user namespace). */
static void clip_to_permitted(struct capability_plan *sets)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	uint64_t permitted;

	if (syscall(SYS_capget, &header, data) < 0)
		return;
	permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	sets->permitted &= permitted;
	sets->effective &= permitted;
	sets->inheritable &= permitted;
	sets->borrowed &= permitted;
	sets->ambient &= sets->permitted & sets->inheritable;
}

/*
 * capset takes out of the ambient set what is no longer both permitted and inheritable; only what
 * remains so without being asked for has to be cleared.
 */
static int set_ambient(const struct capability_plan *sets, struct error *err)
{
	if (sets->inheritable & (sets->permitted | sets->borrowed) & ~sets->ambient &&
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_errno(err, "clear the ambient set");
	for (unsigned int cap = 0; sets->ambient >> cap; cap++) {
		if (!(sets->ambient >> cap & 1))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return error_errno(err, "raise ambient capability %u", cap);
	}
	return 0;
}

int capabilities_enter_sets(const struct capability_plan *plan, struct error *err)
{
	struct capability_plan sets = *plan;
	struct error first = {0};

	/* What cannot be granted is no failure (OCI config.md "Linux Process"). */
	if (set_all(&sets, &first) < 0) {
		clip_to_permitted(&sets);
		if (set_all(&sets, err) < 0)
			return -err->code;
	}
	return set_ambient(&sets, err);
}

int capabilities_enter_final(const struct capability_plan *plan, struct error *err)
{
	struct capability_plan sets = *plan;

	if (plan->borrowed == 0)
		return 0;
	sets.borrowed = 0;
	if (set_all(&sets, err) == 0)
		return 0;
	clip_to_permitted(&sets);
	return set_all(&sets, err);
}
