#include <errno.h>

#include "base/str.h"
#include "cmd/input.h"
#include "cmd/units.h"
#include "cmd/verbs.h"

#define UPDATE(member) offsetof(struct update_arguments, member)

const struct option update_options[] = {
	{"resources", "r", OPTION_TEXT, UPDATE(resources), "FILE",
         "take the limits from FILE, a resources object of the OCI specification; - is standard "
         "input"},
	{"memory", "m", OPTION_TEXT, UPDATE(values[UPDATE_MEMORY]), "BYTES",
         "most memory, such as 50M; -1 for no limit"},
	{"memory-reservation", "", OPTION_TEXT, UPDATE(values[UPDATE_MEMORY_RESERVATION]), "BYTES",
         "memory that is kept for it when the host has little"},
	{"memory-swap", "", OPTION_TEXT, UPDATE(values[UPDATE_MEMORY_SWAP]), "BYTES",
         "most memory and swap together; -1 for no limit of swap"},
	{"kernel-memory", "", OPTION_TEXT, UPDATE(values[UPDATE_KERNEL_MEMORY]), "BYTES",
         "a limit of cgroup v1 alone; only 0 is accepted"},
	{"kernel-memory-tcp", "", OPTION_TEXT, UPDATE(values[UPDATE_KERNEL_MEMORY_TCP]), "BYTES",
         "a limit of cgroup v1 alone; only 0 is accepted"},
	{"cpu-period", "", OPTION_TEXT, UPDATE(values[UPDATE_CPU_PERIOD]), "US",
         "length of the period that the quota is for, in microseconds"},
	{"cpu-quota", "", OPTION_TEXT, UPDATE(values[UPDATE_CPU_QUOTA]), "US",
         "most CPU time in a period, in microseconds; -1 for no limit"},
	{"cpu-burst", "", OPTION_TEXT, UPDATE(values[UPDATE_CPU_BURST]), "US",
         "unused quota that may be saved up, in microseconds"},
	{"cpu-share", "", OPTION_TEXT, UPDATE(values[UPDATE_CPU_SHARE]), "N",
         "share of the CPUs where they are short, 2 to 262144 (1024 is the usual)"},
	{"cpu-idle", "", OPTION_TEXT, UPDATE(values[UPDATE_CPU_IDLE]), "0|1",
         "1: run only when nothing else wants a CPU"},
	{"cpu-rt-period", "", OPTION_TEXT, UPDATE(values[UPDATE_CPU_RT_PERIOD]), "US",
         "a limit of cgroup v1 alone; only 0 is accepted"},
	{"cpu-rt-runtime", "", OPTION_TEXT, UPDATE(values[UPDATE_CPU_RT_RUNTIME]), "US",
         "a limit of cgroup v1 alone; only 0 is accepted"},
	{"cpuset-cpus", "", OPTION_TEXT, UPDATE(values[UPDATE_CPUSET_CPUS]), "LIST",
         "the CPUs it may use, such as 0-3,7"},
	{"cpuset-mems", "", OPTION_TEXT, UPDATE(values[UPDATE_CPUSET_MEMS]), "LIST",
         "the memory nodes it may use"},
	{"pids-limit", "", OPTION_TEXT, UPDATE(values[UPDATE_PIDS_LIMIT]), "N",
         "most processes and threads; -1 for no limit"},
	{"blkio-weight", "", OPTION_TEXT, UPDATE(values[UPDATE_BLKIO_WEIGHT]), "N",
         "share of the block devices where they are busy, 10 to 1000"},
	{"l3-cache-schema", "", OPTION_TEXT, UPDATE(l3_cache_schema), "SCHEMA",
         "share of the L3 cache (Intel RDT), such as L3:0=ff"},
	{"mem-bw-schema", "", OPTION_TEXT, UPDATE(mem_bw_schema), "SCHEMA",
         "share of the memory bandwidth (Intel RDT), such as MB:0=50"},
	{0},
};

/* --- Options to resources --- */

enum value_kind { VALUE_BYTES, VALUE_SIGNED, VALUE_COUNT, VALUE_LIST };

static const struct {
	const char *option;
	enum value_kind kind;
	size_t offset; /* in struct spec_resources: optional_i64, optional_u64 or char * */
} values[UPDATE_VALUE_COUNT] = {
#define RESOURCE(member) offsetof(struct spec_resources, member)
	[UPDATE_MEMORY] = {"memory", VALUE_BYTES, RESOURCE(memory.limit)},
	[UPDATE_MEMORY_RESERVATION] = {"memory-reservation", VALUE_BYTES,
                                       RESOURCE(memory.reservation)},
	[UPDATE_MEMORY_SWAP] = {"memory-swap", VALUE_BYTES, RESOURCE(memory.swap)},
	[UPDATE_KERNEL_MEMORY] = {"kernel-memory", VALUE_BYTES, RESOURCE(memory.kernel)},
	[UPDATE_KERNEL_MEMORY_TCP] = {"kernel-memory-tcp", VALUE_BYTES,
                                      RESOURCE(memory.kernel_tcp)},
	[UPDATE_CPU_PERIOD] = {"cpu-period", VALUE_COUNT, RESOURCE(cpu.period)},
	[UPDATE_CPU_QUOTA] = {"cpu-quota", VALUE_SIGNED, RESOURCE(cpu.quota)},
	[UPDATE_CPU_BURST] = {"cpu-burst", VALUE_COUNT, RESOURCE(cpu.burst)},
	[UPDATE_CPU_SHARE] = {"cpu-share", VALUE_COUNT, RESOURCE(cpu.shares)},
	[UPDATE_CPU_IDLE] = {"cpu-idle", VALUE_SIGNED, RESOURCE(cpu.idle)},
	[UPDATE_CPU_RT_PERIOD] = {"cpu-rt-period", VALUE_COUNT, RESOURCE(cpu.realtime_period)},
	[UPDATE_CPU_RT_RUNTIME] = {"cpu-rt-runtime", VALUE_SIGNED, RESOURCE(cpu.realtime_runtime)},
	[UPDATE_CPUSET_CPUS] = {"cpuset-cpus", VALUE_LIST, RESOURCE(cpu.cpus)},
	[UPDATE_CPUSET_MEMS] = {"cpuset-mems", VALUE_LIST, RESOURCE(cpu.mems)},
	[UPDATE_PIDS_LIMIT] = {"pids-limit", VALUE_SIGNED, RESOURCE(pids_limit)},
	[UPDATE_BLKIO_WEIGHT] = {"blkio-weight", VALUE_COUNT, RESOURCE(block_io.weight)},
#undef RESOURCE
};

static int store_value(size_t index, const char *text, struct spec_resources *resources)
{
	void *member = (char *)resources + values[index].offset;
	struct optional_i64 number = {.set = true};
	struct optional_u64 count = {.set = true};
	int r = 0;

	switch (values[index].kind) {
	case VALUE_BYTES:
		r = units_parse_bytes(text, &number.value);
		break;
	case VALUE_SIGNED:
		r = parse_i64(text, &number.value);
		break;
	case VALUE_COUNT:
		r = parse_u64(text, &count.value);
		if (r == 0)
			*(struct optional_u64 *)member = count;
		return r;
	case VALUE_LIST:
		/* Only read; it outlives the resources. */
		*(const char **)member = text;
		return 0;
	}
	if (r == 0)
		*(struct optional_i64 *)member = number;
	return r;
}

static int store_values(const struct update_arguments *arguments, struct spec_resources *resources,
                        struct error *err)
{
	for (size_t i = 0; i < UPDATE_VALUE_COUNT; i++) {
		const char *text = arguments->values[i];
		int r = text ? store_value(i, text, resources) : 0;

		if (r < 0)
			return error_set(err, -r, "option --%s: '%s' is not %s", values[i].option,
			                 text,
			                 values[i].kind == VALUE_BYTES ? "a size like 50M"
			                                               : "a number in its range");
	}
	return 0;
}

static int read_resources(const char *path, struct spec **ret, struct error *err)
{
	scoped_str text = NULL;
	size_t size = 0;
	int r = input_read("option --resources", path, &text, &size, err);

	return r < 0 ? r : spec_parse_resources(input_name(path), text, size, ret, err);
}

/* --- The verb --- */

static bool has_value(const struct update_arguments *arguments)
{
	for (size_t i = 0; i < UPDATE_VALUE_COUNT; i++) {
		if (arguments->values[i])
			return true;
	}
	return arguments->l3_cache_schema || arguments->mem_bw_schema;
}

static int check_arguments(const struct call *call, struct error *err)
{
	const struct update_arguments *arguments = &call->arguments->update;

	if (arguments->mem_bw_schema && !str_starts(arguments->mem_bw_schema, "MB:"))
		return error_set(err, EINVAL,
		                 "option --mem-bw-schema: '%s' does not begin with MB:",
		                 arguments->mem_bw_schema);
	if (!arguments->resources && !has_value(arguments))
		return call_usage_error(call, err, "no option says what to change");
	return 0;
}

int update_main(const struct call *call, struct error *err)
{
	const struct update_arguments *arguments = &call->arguments->update;
	scoped_store store = NULL;
	scoped_spec spec = NULL;
	/* Only read. */
	const struct spec_intel_rdt rdt = {
		.set = arguments->l3_cache_schema || arguments->mem_bw_schema,
		.l3_cache_schema = (char *)(uintptr_t)arguments->l3_cache_schema,
		.memory_bandwidth_schema = (char *)(uintptr_t)arguments->mem_bw_schema,
	};
	int r = check_arguments(call, err);

	if (r < 0)
		return r;
	r = arguments->resources ? read_resources(arguments->resources, &spec, err)
	                         : spec_parse_resources("options", "{}", 2, &spec, err);
	if (r >= 0)
		r = store_values(arguments, &spec->linux.resources, err);
	if (r >= 0)
		r = spec_validate_resources(spec, err);
	if (r >= 0)
		r = call_open_store(call, &store, err);
	return r < 0 ? r
	             : container_update(store, call->words[0], &spec->linux.resources,
	                                rdt.set ? &rdt : NULL, err);
}
