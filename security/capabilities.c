#include "security/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

/* The permitted set of this process. */
static int read_permitted(uint64_t *ret, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return error_errno(err, "capget");
	*ret = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}

static void warn_of_lost(const char *set, uint64_t lost, const char *reason)
{
	for (int cap = 0; cap < 64; cap++) {
		const char *name = spec_capability_name(cap);

		if (lost >> cap & 1)
			log_write(LOG_LEVEL_WARNING,
			          "process.capabilities.%s: %s cannot be granted: %s", set,
			          name ? name : "a capability", reason);
	}
}

/* Keeps of *set what is in `limit`. */
static void clip(const char *name, uint64_t *set, uint64_t limit, const char *reason)
{
	if (*set & ~limit)
		warn_of_lost(name, *set & ~limit, reason);
	*set &= limit;
}

int capabilities_prepare(const struct capability_request *request, struct capability_plan *ret,
                         struct error *err)
{
	static const char *const missing = "the runtime does not have it itself";
	const struct spec_capabilities *asked = request->capabilities;
	struct capability_plan plan = {0};
	uint64_t available = UINT64_MAX;

	if (!request->user_namespace) {
		int r = read_permitted(&available, err);

		if (r < 0)
			return r;
	}
	if (asked->set) {
		plan.bounding = asked->bounding;
		plan.permitted = asked->permitted;
		plan.effective = asked->effective;
		plan.inheritable = asked->inheritable;
		plan.ambient = asked->ambient;
	}
	/* In the order in which the kernel bounds one set by the other. */
	clip("permitted", &plan.permitted, available, missing);
	clip("effective", &plan.effective, plan.permitted, "it is not in the permitted set");
	clip("inheritable", &plan.inheritable, available, missing);
	clip("inheritable", &plan.inheritable, plan.bounding, "it is not in the bounding set");
	clip("ambient", &plan.ambient, plan.permitted & plan.inheritable,
	     "it is not both permitted and inheritable");
	if (request->load_needs_rights)
		plan.borrowed = (UINT64_C(1) << CAP_SYS_ADMIN) & available & ~plan.effective;
	*ret = plan;
	return 0;
}
