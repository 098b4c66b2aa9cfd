/* Statistics of the groups in cgroup v1 (the kernel's documents in cgroup-v1/). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/stats_reader.h"
#include "cgroups/stats_text.h"

/* Without a limit such a file holds the largest number of whole pages. */
static const uint64_t no_limit = (uint64_t)1 << 62;

/* --- Single numbers --- */

static const struct {
	const char *controller;
	const char *file;
	const char *key;  /* null: the file is one number */
	uint64_t divisor; /* to the unit of the member */
	size_t offset;
} numbers[] = {
#define STAT(member) offsetof(struct cgroup_stats, member)
	{"cpu", "cpu.stat", "nr_periods", 1, STAT(cpu_periods)},
	{"cpu", "cpu.stat", "nr_throttled", 1, STAT(cpu_throttled_periods)},
	{"cpu", "cpu.stat", "throttled_time", 1000, STAT(cpu_throttled_us)},
	{"memory", "memory.usage_in_bytes", NULL, 1, STAT(memory)},
	{"memory", "memory.limit_in_bytes", NULL, 1, STAT(memory_limit)},
	{"memory", "memory.max_usage_in_bytes", NULL, 1, STAT(memory_peak)},
	{"memory", "memory.failcnt", NULL, 1, STAT(memory_limit_hits)},
	{"memory", "memory.oom_control", "oom_kill", 1, STAT(oom_kills)},
	{"memory", "memory.stat", "total_swap", 1, STAT(swap)},
	{"memory", "memory.memsw.limit_in_bytes", NULL, 1, STAT(swap_limit)},
	{"pids", "pids.current", NULL, 1, STAT(pids)},
	{"pids", "pids.max", NULL, 1, STAT(pids_limit)},
#undef STAT
};

static void read_numbers(struct stats_reader *reader, const char *controller,
                         struct cgroup_stats *stats)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct optional_u64 *member =
			(struct optional_u64 *)(void *)((char *)stats + numbers[i].offset);

		if (!str_equal(numbers[i].controller, controller) || member->set ||
		    !stats_reader_text(reader, numbers[i].file))
			continue;
		*member = numbers[i].key ? stats_text_key(reader->text, numbers[i].key)
		                         : stats_text_number(reader->text);
		if (member->value != STATS_NO_LIMIT)
			member->value /= numbers[i].divisor;
	}
}

/* The file's limit is one of memory and swap together. */
static void correct_memory(struct cgroup_stats *stats)
{
	if (stats->memory_limit.value >= no_limit)
		stats->memory_limit.value = STATS_NO_LIMIT;
	if (!stats->swap_limit.set)
		return;
	if (stats->swap_limit.value >= no_limit || stats->memory_limit.value == STATS_NO_LIMIT)
		stats->swap_limit.value = STATS_NO_LIMIT;
	else if (stats->swap_limit.value >= stats->memory_limit.value)
		stats->swap_limit.value -= stats->memory_limit.value;
}

/* --- Controllers --- */

static int read_memory(struct stats_reader *reader, struct cgroup_stats *stats)
{
	if (stats->memory.set)
		return 0;
	read_numbers(reader, "memory", stats);
	correct_memory(stats);
	if (!stats_reader_text(reader, "memory.stat"))
		return 0;
	return stats_text_entries(reader->text, reader->arena, &stats->memory_stat,
	                          &stats->memory_stat_count);
}

static int read_cpu(struct stats_reader *reader, struct cgroup_stats *stats)
{
	read_numbers(reader, "cpu", stats);
	return 0;
}

static int read_pids(struct stats_reader *reader, struct cgroup_stats *stats)
{
	read_numbers(reader, "pids", stats);
	return 0;
}

static int read_devices(struct stats_reader *reader, struct cgroup_stats *stats)
{
	static const struct {
		const char *file;
		bool bytes;
	} files[] = {
		{"blkio.throttle.io_service_bytes_recursive", true},
		{"blkio.throttle.io_serviced_recursive", false},
	};

	if (stats->device_count > 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (stats_reader_text(reader, files[i].file) &&
		    stats_text_legacy_devices(reader->text, files[i].bytes, reader->arena,
		                              &stats->devices, &stats->device_count) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_pages(struct stats_reader *reader, struct cgroup_stats *stats)
{
	static const struct stats_page_names names = {
		.reserved = "rsvd.usage_in_bytes",
		.usage = "usage_in_bytes",
		.limit = "limit_in_bytes",
		.failures = "failcnt",
	};

	return stats_reader_pages(reader, &names, stats);
}

int legacy_stats_read(const struct cgroup *group, struct arena *arena, char *text,
                      struct cgroup_stats *stats)
{
	static const struct {
		const char *controller;
		int (*read)(struct stats_reader *reader, struct cgroup_stats *stats);
	} parts[] = {
		{"memory", read_memory}, {"cpu", read_cpu},       {"pids", read_pids},
		{"blkio", read_devices}, {"hugetlb", read_pages},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && group->legacy.count > 0 && i < ARRAY_SIZE(parts); i++) {
		scoped_fd dirfd = legacy_open(group, parts[i].controller);
		struct stats_reader reader = {.dirfd = dirfd, .arena = arena, .text = text};

		if (dirfd >= 0)
			r = parts[i].read(&reader, stats);
	}
	return r;
}

/* --- The OOM killer --- */

int legacy_open_oom(const struct cgroup *group, int *ret_control)
{
	scoped_fd dirfd = legacy_open(group, "memory");
	scoped_fd control =
		dirfd < 0 ? -1 : openat(dirfd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	scoped_fd asked =
		control < 0 ? -1 : openat(dirfd, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
	scoped_fd event = asked < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[32];

	if (event < 0)
		return -1;
	(void)snprintf(text, sizeof(text), "%d %d", event, control);
	if (write(asked, text, strlen(text)) < 0)
		return -1;
	*ret_control = fd_take(&control);
	return fd_take(&event);
}
