#include "cgroups/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cpulist.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroups/limit_builder.h"
#include "cgroups/text.h"
#include "cgroups/weight.h"

#define RESOURCE(name) "linux.resources." name

/* --- Memory --- */

int limits_swap(struct optional_i64 memory, struct optional_i64 swap, int64_t *ret,
                struct error *err)
{
	int64_t limit = memory.set ? memory.value : 0;
	int64_t both = swap.set ? swap.value : 0;

	if (both == 0) {
		*ret = limit == -1 ? -1 : -2;
		return 0;
	}
	if (both == -1) {
		*ret = -1;
		return 0;
	}
	if (both < 0)
		return error_set(err, EINVAL, "%" PRId64 " is no limit (-1 stands for no limit)",
		                 both);
	if (limit <= 0)
		return error_set(
			err, EINVAL,
			"a limit of memory and swap together needs linux.resources.memory.limit");
	if (both < limit)
		return error_set(err, EINVAL,
		                 "%" PRId64 " is less than linux.resources.memory.limit (%" PRId64
		                 "); it stands for memory and swap together",
		                 both, limit);
	*ret = both - limit;
	return 0;
}

static int refuse_memory(struct limit_builder *b, const struct spec_memory *memory)
{
	static const char kernel[] =
		"cgroup v2 counts kernel memory within memory.limit and has no "
		"limit of its own for it";

	if (memory->kernel.set && memory->kernel.value > 0)
		return limit_refuse(b, RESOURCE("memory.kernel"), kernel);
	if (memory->kernel_tcp.set && memory->kernel_tcp.value > 0)
		return limit_refuse(b, RESOURCE("memory.kernelTCP"), kernel);
	if (memory->swappiness.set)
		return limit_refuse(b, RESOURCE("memory.swappiness"),
		                    "cgroup v2 has no swappiness of a group");
	if (memory->disable_oom_killer.set && memory->disable_oom_killer.value)
		return limit_refuse(b, RESOURCE("memory.disableOOMKiller"),
		                    "the OOM killer cannot be switched off in cgroup v2");
	if (memory->use_hierarchy.set && !memory->use_hierarchy.value)
		return limit_refuse(b, RESOURCE("memory.useHierarchy"),
		                    "cgroup v2 always counts the groups below");
	return 0;
}

static int add_swap(struct limit_builder *b, const struct spec_memory *memory)
{
	static const char property[] = RESOURCE("memory.swap");
	int64_t swap = 0;

	if (limits_swap(memory->limit, memory->swap, &swap, b->err) < 0)
		return error_wrap(b->err, "%s", property);
	if (swap == -2)
		return 0;
	return limit_add(b, (struct limit){.property = property,
	                                   .file = "memory.swap.max",
	                                   .value = limit_number(b, swap, "max"),
	                                   .flags = swap <= 0 ? LIMIT_IF_PRESENT : 0});
}

static int add_memory(struct limit_builder *b, const struct spec_resources *resources)
{
	const struct spec_memory *memory = &resources->memory;

	if (refuse_memory(b, memory) < 0 || add_swap(b, memory) < 0 ||
	    limit_add_number(
		    b, (struct limit){.property = RESOURCE("memory.limit"), .file = "memory.max"},
		    memory->limit, "max") < 0 ||
	    limit_add_number(b,
	                     (struct limit){.property = RESOURCE("memory.reservation"),
	                                    .file = "memory.low"},
	                     memory->reservation, "max") < 0)
		return -b->err->code;
	return 0;
}

/* --- CPU --- */

static int add_cpu_share(struct limit_builder *b, const struct spec_cpu *cpu)
{
	int idle = limit_add_idle(b, cpu);

	if (idle < 0)
		return idle;
	/* An idle group has no weight: the kernel refuses to write one. */
	if (idle || !cpu->shares.set || cpu->shares.value == 0)
		return 0;
	return limit_add(
		b, (struct limit){.property = RESOURCE("cpu.shares"),
	                          .file = "cpu.weight",
	                          .value = arena_format(b->arena, "%" PRIu64,
	                                                weight_of_shares(cpu->shares.value))});
}

static int add_cpu_quota(struct limit_builder *b, const struct spec_cpu *cpu)
{
	uint64_t period = cpu->period.set && cpu->period.value ? cpu->period.value : 100000;
	bool limited = cpu->quota.set && cpu->quota.value > 0;

	/* The burst may not exceed the quota: the old one or the new one may be the larger. */
	if (cpu->burst.set &&
	    limit_add(b,
	              (struct limit){.property = RESOURCE("cpu.burst"),
	                             .file = "cpu.max.burst",
	                             .value = arena_format(b->arena, "%" PRIu64, cpu->burst.value),
	                             .flags = LIMIT_RETRY_LATER}) < 0)
		return -b->err->code;
	if ((!cpu->quota.set || cpu->quota.value == 0) &&
	    (!cpu->period.set || cpu->period.value == 0))
		return 0;
	return limit_add(
		b,
		(struct limit){
			.property = cpu->quota.set ? RESOURCE("cpu.quota") : RESOURCE("cpu.period"),
			.file = "cpu.max",
			.value = arena_format(b->arena, "%s %" PRIu64,
	                                      limited ? limit_number(b, cpu->quota.value, "max")
	                                              : "max",
	                                      period)});
}

static int add_cpu_list(struct limit_builder *b, const char *property, const char *file,
                        const char *text)
{
	struct cpulist list;

	if (!text || !*text)
		return 0;
	if (cpulist_parse(text, &list) < 0 || strchr(text, '\n'))
		return error_set(b->err, EINVAL, "%s: \"%s\" is not a list like 0-3,7", property,
		                 text);
	return limit_add(b, (struct limit){.property = property, .file = file, .value = text});
}

static int add_cpu(struct limit_builder *b, const struct spec_resources *resources)
{
	static const char realtime[] = "cgroup v2 has no limit for real-time scheduling";
	const struct spec_cpu *cpu = &resources->cpu;

	if (cpu->realtime_runtime.set && cpu->realtime_runtime.value != 0)
		return limit_refuse(b, RESOURCE("cpu.realtimeRuntime"), realtime);
	if (cpu->realtime_period.set && cpu->realtime_period.value != 0)
		return limit_refuse(b, RESOURCE("cpu.realtimePeriod"), realtime);
	if (add_cpu_share(b, cpu) < 0 || add_cpu_quota(b, cpu) < 0 ||
	    add_cpu_list(b, RESOURCE("cpu.cpus"), "cpuset.cpus", cpu->cpus) < 0 ||
	    add_cpu_list(b, RESOURCE("cpu.mems"), "cpuset.mems", cpu->mems) < 0)
		return -b->err->code;
	return 0;
}

/* --- Processes --- */

static int add_pids(struct limit_builder *b, const struct spec_resources *resources)
{
	static const char property[] = RESOURCE("pids.limit");

	if (!resources->pids_limit.set)
		return 0;

	int64_t limit = resources->pids_limit.value;

	if (limit_check_sign(b, property, limit) < 0)
		return -b->err->code;
	/*
	 * 0 is a real limit: no process beside the first one. A group with pids.max 0 could not take
	 * in even that by CLONE_INTO_CGROUP; 1 means the same to whoever lives in it.
	 */
	return limit_add(b,
	                 (struct limit){.property = property,
	                                .file = "pids.max",
	                                .value = limit == 0 ? "1" : limit_number(b, limit, "max")});
}

/* --- Block devices --- */

uint64_t limits_io_weight(uint64_t weight)
{
	return weight == 0 ? 0 : 1 + (weight - 10) * 9999 / 990;
}

static int check_io_weight(struct limit_builder *b, const char *property, uint64_t weight)
{
	if (weight >= 10 && weight <= 1000)
		return 0;
	return error_set(b->err, EINVAL, "%s: %" PRIu64 " is not a weight from 10 to 1000",
	                 property, weight);
}

static int add_io_weight(struct limit_builder *b, const struct spec_block_io *io)
{
	static const char property[] = RESOURCE("blockIO.weight");

	if (!io->weight.set || io->weight.value == 0)
		return 0;
	if (check_io_weight(b, property, io->weight.value) < 0)
		return -b->err->code;
	return limit_add(
		b,
		(struct limit){.property = property,
	                       .file = "io.bfq.weight",
	                       .value = arena_format(b->arena, "%" PRIu64, io->weight.value),
	                       .fallback_file = "io.weight",
	                       .fallback_value = arena_format(b->arena, "%" PRIu64,
	                                                      limits_io_weight(io->weight.value))});
}

static int add_device_weights(struct limit_builder *b, const struct spec_block_io *io)
{
	for (size_t i = 0; i < io->weight_device.count; i++) {
		const struct spec_block_device_value *device = &io->weight_device.items[i];
		const char *property =
			arena_format(b->arena, RESOURCE("blockIO.weightDevice[%zu]"), i);

		if (!property)
			return error_code(b->err, ENOMEM, "blockIO.weightDevice");
		if (device->leaf_weight.set)
			return limit_refuse(b, property, "cgroup v2 has no leafWeight");
		if (!device->weight.set || device->weight.value == 0)
			continue;
		if (check_io_weight(b, property, device->weight.value) < 0 ||
		    limit_add(b, (struct limit){.property = property,
		                                .file = "io.bfq.weight",
		                                .value = arena_format(b->arena, "%u:%u %" PRIu64,
		                                                      device->major, device->minor,
		                                                      device->weight.value),
		                                .fallback_file = "io.weight",
		                                .fallback_value = arena_format(
							b->arena, "%u:%u %" PRIu64, device->major,
							device->minor,
							limits_io_weight(device->weight.value))}) <
		            0)
			return -b->err->code;
	}
	return 0;
}

static int add_throttle(struct limit_builder *b, const char *name, const char *key,
                        const struct spec_block_device_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct spec_block_device_value *device = &list->items[i];
		const char *property = arena_format(b->arena, RESOURCE("blockIO.%s[%zu]"), name, i);
		const char *rate =
			device->rate ? arena_format(b->arena, "%" PRIu64, device->rate) : "max";

		if (!property || !rate)
			return error_code(b->err, ENOMEM, "blockIO.%s", name);
		if (limit_add(b, (struct limit){.property = property,
		                                .file = "io.max",
		                                .value = arena_format(b->arena, "%u:%u %s=%s",
		                                                      device->major, device->minor,
		                                                      key, rate)}) < 0)
			return -b->err->code;
	}
	return 0;
}

static int add_block_io(struct limit_builder *b, const struct spec_resources *resources)
{
	const struct spec_block_io *io = &resources->block_io;

	if (io->leaf_weight.set && io->leaf_weight.value != 0)
		return limit_refuse(b, RESOURCE("blockIO.leafWeight"),
		                    "cgroup v2 has no leafWeight");
	if (add_io_weight(b, io) < 0 || add_device_weights(b, io) < 0 ||
	    add_throttle(b, "throttleReadBpsDevice", "rbps", &io->throttle_read_bps) < 0 ||
	    add_throttle(b, "throttleWriteBpsDevice", "wbps", &io->throttle_write_bps) < 0 ||
	    add_throttle(b, "throttleReadIOPSDevice", "riops", &io->throttle_read_iops) < 0 ||
	    add_throttle(b, "throttleWriteIOPSDevice", "wiops", &io->throttle_write_iops) < 0)
		return -b->err->code;
	return 0;
}

/* --- Huge pages, RDMA, network --- */

bool limits_page_size_is_good(const char *size)
{
	size_t digits = strspn(size, "0123456789");
	const char *unit = size + digits;

	return digits > 0 && digits < 8 &&
	       (str_equal(unit, "KB") || str_equal(unit, "MB") || str_equal(unit, "GB"));
}

static int add_hugepages(struct limit_builder *b, const struct spec_resources *resources)
{
	for (size_t i = 0; i < resources->hugepage_limit_count; i++) {
		const struct spec_hugepage_limit *limit = &resources->hugepage_limits[i];
		const char *property = arena_format(b->arena, RESOURCE("hugepageLimits[%zu]"), i);
		const char *value = arena_format(b->arena, "%" PRIu64, limit->limit);

		if (!property || !value)
			return error_code(b->err, ENOMEM, "hugepageLimits");
		if (!limits_page_size_is_good(limit->page_size))
			return error_set(b->err, EINVAL,
			                 "%s.pageSize: \"%s\" is not a size like 2MB", property,
			                 limit->page_size);

		const char *used = arena_format(b->arena, "hugetlb.%s.max", limit->page_size);
		const char *reserved =
			arena_format(b->arena, "hugetlb.%s.rsvd.max", limit->page_size);

		if (!used || !reserved)
			return error_code(b->err, ENOMEM, "%s", property);
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

static int add_rdma(struct limit_builder *b, const struct spec_resources *resources)
{
	for (size_t i = 0; i < resources->rdma_count; i++) {
		const struct spec_rdma *rdma = &resources->rdma[i];
		const char *property = arena_format(b->arena, RESOURCE("rdma.%s"), rdma->device);
		const char *value = rdma->device;

		if (!property)
			return error_code(b->err, ENOMEM, "rdma");
		if (!*rdma->device || strpbrk(rdma->device, " \t\n"))
			return error_set(b->err, EINVAL, "%s: not the name of a device", property);
		if (rdma->hca_handles.set)
			value = arena_format(b->arena, "%s hca_handle=%" PRIu64, value,
			                     rdma->hca_handles.value);
		if (value && rdma->hca_objects.set)
			value = arena_format(b->arena, "%s hca_object=%" PRIu64, value,
			                     rdma->hca_objects.value);
		if (value == rdma->device)
			continue;
		if (limit_add(b, (struct limit){.property = property,
		                                .file = "rdma.max",
		                                .value = value}) < 0)
			return -b->err->code;
	}
	return 0;
}

static int refuse_network(struct limit_builder *b, const struct spec_resources *resources)
{
	if (resources->network_class_id.set && resources->network_class_id.value != 0)
		return limit_refuse(
			b, RESOURCE("network.classID"),
			"cgroup v2 has no class of network packets (match the group in nftables)");
	if (resources->network_priority_count > 0)
		return limit_refuse(b, RESOURCE("network.priorities"),
		                    "cgroup v2 has no network priorities");
	return 0;
}

/* --- unified: written last, instead of what the typed properties say for the same file --- */

static int check_unified_key(struct limit_builder *b, const char *property, const char *key)
{
	/* These act on processes, or on who may live in the group, and are not limits. */
	static const char *const refused[] = {"cgroup.procs", "cgroup.threads",
	                                      "cgroup.kill",  "cgroup.freeze",
	                                      "cgroup.type",  "cgroup.subtree_control"};

	if (strchr(key, '/') || !strchr(key, '.') || *key == '.' || strlen(key) > NAME_MAX)
		return error_set(b->err, EINVAL, "%s: not the name of a file like memory.high",
		                 property);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (str_equal(key, refused[i]))
			return error_set(b->err, EINVAL, "%s: not a limit, and not to be set here",
			                 property);
	}
	return 0;
}

static void drop_file(struct limit_list *list, const char *file)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!str_equal(list->items[i].file, file))
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

static int add_unified(struct limit_builder *b, const struct spec_resources *resources)
{
	for (size_t i = 0; i < resources->unified_count; i++) {
		const struct spec_annotation *entry = &resources->unified[i];
		const char *property = arena_format(b->arena, RESOURCE("unified.%s"), entry->key);

		if (!property)
			return error_code(b->err, ENOMEM, "unified");
		if (check_unified_key(b, property, entry->key) < 0)
			return -b->err->code;
		drop_file(b->list, entry->key);
	}
	for (size_t i = 0; i < resources->unified_count; i++) {
		const struct spec_annotation *entry = &resources->unified[i];
		const char *property = arena_format(b->arena, RESOURCE("unified.%s"), entry->key);

		if (!property)
			return error_code(b->err, ENOMEM, "unified");
		if (limit_add(b, (struct limit){.property = property,
		                                .file = entry->key,
		                                .value = entry->value}) < 0)
			return -b->err->code;
	}
	return 0;
}

/* --- The list --- */

int limits_plan(const struct spec_resources *resources, struct arena *arena, struct limit_list *ret,
                struct error *err)
{
	static int (*const steps[])(struct limit_builder *, const struct spec_resources *) = {
		add_memory,    add_cpu,  add_pids,       add_block_io,
		add_hugepages, add_rdma, refuse_network, add_unified,
	};
	struct limit_list list = {0};
	struct limit_builder b = {.arena = arena, .list = &list, .err = err};

	for (size_t i = 0; resources && i < ARRAY_SIZE(steps); i++) {
		if (steps[i](&b, resources) < 0)
			return -err->code;
	}
	*ret = list;
	return 0;
}

const struct limit *limits_find_missing(const struct limit_list *list, const char *controllers)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct limit *limit = &list->items[i];

		if (limit->controller && !text_has_word(controllers, limit->controller))
			return limit;
	}
	return NULL;
}

/* --- Writing --- */

/* Each line is one write; a last newline does not make an empty line. −errno without *err. */
static int write_lines(int fd, const char *value)
{
	do {
		size_t size = strcspn(value, "\n");

		if (write(fd, value, size) < 0)
			return -errno;
		value += size;
		value += *value == '\n';
	} while (*value);
	return 0;
}

static int explain_absent(const struct limit *limit, struct error *err)
{
	if (limit->fallback_file)
		return error_set(err, ENOTSUP, "%s: this kernel offers neither %s nor %s",
		                 limit->property, limit->file, limit->fallback_file);
	if (str_starts(limit->file, "hugetlb."))
		return error_set(err, ENOTSUP, "%s: this kernel has no pages of that size (no %s)",
		                 limit->property, limit->file);
	return error_set(err, ENOTSUP, "%s: this kernel does not offer %s", limit->property,
	                 limit->file);
}

/* 0, or −EAGAIN when it is to be tried again later. */
static int apply_one(const struct limit *limit, int dirfd, bool again, struct error *err)
{
	const char *file = limit->file;
	const char *value = limit->value;
	scoped_fd fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT && limit->fallback_file) {
		file = limit->fallback_file;
		value = limit->fallback_value;
		fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0 && errno == ENOENT)
		return limit->flags & LIMIT_IF_PRESENT ? 0 : explain_absent(limit, err);
	if (fd < 0)
		return error_errno(err, "%s: open %s", limit->property, file);

	int r = write_lines(fd, value);

	if (r == -EINVAL && (limit->flags & LIMIT_RETRY_LATER) && !again)
		return -EAGAIN;
	if (r < 0)
		return error_code(err, -r, "%s: write \"%s\" to %s", limit->property, value, file);
	return 0;
}

int limits_apply(const struct limit_list *list, int dirfd, struct error *err)
{
	bool later = false;

	for (size_t i = 0; i < list->count; i++) {
		int r = apply_one(&list->items[i], dirfd, false, err);

		if (r == -EAGAIN)
			later = true;
		else if (r < 0)
			return r;
	}
	for (size_t i = 0; later && i < list->count; i++) {
		if (!(list->items[i].flags & LIMIT_RETRY_LATER))
			continue;
		if (apply_one(&list->items[i], dirfd, true, err) < 0)
			return -err->code;
	}
	return 0;
}
