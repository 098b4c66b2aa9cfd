#include <stddef.h>

#include "spec/sections.h"
#include "spec/writer.h"

#define RESOURCE(member) offsetof(struct spec_resources, member)

/* --- devices --- */

static int decode_type(const struct json_cursor *at, void *target)
{
	const char *text = "";
	int r;

	r = json_read_text(at, &text);
	if (r < 0 || text[0] == '\0')
		return r;
	if ((text[0] != 'a' && text[0] != 'b' && text[0] != 'c') || text[1] != '\0')
		return json_expected(at, "one letter of \"abc\"");
	*(char *)target = text[0];
	return 0;
}

static void encode_type(struct json_writer *writer, const char *key, const void *source)
{
	const char text[] = {*(const char *)source, '\0'};

	json_writer_string(writer, key, text);
}

static const struct json_field device_fields[] = {
	{"allow", FIELD_BOOL, .offset = offsetof(struct spec_device_rule, allow), .required = true},
	{"type", FIELD_CUSTOM, .offset = offsetof(struct spec_device_rule, type),
         .custom = decode_type, .encode = encode_type},
	{"major", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_device_rule, major), .min = -1,
         .max = UINT32_MAX},
	{"minor", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_device_rule, minor), .min = -1,
         .max = UINT32_MAX},
	{"access", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_device_rule, access)},
};

/* An absent or empty type means all, which is not the letter zero. */
static int complete_device(const struct json_cursor *at unused_parameter, void *target)
{
	struct spec_device_rule *rule = target;

	if (rule->type == '\0')
		rule->type = 'a';
	return 0;
}

static const struct json_table device_table =
	JSON_TABLE_CHECKED(device_fields, struct spec_device_rule, complete_device);

/* --- memory, cpu, pids --- */

static const struct json_field memory_fields[] = {
	{"limit", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_memory, limit)},
	{"reservation", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_memory, reservation)},
	{"swap", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_memory, swap)},
	{"kernel", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_memory, kernel)},
	{"kernelTCP", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_memory, kernel_tcp)},
	{"swappiness", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_memory, swappiness)},
	{"disableOOMKiller", FIELD_OPTIONAL_BOOL,
         .offset = offsetof(struct spec_memory, disable_oom_killer)},
	{"useHierarchy", FIELD_OPTIONAL_BOOL,
         .offset = offsetof(struct spec_memory, use_hierarchy)},
	{"checkBeforeUpdate", FIELD_OPTIONAL_BOOL,
         .offset = offsetof(struct spec_memory, check_before_update)},
};
static const struct json_table memory_table = JSON_TABLE(memory_fields, struct spec_memory);

static const struct json_field cpu_fields[] = {
	{"shares", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_cpu, shares)},
	{"quota", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_cpu, quota)},
	{"burst", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_cpu, burst)},
	{"period", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_cpu, period)},
	{"realtimeRuntime", FIELD_OPTIONAL_I64,
         .offset = offsetof(struct spec_cpu, realtime_runtime)},
	{"realtimePeriod", FIELD_OPTIONAL_U64,
         .offset = offsetof(struct spec_cpu, realtime_period)},
	{"cpus", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_cpu, cpus)},
	{"mems", FIELD_STRING_OR_NULL, .offset = offsetof(struct spec_cpu, mems)},
	{"idle", FIELD_OPTIONAL_I64, .offset = offsetof(struct spec_cpu, idle)},
};
static const struct json_table cpu_table = JSON_TABLE(cpu_fields, struct spec_cpu);

static const struct json_field pids_fields[] = {
	{"limit", FIELD_OPTIONAL_I64, .offset = RESOURCE(pids_limit)},
};
static const struct json_table pids_table = JSON_TABLE(pids_fields, struct spec_resources);

/* --- blockIO --- */

static const struct json_field weight_fields[] = {
	{"major", FIELD_U32, .offset = offsetof(struct spec_block_device_value, major),
         .required = true},
	{"minor", FIELD_U32, .offset = offsetof(struct spec_block_device_value, minor),
         .required = true},
	{"weight", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_block_device_value, weight),
         .max = UINT16_MAX},
	{"leafWeight", FIELD_OPTIONAL_U64,
         .offset = offsetof(struct spec_block_device_value, leaf_weight), .max = UINT16_MAX},
};
static const struct json_table weight_table =
	JSON_TABLE(weight_fields, struct spec_block_device_value);

static const struct json_field throttle_fields[] = {
	{"major", FIELD_U32, .offset = offsetof(struct spec_block_device_value, major),
         .required = true},
	{"minor", FIELD_U32, .offset = offsetof(struct spec_block_device_value, minor),
         .required = true},
	{"rate", FIELD_U64, .offset = offsetof(struct spec_block_device_value, rate),
         .required = true},
};
static const struct json_table throttle_table =
	JSON_TABLE(throttle_fields, struct spec_block_device_value);

#define BLOCK_IO(member) offsetof(struct spec_block_io, member)

static const struct json_field block_io_fields[] = {
	{"weight", FIELD_OPTIONAL_U64, .offset = BLOCK_IO(weight), .max = UINT16_MAX},
	{"leafWeight", FIELD_OPTIONAL_U64, .offset = BLOCK_IO(leaf_weight), .max = UINT16_MAX},
	{"weightDevice", FIELD_LIST, .offset = BLOCK_IO(weight_device.items),
         .table = &weight_table, .count_offset = BLOCK_IO(weight_device.count)},
	{"throttleReadBpsDevice", FIELD_LIST, .offset = BLOCK_IO(throttle_read_bps.items),
         .table = &throttle_table, .count_offset = BLOCK_IO(throttle_read_bps.count)},
	{"throttleWriteBpsDevice", FIELD_LIST, .offset = BLOCK_IO(throttle_write_bps.items),
         .table = &throttle_table, .count_offset = BLOCK_IO(throttle_write_bps.count)},
	{"throttleReadIOPSDevice", FIELD_LIST, .offset = BLOCK_IO(throttle_read_iops.items),
         .table = &throttle_table, .count_offset = BLOCK_IO(throttle_read_iops.count)},
	{"throttleWriteIOPSDevice", FIELD_LIST, .offset = BLOCK_IO(throttle_write_iops.items),
         .table = &throttle_table, .count_offset = BLOCK_IO(throttle_write_iops.count)},
};
static const struct json_table block_io_table = JSON_TABLE(block_io_fields, struct spec_block_io);

/* --- the rest --- */

static const struct json_field hugepage_fields[] = {
	{"pageSize", FIELD_STRING, .offset = offsetof(struct spec_hugepage_limit, page_size),
         .required = true},
	{"limit", FIELD_U64, .offset = offsetof(struct spec_hugepage_limit, limit),
         .required = true},
};
static const struct json_table hugepage_table =
	JSON_TABLE(hugepage_fields, struct spec_hugepage_limit);

static const struct json_field priority_fields[] = {
	{"name", FIELD_STRING, .offset = offsetof(struct spec_network_priority, name),
         .required = true},
	{"priority", FIELD_U32, .offset = offsetof(struct spec_network_priority, priority),
         .required = true},
};
static const struct json_table priority_table =
	JSON_TABLE(priority_fields, struct spec_network_priority);

static const struct json_field network_fields[] = {
	{"classID", FIELD_OPTIONAL_U64, .offset = RESOURCE(network_class_id), .max = UINT32_MAX},
	{"priorities", FIELD_LIST, .offset = RESOURCE(network_priorities), .table = &priority_table,
         .count_offset = RESOURCE(network_priority_count)},
};
static const struct json_table network_table = JSON_TABLE(network_fields, struct spec_resources);

static const struct json_field rdma_fields[] = {
	{"hcaHandles", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_rdma, hca_handles),
         .max = UINT32_MAX},
	{"hcaObjects", FIELD_OPTIONAL_U64, .offset = offsetof(struct spec_rdma, hca_objects),
         .max = UINT32_MAX},
};
static const struct json_table rdma_table = JSON_TABLE(rdma_fields, struct spec_rdma);

static const struct json_field resources_fields[] = {
	{"devices", FIELD_LIST, .offset = RESOURCE(devices), .table = &device_table,
         .count_offset = RESOURCE(device_count)},
	{"memory", FIELD_OBJECT, .offset = RESOURCE(memory), .table = &memory_table},
	{"cpu", FIELD_OBJECT, .offset = RESOURCE(cpu), .table = &cpu_table},
	{"pids", FIELD_OBJECT, .table = &pids_table},
	{"blockIO", FIELD_OBJECT, .offset = RESOURCE(block_io), .table = &block_io_table},
	{"hugepageLimits", FIELD_LIST, .offset = RESOURCE(hugepage_limits),
         .table = &hugepage_table, .count_offset = RESOURCE(hugepage_limit_count)},
	{"network", FIELD_OBJECT, .table = &network_table},
	{"rdma", FIELD_MEMBERS, .offset = RESOURCE(rdma), .count_offset = RESOURCE(rdma_count),
         .table = &rdma_table},
	{"unified", FIELD_MAP, .offset = RESOURCE(unified),
         .count_offset = RESOURCE(unified_count)},
};
const struct json_table spec_resources_table = JSON_TABLE(resources_fields, struct spec_resources);
