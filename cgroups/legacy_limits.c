#include "cgroups/legacy_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "cgroups/limit_builder.h"
#include "cgroups/text.h"

#define RESOURCE(name) "linux.resources." name

/* --- Which resources go where --- */

static void take_memory(struct spec_resources *from, struct spec_resources *to)
{
	to->memory = from->memory;
	from->memory = (struct spec_memory){0};
}

/* Time is the business of one controller, the choice of CPUs and memory nodes that of another. */
static void take_cpu(struct spec_resources *from, struct spec_resources *to)
{
	struct spec_cpu taken = from->cpu;

	from->cpu = (struct spec_cpu){.cpus = taken.cpus, .mems = taken.mems};
	taken.cpus = to->cpu.cpus;
	taken.mems = to->cpu.mems;
	to->cpu = taken;
}

static void take_cpuset(struct spec_resources *from, struct spec_resources *to)
{
	to->cpu.cpus = from->cpu.cpus;
	to->cpu.mems = from->cpu.mems;
	from->cpu.cpus = NULL;
	from->cpu.mems = NULL;
}

static void take_pids(struct spec_resources *from, struct spec_resources *to)
{
	to->pids_limit = from->pids_limit;
	from->pids_limit = (struct optional_i64){0};
}

static void take_block_io(struct spec_resources *from, struct spec_resources *to)
{
	to->block_io = from->block_io;
	from->block_io = (struct spec_block_io){0};
}

static void take_hugepages(struct spec_resources *from, struct spec_resources *to)
{
	to->hugepage_limits = from->hugepage_limits;
	to->hugepage_limit_count = from->hugepage_limit_count;
	from->hugepage_limit_count = 0;
}

static void take_rdma(struct spec_resources *from, struct spec_resources *to)
{
	to->rdma = from->rdma;
	to->rdma_count = from->rdma_count;
	from->rdma_count = 0;
}

static void take_class(struct spec_resources *from, struct spec_resources *to)
{
	to->network_class_id = from->network_class_id;
	from->network_class_id = (struct optional_u64){0};
}

static void take_priorities(struct spec_resources *from, struct spec_resources *to)
{
	to->network_priorities = from->network_priorities;
	to->network_priority_count = from->network_priority_count;
	from->network_priority_count = 0;
}

static const struct {
	const char *unified; /* null: cgroup v2 has no such controller */
	const char *legacy;
	void (*take)(struct spec_resources *from, struct spec_resources *to);
} sections[] = {
	{"memory", "memory", take_memory},   {"cpu", "cpu", take_cpu},
	{"cpuset", "cpuset", take_cpuset},   {"pids", "pids", take_pids},
	{"io", "blkio", take_block_io},      {"hugetlb", "hugetlb", take_hugepages},
	{"rdma", "rdma", take_rdma},         {NULL, "net_cls", take_class},
	{NULL, "net_prio", take_priorities},
};

void legacy_limits_divide(const struct spec_resources *resources, const char *unified,
                          const char *legacy, struct spec_resources *ret_unified,
                          struct spec_resources *ret_legacy)
{
	*ret_unified = *resources;
	*ret_legacy = (struct spec_resources){0};
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		bool there = sections[i].unified && text_has_word(unified, sections[i].unified);

		if (!there && text_has_word(legacy, sections[i].legacy))
			sections[i].take(ret_unified, ret_legacy);
	}
}

const char *legacy_limits_controller(const char *controller)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		if (sections[i].unified && str_equal(sections[i].unified, controller))
			return sections[i].legacy;
	}
	return controller;
}

/* --- Memory --- */

static const char *unsigned_text(struct limit_builder *b, uint64_t value)
{
	return arena_format(b->arena, "%" PRIu64, value);
}

/* Which of the two may be written first depends on what they are now: refused, it comes later. */
static int add_memory_and_swap(struct limit_builder *b, const struct spec_memory *memory)
{
	struct optional_i64 swap = memory->swap;
	int64_t checked = 0;

	if (limits_swap(memory->limit, swap, &checked, b->err) < 0)
		return error_wrap(b->err, "%s", RESOURCE("memory.swap"));
	/* Without a limit of memory one of both together makes no sense. */
	if (memory->limit.set && memory->limit.value == -1 && (!swap.set || swap.value == 0))
		swap = memory->limit;
	if (limit_add_number(b,
	                     (struct limit){.property = RESOURCE("memory.limit"),
	                                    .file = "memory.limit_in_bytes",
	                                    .flags = LIMIT_RETRY_LATER},
	                     memory->limit, "-1") < 0)
		return -b->err->code;
	return limit_add_number(b,
	                        (struct limit){.property = RESOURCE("memory.swap"),
	                                       .file = "memory.memsw.limit_in_bytes",
	                                       .flags = LIMIT_RETRY_LATER |
	                                                (swap.value == -1 ? LIMIT_IF_PRESENT : 0)},
	                        swap, "-1");
}

static int add_swappiness(struct limit_builder *b, const struct spec_memory *memory)
{
	if (!memory->swappiness.set)
		return 0;
	if (memory->swappiness.value > 200)
		return error_set(b->err, EINVAL, "%s: %" PRIu64 " is not a value from 0 to 200",
		                 RESOURCE("memory.swappiness"), memory->swappiness.value);
	return limit_add(b, (struct limit){.property = RESOURCE("memory.swappiness"),
	                                   .file = "memory.swappiness",
	                                   .value = unsigned_text(b, memory->swappiness.value)});
}

static int add_oom_killer(struct limit_builder *b, const struct spec_memory *memory)
{
	if (!memory->disable_oom_killer.set)
		return 0;
	return limit_add(b, (struct limit){.property = RESOURCE("memory.disableOOMKiller"),
	                                   .file = "memory.oom_control",
	                                   .value = memory->disable_oom_killer.value ? "1" : "0"});
}

static int add_memory(struct limit_builder *b, const struct spec_resources *resources)
{
	const struct spec_memory *memory = &resources->memory;

	if (memory->use_hierarchy.set && !memory->use_hierarchy.value)
		return limit_refuse(b, RESOURCE("memory.useHierarchy"),
		                    "the kernel always counts the groups below");
	if (add_memory_and_swap(b, memory) < 0 ||
	    limit_add_number(b,
	                     (struct limit){.property = RESOURCE("memory.reservation"),
	                                    .file = "memory.soft_limit_in_bytes"},
	                     memory->reservation, "-1") < 0 ||
	    limit_add_number(b,
	                     (struct limit){.property = RESOURCE("memory.kernel"),
	                                    .file = "memory.kmem.limit_in_bytes",
	                                    .flags = LIMIT_VERIFY},
	                     memory->kernel, "-1") < 0 ||
	    limit_add_number(b,
	                     (struct limit){.property = RESOURCE("memory.kernelTCP"),
	                                    .file = "memory.kmem.tcp.limit_in_bytes",
	                                    .flags = LIMIT_VERIFY},
	                     memory->kernel_tcp, "-1") < 0)
		return -b->err->code;
	return add_swappiness(b, memory) < 0 ? -b->err->code : add_oom_killer(b, memory);
}

/* --- CPU --- */

static int add_cpu_number(struct limit_builder *b, const char *property, const char *file,
                          struct optional_u64 number)
{
	if (!number.set || number.value == 0)
		return 0;
	return limit_add(b, (struct limit){.property = property,
	                                   .file = file,
	                                   .value = unsigned_text(b, number.value),
	                                   .flags = LIMIT_RETRY_LATER});
}

static int add_cpu_share(struct limit_builder *b, const struct spec_cpu *cpu)
{
	int idle = limit_add_idle(b, cpu);

	if (idle < 0)
		return idle;
	/* An idle group has no share: the kernel refuses to write one. */
	if (idle || !cpu->shares.set || cpu->shares.value == 0)
		return 0;
	return limit_add(b, (struct limit){.property = RESOURCE("cpu.shares"),
	                                   .file = "cpu.shares",
	                                   .value = unsigned_text(b, cpu->shares.value)});
}

/* Quota and period of a group must fit each other and those above: refused, they come later. */
static int add_cpu_quota(struct limit_builder *b, const struct spec_cpu *cpu)
{
	struct optional_i64 quota = cpu->quota;

	if (quota.set && quota.value < 0)
		quota.value = -1;
	if (cpu->burst.set &&
	    limit_add(b, (struct limit){.property = RESOURCE("cpu.burst"),
	                                .file = "cpu.cfs_burst_us",
	                                .value = unsigned_text(b, cpu->burst.value),
	                                .flags = LIMIT_RETRY_LATER}) < 0)
		return -b->err->code;
	if (add_cpu_number(b, RESOURCE("cpu.period"), "cpu.cfs_period_us", cpu->period) < 0)
		return -b->err->code;
	return limit_add_number(b,
	                        (struct limit){.property = RESOURCE("cpu.quota"),
	                                       .file = "cpu.cfs_quota_us",
	                                       .flags = LIMIT_RETRY_LATER},
	                        quota, "-1");
}

static int add_cpu(struct limit_builder *b, const struct spec_resources *resources)
{
	const struct spec_cpu *cpu = &resources->cpu;

	if (add_cpu_share(b, cpu) < 0 || add_cpu_quota(b, cpu) < 0 ||
	    add_cpu_number(b, RESOURCE("cpu.realtimePeriod"), "cpu.rt_period_us",
	                   cpu->realtime_period) < 0)
		return -b->err->code;
	return limit_add_number(b,
	                        (struct limit){.property = RESOURCE("cpu.realtimeRuntime"),
	                                       .file = "cpu.rt_runtime_us",
	                                       .flags = LIMIT_RETRY_LATER},
	                        cpu->realtime_runtime, "-1");
}

/* --- Block devices --- */

static int add_weight(struct limit_builder *b, const char *property, const char *name,
                      const char *device, struct optional_u64 weight)
{
	if (!weight.set || weight.value == 0)
		return 0;
	if (weight.value < 10 || weight.value > 1000)
		return error_set(b->err, EINVAL, "%s: %" PRIu64 " is not a weight from 10 to 1000",
		                 property, weight.value);

	const char *suffix = *device ? "_device" : "";
	const char *value = arena_format(b->arena, "%s%" PRIu64, device, weight.value);
	const char *file = arena_format(b->arena, "blkio.bfq.%s%s", name, suffix);
	const char *older = arena_format(b->arena, "blkio.%s%s", name, suffix);

	if (!file || !older)
		return error_code(b->err, ENOMEM, "%s", property);
	return limit_add(b, (struct limit){.property = property,
	                                   .file = file,
	                                   .value = value,
	                                   .fallback_file = older,
	                                   .fallback_value = value});
}

static int add_device_weights(struct limit_builder *b, const struct spec_block_io *io)
{
	for (size_t i = 0; i < io->weight_device.count; i++) {
		const struct spec_block_device_value *device = &io->weight_device.items[i];
		const char *property =
			arena_format(b->arena, RESOURCE("blockIO.weightDevice[%zu]"), i);
		const char *prefix = arena_format(b->arena, "%u:%u ", device->major, device->minor);

		if (!property || !prefix)
			return error_code(b->err, ENOMEM, "blockIO.weightDevice");
		if (add_weight(b, property, "weight", prefix, device->weight) < 0 ||
		    add_weight(b, property, "leaf_weight", prefix, device->leaf_weight) < 0)
			return -b->err->code;
	}
	return 0;
}

static int add_throttle(struct limit_builder *b, const char *name, const char *file,
                        const struct spec_block_device_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct spec_block_device_value *device = &list->items[i];
		const char *property = arena_format(b->arena, RESOURCE("blockIO.%s[%zu]"), name, i);

		if (!property)
			return error_code(b->err, ENOMEM, "blockIO.%s", name);
		if (limit_add(b, (struct limit){.property = property,
		                                .file = file,
		                                .value = arena_format(b->arena, "%u:%u %" PRIu64,
		                                                      device->major, device->minor,
		                                                      device->rate)}) < 0)
			return -b->err->code;
	}
	return 0;
}

static int add_block_io(struct limit_builder *b, const struct spec_resources *resources)
{
	const struct spec_block_io *io = &resources->block_io;

	if (add_weight(b, RESOURCE("blockIO.weight"), "weight", "", io->weight) < 0 ||
	    add_weight(b, RESOURCE("blockIO.leafWeight"), "leaf_weight", "", io->leaf_weight) < 0 ||
	    add_device_weights(b, io) < 0 ||
	    add_throttle(b, "throttleReadBpsDevice", "blkio.throttle.read_bps_device",
	                 &io->throttle_read_bps) < 0 ||
	    add_throttle(b, "throttleWriteBpsDevice", "blkio.throttle.write_bps_device",
	                 &io->throttle_write_bps) < 0 ||
	    add_throttle(b, "throttleReadIOPSDevice", "blkio.throttle.read_iops_device",
	                 &io->throttle_read_iops) < 0 ||
	    add_throttle(b, "throttleWriteIOPSDevice", "blkio.throttle.write_iops_device",
	                 &io->throttle_write_iops) < 0)
		return -b->err->code;
	return 0;
}

/* --- Huge pages, network --- */

static int add_hugepages(struct limit_builder *b, const struct spec_resources *resources)
{
	for (size_t i = 0; i < resources->hugepage_limit_count; i++) {
		const struct spec_hugepage_limit *limit = &resources->hugepage_limits[i];
		const char *property = arena_format(b->arena, RESOURCE("hugepageLimits[%zu]"), i);
		const char *value = unsigned_text(b, limit->limit);
		const char *used =
			arena_format(b->arena, "hugetlb.%s.limit_in_bytes", limit->page_size);
		const char *reserved =
			arena_format(b->arena, "hugetlb.%s.rsvd.limit_in_bytes", limit->page_size);

		if (!property || !used || !reserved)
			return error_code(b->err, ENOMEM, "hugepageLimits");
		if (!limits_page_size_is_good(limit->page_size))
			return error_set(b->err, EINVAL,
			                 "%s.pageSize: \"%s\" is not a size like 2MB", property,
			                 limit->page_size);
		if (limit_add(b,
		              (struct limit){.property = property, .file = used, .value = value}) <
		            0 ||
		    limit_add(b, (struct limit){.property = property,
		                                .file = reserved,
		                                .value = value,
		                                .flags = LIMIT_IF_PRESENT}) < 0)
			return -b->err->code;
	}
	return 0;
}

static int add_network(struct limit_builder *b, const struct spec_resources *resources)
{
	if (resources->network_class_id.set && resources->network_class_id.value != 0 &&
	    limit_add(b, (struct limit){
				 .property = RESOURCE("network.classID"),
				 .file = "net_cls.classid",
				 .value = unsigned_text(b, resources->network_class_id.value)}) < 0)
		return -b->err->code;
	for (size_t i = 0; i < resources->network_priority_count; i++) {
		const struct spec_network_priority *one = &resources->network_priorities[i];
		const char *property =
			arena_format(b->arena, RESOURCE("network.priorities[%zu]"), i);

		if (!property)
			return error_code(b->err, ENOMEM, "network.priorities");
		if (!*one->name || strpbrk(one->name, " \t\n"))
			return error_set(b->err, EINVAL, "%s.name: not the name of an interface",
			                 property);
		if (limit_add(b, (struct limit){.property = property,
		                                .file = "net_prio.ifpriomap",
		                                .value = arena_format(b->arena, "%s %u", one->name,
		                                                      one->priority)}) < 0)
			return -b->err->code;
	}
	return 0;
}

/* --- The list --- */

/* Files of the same name and meaning in both versions. */
static int add_common(struct limit_builder *b, const struct spec_resources *resources)
{
	const struct spec_resources common = {
		.cpu = {.cpus = resources->cpu.cpus, .mems = resources->cpu.mems},
		.pids_limit = resources->pids_limit,
		.rdma = resources->rdma,
		.rdma_count = resources->rdma_count,
	};
	struct limit_list list = {0};

	if (limits_plan(&common, b->arena, &list, b->err) < 0)
		return -b->err->code;
	for (size_t i = 0; i < list.count; i++) {
		if (limit_add(b, list.items[i]) < 0)
			return -b->err->code;
	}
	return 0;
}

int legacy_limits_plan(const struct spec_resources *resources, struct arena *arena,
                       struct limit_list *ret, struct error *err)
{
	static int (*const steps[])(struct limit_builder *, const struct spec_resources *) = {
		add_memory, add_cpu, add_common, add_block_io, add_hugepages, add_network,
	};
	struct limit_list list = {0};
	struct limit_builder b = {.arena = arena, .list = &list, .err = err};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i](&b, resources) < 0)
			return -err->code;
	}
	*ret = list;
	return 0;
}
