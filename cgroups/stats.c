#include "cgroups/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroups/group.h"
#include "cgroups/stats_reader.h"
#include "cgroups/stats_text.h"

enum { NAME_SIZE = 64 };

bool stats_reader_text(struct stats_reader *reader, const char *file)
{
	scoped_fd fd = openat(reader->dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t size = fd < 0 ? -1 : fd_read_all(fd, reader->text, STATS_TEXT_LIMIT - 1);

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

static void read_numbers(struct stats_reader *reader, struct cgroup_stats *stats)
{
	const char *last = NULL;
	bool there = false;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct optional_u64 *member =
			(struct optional_u64 *)(void *)((char *)stats + numbers[i].offset);

		if (!str_equal(last, numbers[i].file))
			there = stats_reader_text(reader, numbers[i].file);
		/* At once: other files take their time, and so does who is not scheduled. */
		if (!last)
			stats->cpu_at_ns = clock_monotonic_ns();
		last = numbers[i].file;
		if (!there)
			continue;
		*member = numbers[i].key ? stats_text_key(reader->text, numbers[i].key)
		                         : stats_text_number(reader->text);
	}
}

/* --- Lists --- */

static int read_lists(struct stats_reader *reader, struct cgroup_stats *stats)
{
	int r = 0;

	if (stats_reader_text(reader, "memory.stat"))
		r = stats_text_entries(reader->text, reader->arena, &stats->memory_stat,
		                       &stats->memory_stat_count);
	if (r == 0 && stats_reader_text(reader, "io.stat"))
		r = stats_text_devices(reader->text, reader->arena, &stats->devices,
		                       &stats->device_count);
	return r;
}

static void read_pressure(struct stats_reader *reader, struct cgroup_stats *stats)
{
	if (stats_reader_text(reader, "cpu.pressure"))
		stats_text_pressure(reader->text, &stats->cpu_pressure);
	if (stats_reader_text(reader, "memory.pressure"))
		stats_text_pressure(reader->text, &stats->memory_pressure);
	if (stats_reader_text(reader, "io.pressure"))
		stats_text_pressure(reader->text, &stats->io_pressure);
}

/* --- Huge pages --- */

static struct optional_u64 read_hugetlb(struct stats_reader *reader, const char *size,
                                        const char *what, const char *key)
{
	char file[NAME_SIZE * 2];

	(void)snprintf(file, sizeof(file), "hugetlb.%s.%s", size, what);
	if (!stats_reader_text(reader, file))
		return (struct optional_u64){0};
	return key ? stats_text_key(reader->text, key) : stats_text_number(reader->text);
}

/* What is reserved counts, where the kernel tells: that is what the limit is for. */
static int read_one_size(struct stats_reader *reader, const struct stats_page_names *names,
                         const char *size, struct stats_hugetlb *ret)
{
	ret->size = arena_strdup(reader->arena, size);
	ret->usage = read_hugetlb(reader, size, names->reserved, NULL);
	if (!ret->usage.set)
		ret->usage = read_hugetlb(reader, size, names->usage, NULL);
	ret->limit = read_hugetlb(reader, size, names->limit, NULL);
	ret->failures = read_hugetlb(reader, size, names->failures, names->failure_key);
	return ret->size ? 0 : -ENOMEM;
}

static int add_size(struct stats_reader *reader, const struct stats_page_names *names,
                    struct cgroup_stats *stats, const char *file)
{
	enum { MOST = 16 };
	char size[NAME_SIZE];

	if (stats->hugetlb_count == MOST ||
	    !stats_text_page_size(file, names->usage, size, sizeof(size)))
		return 0;
	if (!stats->hugetlb)
		stats->hugetlb = arena_alloc(reader->arena, MOST, sizeof(*stats->hugetlb));
	if (!stats->hugetlb)
		return -ENOMEM;
	return read_one_size(reader, names, size, &stats->hugetlb[stats->hugetlb_count++]);
}

int stats_reader_pages(struct stats_reader *reader, const struct stats_page_names *names,
                       struct cgroup_stats *stats)
{
	int copy = stats->hugetlb_count > 0
	                   ? -1
	                   : openat(reader->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		fd_close(&copy);
		return 0;
	}
	while (r == 0 && (entry = readdir(dir)))
		r = add_size(reader, names, stats, entry->d_name);
	(void)closedir(dir);
	return r;
}

static int read_huge_pages(struct stats_reader *reader, struct cgroup_stats *stats)
{
	static const struct stats_page_names names = {
		.reserved = "rsvd.current",
		.usage = "current",
		.limit = "max",
		.failures = "events",
		.failure_key = "max",
	};

	return stats_reader_pages(reader, &names, stats);
}

/* --- The group --- */

int cgroup_stats_read(const struct cgroup *group, struct arena *arena, struct cgroup_stats *ret,
                      struct error *err)
{
	scoped_str text = malloc(STATS_TEXT_LIMIT);
	struct stats_reader reader = {.dirfd = group->dirfd, .arena = arena, .text = text};
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
	if (read_lists(&reader, &stats) < 0 || read_huge_pages(&reader, &stats) < 0 ||
	    legacy_stats_read(group, arena, text, &stats) < 0)
		return error_code(err, ENOMEM, "statistics");
	*ret = stats;
	return 0;
}

/* --- The OOM killer --- */

void cgroup_oom_open(const struct cgroup *group, struct cgroup_oom *ret)
{
	*ret = (struct cgroup_oom){.fd = -1, .control = -1, .events = POLLPRI};
	if (group->dirfd < 0)
		return;
	ret->fd = openat(group->dirfd, "memory.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (ret->fd < 0 && group->legacy.count > 0) {
		ret->fd = legacy_open_oom(group, &ret->control);
		ret->events = POLLIN;
	}
	(void)cgroup_oom_has_struck(ret);
}

void cgroup_oom_done(struct cgroup_oom *oom)
{
	fd_close(&oom->fd);
	fd_close(&oom->control);
}

/* The value of a key of a file that stays open; unset when the group is gone. */
static struct optional_u64 look(int fd, const char *key)
{
	char text[512];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);

	if (size < 0)
		return (struct optional_u64){0};
	text[size] = '\0';
	return stats_text_key(text, key);
}

/* The kernel counts in cgroup v1 only after it has told: what it tells is the event. */
static bool legacy_has_struck(const struct cgroup_oom *oom)
{
	uint64_t count = 0;

	return read(oom->fd, &count, sizeof(count)) == sizeof(count) && count > 0 &&
	       look(oom->control, "oom_kill_disable").set;
}

bool cgroup_oom_has_struck(struct cgroup_oom *oom)
{
	if (oom->fd < 0)
		return false;
	if (oom->control >= 0)
		return legacy_has_struck(oom);

	struct optional_u64 kills = look(oom->fd, "oom_kill");
	bool more = kills.set && kills.value > oom->kills;

	if (kills.set)
		oom->kills = kills.value;
	return more;
}
