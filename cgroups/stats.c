#include "cgroups/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/stats_text.h"

/* io.stat of a host with many devices is the longest. */
enum { TEXT_LIMIT = 256 * 1024, NAME_SIZE = 64 };

struct reader {
	int dirfd;
	struct arena *arena;
	char *text; /* of the file read last, TEXT_LIMIT bytes */
};

/* False when there is no such file, or it cannot be read. */
static bool read_text(struct reader *reader, const char *file)
{
	scoped_fd fd = openat(reader->dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t size = fd < 0 ? -1 : fd_read_all(fd, reader->text, TEXT_LIMIT - 1);

	if (size < 0)
		return false;
	reader->text[size] = '\0';
	return true;
}

/* --- Single numbers --- */

static const struct {
	const char *file;
	const char *key; /* null: the file is one number */
	size_t offset;
} numbers[] = {
#define STAT(member) offsetof(struct cgroup_stats, member)
	{"cpu.stat", "usage_usec", STAT(cpu_total_us)},
	{"cpu.stat", "user_usec", STAT(cpu_user_us)},
	{"cpu.stat", "system_usec", STAT(cpu_system_us)},
	{"cpu.stat", "nr_periods", STAT(cpu_periods)},
	{"cpu.stat", "nr_throttled", STAT(cpu_throttled_periods)},
	{"cpu.stat", "throttled_usec", STAT(cpu_throttled_us)},
	{"memory.events", "max", STAT(memory_limit_hits)},
	{"memory.events", "oom_kill", STAT(oom_kills)},
	{"memory.current", NULL, STAT(memory)},
	{"memory.max", NULL, STAT(memory_limit)},
	{"memory.peak", NULL, STAT(memory_peak)},
	{"memory.swap.current", NULL, STAT(swap)},
	{"memory.swap.max", NULL, STAT(swap_limit)},
	{"memory.swap.peak", NULL, STAT(swap_peak)},
	{"pids.current", NULL, STAT(pids)},
	{"pids.max", NULL, STAT(pids_limit)},
#undef STAT
};

static void read_numbers(struct reader *reader, struct cgroup_stats *stats)
{
	const char *last = NULL;
	bool there = false;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct optional_u64 *member =
			(struct optional_u64 *)(void *)((char *)stats + numbers[i].offset);

		if (!str_equal(last, numbers[i].file))
			there = read_text(reader, numbers[i].file);
		last = numbers[i].file;
		if (!there)
			continue;
		*member = numbers[i].key ? stats_text_key(reader->text, numbers[i].key)
		                         : stats_text_number(reader->text);
	}
}

/* --- Lists --- */

static int read_lists(struct reader *reader, struct cgroup_stats *stats)
{
	int r = 0;

	if (read_text(reader, "memory.stat"))
		r = stats_text_entries(reader->text, reader->arena, &stats->memory_stat,
		                       &stats->memory_stat_count);
	if (r == 0 && read_text(reader, "io.stat"))
		r = stats_text_devices(reader->text, reader->arena, &stats->devices,
		                       &stats->device_count);
	return r;
}

static void read_pressure(struct reader *reader, struct cgroup_stats *stats)
{
	if (read_text(reader, "cpu.pressure"))
		stats_text_pressure(reader->text, &stats->cpu_pressure);
	if (read_text(reader, "memory.pressure"))
		stats_text_pressure(reader->text, &stats->memory_pressure);
	if (read_text(reader, "io.pressure"))
		stats_text_pressure(reader->text, &stats->io_pressure);
}

/* --- Huge pages --- */

static struct optional_u64 read_hugetlb(struct reader *reader, const char *size, const char *what,
                                        const char *key)
{
	char file[NAME_SIZE * 2];

	(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", size, what);
	if (!read_text(reader, file))
		return (struct optional_u64){0};
	return key ? stats_text_key(reader->text, key) : stats_text_number(reader->text);
}

/* What is reserved counts, where the kernel tells: that is what the limit is for. */
static int read_one_size(struct reader *reader, const char *size, struct stats_hugetlb *ret)
{
	ret->size = arena_strdup(reader->arena, size);
	ret->usage = read_hugetlb(reader, size, "rsvd.current", NULL);
	if (!ret->usage.set)
		ret->usage = read_hugetlb(reader, size, "current", NULL);
	ret->limit = read_hugetlb(reader, size, "max", NULL);
	ret->failures = read_hugetlb(reader, size, "events", "max");
	return ret->size ? 0 : -ENOMEM;
}

static int add_size(struct reader *reader, struct cgroup_stats *stats, const char *file)
{
	enum { MOST = 16 };
	char size[NAME_SIZE];

	if (stats->hugetlb_count == MOST || !stats_text_page_size(file, size, sizeof(size)))
		return 0;
	if (!stats->hugetlb)
		stats->hugetlb = arena_alloc(reader->arena, MOST, sizeof(*stats->hugetlb));
	if (!stats->hugetlb)
		return -ENOMEM;
	return read_one_size(reader, size, &stats->hugetlb[stats->hugetlb_count++]);
}

static int read_huge_pages(struct reader *reader, struct cgroup_stats *stats)
{
	int copy = openat(reader->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		fd_close(&copy);
		return 0;
	}
	while (r == 0 && (entry = readdir(dir)))
		r = add_size(reader, stats, entry->d_name);
	(void)closedir(dir);
	return r;
}

/* --- The group --- */

int cgroup_stats_read(const struct cgroup *group, struct arena *arena, struct cgroup_stats *ret,
                      struct error *err)
{
	scoped_str text = malloc(TEXT_LIMIT);
	struct reader reader = {.dirfd = group->dirfd, .arena = arena, .text = text};
	struct cgroup_stats stats = {0};

	if (group->dirfd < 0)
		return error_set(err, ENODEV, "the container has no cgroup, and no statistics");
	if (!text)
		return error_code(err, ENOMEM, "statistics");
	/* Every group has this file; in one that was removed nothing can be opened. */
	if (faccessat(group->dirfd, "cgroup.procs", F_OK, 0) < 0)
		return error_set(err, ENODEV, "the cgroup %s is gone", group->full);
	read_numbers(&reader, &stats);
	read_pressure(&reader, &stats);
	if (read_lists(&reader, &stats) < 0 || read_huge_pages(&reader, &stats) < 0)
		return error_code(err, ENOMEM, "statistics");
	*ret = stats;
	return 0;
}

int cgroup_stats_open_memory_events(const struct cgroup *group)
{
	if (group->dirfd < 0)
		return -1;
	return openat(group->dirfd, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

struct optional_u64 cgroup_stats_oom_kills(int fd)
{
	char text[512];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	if (size < 0)
		return (struct optional_u64){0};
	text[size] = '\0';
	return stats_text_key(text, "oom_kill");
}
