#include <linux/capability.h>
#include <string.h>

#include "base/log.h"
#include "base/macro.h"
#include "spec/sections.h"

static const char *const names[] = {
	[CAP_CHOWN] = "CAP_CHOWN",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_FOWNER] = "CAP_FOWNER",
	[CAP_FSETID] = "CAP_FSETID",
	[CAP_KILL] = "CAP_KILL",
	[CAP_SETGID] = "CAP_SETGID",
	[CAP_SETUID] = "CAP_SETUID",
	[CAP_SETPCAP] = "CAP_SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_NET_RAW] = "CAP_NET_RAW",
	[CAP_IPC_LOCK] = "CAP_IPC_LOCK",
	[CAP_IPC_OWNER] = "CAP_IPC_OWNER",
	[CAP_SYS_MODULE] = "CAP_SYS_MODULE",
	[CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
	[CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
	[CAP_SYS_PACCT] = "CAP_SYS_PACCT",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_BOOT] = "CAP_SYS_BOOT",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
	[CAP_SYS_TIME] = "CAP_SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
	[CAP_MKNOD] = "CAP_MKNOD",
	[CAP_LEASE] = "CAP_LEASE",
	[CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
	[CAP_SETFCAP] = "CAP_SETFCAP",
	[CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
	[CAP_SYSLOG] = "CAP_SYSLOG",
	[CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "CAP_AUDIT_READ",
	[CAP_PERFMON] = "CAP_PERFMON",
	[CAP_BPF] = "CAP_BPF",
	[CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};

int spec_capability_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

const char *spec_capability_name(int number)
{
	return number >= 0 && (size_t)number < ARRAY_SIZE(names) ? names[number] : NULL;
}

/* CAP_ and capitals: what a capability of a later kernel looks like. */
static bool looks_like_capability(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return strncmp(name, "CAP_", 4) == 0 && name[4] != '\0' &&
	       name[4 + strspn(name + 4, letters)] == '\0';
}

/*
 * What cannot be granted is a warning and no error (config.md, "capabilities"); what no capability
 * could be named is an error.
 */
static int add_capability(const struct json_cursor *item, uint64_t *mask)
{
	const char *name;
	int number, r;

	r = json_read_text(item, &name);
	if (r < 0)
		return r;
	number = spec_capability_number(name);
	if (number >= 0)
		*mask |= UINT64_C(1) << number;
	else if (looks_like_capability(name) && item->decoder->all)
		json_warn(item, "unknown capability, not granted");
	else if (looks_like_capability(name))
		log_write(LOG_LEVEL_WARNING, "%s: unknown capability %.60s is not granted",
		          item->decoder->name, name);
	else
		return json_expected(item, "the name of a capability (CAP_…)");
	return 0;
}

int spec_decode_capabilities(const struct json_cursor *at, void *target)
{
	struct json_cursor item;
	uint64_t mask = 0;
	size_t count = 0;
	int r;

	r = json_count(at, &count);
	for (size_t i = 0; r == 0 && json_enter_item(at, i, &item); i++)
		r = json_settle(at, add_capability(&item, &mask));
	if (r == 0)
		*(uint64_t *)target = mask;
	return r;
}
