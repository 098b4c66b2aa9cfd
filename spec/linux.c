#include <stddef.h>
#include <string.h>
#include <sys/personality.h>

#include "spec/sections.h"

/* --- namespaces --- */

const char *const spec_namespace_names[NAMESPACE_TYPE_COUNT] = {
	[NAMESPACE_USER] = "user",     [NAMESPACE_PID] = "pid",   [NAMESPACE_NETWORK] = "network",
	[NAMESPACE_MOUNT] = "mount",   [NAMESPACE_IPC] = "ipc",   [NAMESPACE_UTS] = "uts",
	[NAMESPACE_CGROUP] = "cgroup", [NAMESPACE_TIME] = "time",
};

static int read_namespace_type(const struct json_cursor *at, enum spec_namespace_type *ret)
{
	const char *text = "";
	int r = json_read_text(at, &text);

	if (r < 0)
		return r;
	for (int type = 0; type < NAMESPACE_TYPE_COUNT; type++) {
		if (strcmp(spec_namespace_names[type], text) == 0) {
			*ret = (enum spec_namespace_type)type;
			return 0;
		}
	}
	return json_expected(at, "one of user pid network mount ipc uts cgroup time");
}

static int decode_namespace(const struct json_cursor *at, struct spec_namespace *namespaces)
{
	struct json_cursor member;
	enum spec_namespace_type type = 0;
	size_t count = 0;
	int r;

	r = json_count_members(at, &count);
	if (r < 0)
		return r;
	if (!json_enter(at, "type", &member))
		return json_fail(&member, "is missing");
	r = read_namespace_type(&member, &type);
	if (r < 0)
		return r;
	if (namespaces[type].set)
		return json_fail(&member, "%s is listed twice", spec_namespace_names[type]);
	namespaces[type].set = true;
	if (!json_enter(at, "path", &member))
		return 0;
	r = json_read_string(&member, &namespaces[type].path);
	if (r == 0 && namespaces[type].path[0] == '\0')
		namespaces[type].path = NULL;
	return r;
}

static int decode_namespaces(const struct json_cursor *at, void *target)
{
	struct json_cursor item;
	size_t count = 0;
	int r;

	r = json_count(at, &count);
	for (size_t i = 0; r == 0 && json_enter_item(at, i, &item); i++)
		r = json_settle(at, decode_namespace(&item, target));
	return r;
}

/* --- timeOffsets --- */

static const struct json_field time_offset_fields[] = {
	{"secs", FIELD_I64, .offset = offsetof(struct spec_time_offset, seconds)},
	{"nanosecs", FIELD_U32, .offset = offsetof(struct spec_time_offset, nanoseconds),
         .max = 999999999},
};
static const struct json_table time_offset_table =
	JSON_TABLE(time_offset_fields, struct spec_time_offset);

static const struct json_field time_offsets_fields[] = {
	{"monotonic", FIELD_OBJECT, .offset = offsetof(struct spec_linux, monotonic_offset),
         .table = &time_offset_table,
         .present_offset = offsetof(struct spec_linux, monotonic_offset.set)},
	{"boottime", FIELD_OBJECT, .offset = offsetof(struct spec_linux, boottime_offset),
         .table = &time_offset_table,
         .present_offset = offsetof(struct spec_linux, boottime_offset.set)},
};

/* The members are clocks, so one that we do not know is an invalid value. */
static int check_clocks(const struct json_cursor *at, void *target unused_parameter)
{
	struct json_cursor member = {.decoder = at->decoder, .parent = at};
	struct json_iterator iterator = {0};

	while (json_next(at->node, &iterator, &member.key, &member.node)) {
		if (strcmp(member.key, "monotonic") != 0 && strcmp(member.key, "boottime") != 0)
			return json_fail(&member,
			                 "is no clock with an offset (monotonic, boottime)");
	}
	return 0;
}

static const struct json_table time_offsets_table = {
	.fields = time_offsets_fields,
	.count = ARRAY_SIZE(time_offsets_fields),
	.size = sizeof(struct spec_linux),
	.check = check_clocks,
	.partial = true, /* check_clocks looks at the others */
};

/* --- devices --- */

/* What mknod(2) splits off again: old Docker writes the type bits too. */
enum { PERMISSION_BITS = 07777 };

static const struct json_field device_fields[] = {
	{"type", FIELD_CHAR, .offset = offsetof(struct spec_device, type), .required = true,
         .letters = "cbup"},
	{"path", FIELD_STRING, .offset = offsetof(struct spec_device, path), .required = true},
	{"major", FIELD_U32, .offset = offsetof(struct spec_device, major)},
	{"minor", FIELD_U32, .offset = offsetof(struct spec_device, minor)},
	{"fileMode", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_device, file_mode),
         .max = UINT32_MAX},
	{"uid", FIELD_U32, .offset = offsetof(struct spec_device, uid), .max = SPEC_ID_MAX},
	{"gid", FIELD_U32, .offset = offsetof(struct spec_device, gid), .max = SPEC_ID_MAX},
};

static int check_device(const struct json_cursor *at, void *target)
{
	struct spec_device *device = target;
	struct json_cursor member;

	device->file_mode.value &= PERMISSION_BITS;
	if (device->type == 'p')
		return 0;
	if (!json_enter(at, "major", &member) || !json_enter(at, "minor", &member))
		return json_fail(&member, "is missing");
	return 0;
}

static const struct json_table device_table =
	JSON_TABLE_CHECKED(device_fields, struct spec_device, check_device);

/* --- personality --- */

static const struct json_word personality_domains[] = {
	{"LINUX", PER_LINUX},
	{"LINUX32", PER_LINUX32},
	{0},
};

/* "flags … are not supported" in the specification itself: the list must be empty. */
static int decode_personality_flags(const struct json_cursor *at, void *target unused_parameter)
{
	size_t count = 0;
	int r = json_count(at, &count);

	if (r < 0)
		return r;
	return count == 0 ? 0 : json_fail(at, "no flag is defined, the list must be empty");
}

static const struct json_field personality_fields[] = {
	{"domain", FIELD_WORD, .offset = offsetof(struct spec_personality, domain),
         .required = true, .words = personality_domains},
	{"flags", FIELD_CUSTOM, .custom = decode_personality_flags},
};
static const struct json_table personality_table =
	JSON_TABLE(personality_fields, struct spec_personality);

/* --- linux --- */

static const struct json_field linux_fields[] = {
	{"namespaces", FIELD_CUSTOM, .offset = offsetof(struct spec_linux, namespaces),
         .custom = decode_namespaces},
	{"uidMappings", FIELD_LIST, .offset = offsetof(struct spec_linux, uid_mappings.items),
         .table = &spec_id_mapping_table,
         .count_offset = offsetof(struct spec_linux, uid_mappings.count)},
	{"gidMappings", FIELD_LIST, .offset = offsetof(struct spec_linux, gid_mappings.items),
         .table = &spec_id_mapping_table,
         .count_offset = offsetof(struct spec_linux, gid_mappings.count)},
	{"timeOffsets", FIELD_OBJECT, .table = &time_offsets_table},
	{"devices", FIELD_LIST, .offset = offsetof(struct spec_linux, devices),
         .table = &device_table, .count_offset = offsetof(struct spec_linux, device_count)},
	{"cgroupsPath", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_linux, cgroups_path)},
	{"resources", FIELD_OBJECT, .offset = offsetof(struct spec_linux, resources),
         .table = &spec_resources_table},
	{"sysctl", FIELD_MAP, .offset = offsetof(struct spec_linux, sysctl),
         .count_offset = offsetof(struct spec_linux, sysctl_count)},
	{"seccomp", FIELD_OBJECT, .offset = offsetof(struct spec_linux, seccomp),
         .table = &spec_seccomp_table, .present_offset = offsetof(struct spec_linux, seccomp.set)},
	{"maskedPaths", FIELD_STRINGS, .offset = offsetof(struct spec_linux, masked_paths)},
	{"readonlyPaths", FIELD_STRINGS, .offset = offsetof(struct spec_linux, readonly_paths)},
	{"rootfsPropagation", FIELD_STRING_OR_NULL,
         .offset = offsetof(struct spec_linux, rootfs_propagation)},
	{"mountLabel", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_linux, mount_label)},
	{"personality", FIELD_OBJECT, .offset = offsetof(struct spec_linux, personality),
         .table = &personality_table,
         .present_offset = offsetof(struct spec_linux, personality.set)},
	{"memoryPolicy", FIELD_OBJECT, .offset = offsetof(struct spec_linux, memory_policy),
         .table = &spec_memory_policy_table,
         .present_offset = offsetof(struct spec_linux, memory_policy.set)},
	{"netDevices", FIELD_MEMBERS, .offset = offsetof(struct spec_linux, net_devices),
         .count_offset = offsetof(struct spec_linux, net_device_count),
         .table = &spec_net_device_table},
	{"intelRdt", FIELD_OBJECT, .offset = offsetof(struct spec_linux, intel_rdt),
         .table = &spec_intel_rdt_table,
         .present_offset = offsetof(struct spec_linux, intel_rdt.set)},
};
const struct json_table spec_linux_table = JSON_TABLE(linux_fields, struct spec_linux);
