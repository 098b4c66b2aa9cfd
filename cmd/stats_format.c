#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/output.h"
#include "cmd/stats.h"
#include "cmd/stats_json.h"
#include "cmd/units.h"

/* --- The table --- */

enum { CELL_SIZE = 48, COLUMNS = 9 };

static const char *const headings[COLUMNS] = {
	"ID",
	"CPU",
	"CPU TIME",
	"MEMORY / LIMIT",
	"SWAP",
	"PIDS",
	"READ / WRITTEN",
	"HUGE PAGES",
	"WAITED CPU/MEM/IO",
};

static char *bytes_text(struct optional_u64 number, char ret[static UNITS_TEXT_SIZE])
{
	if (!number.set)
		(void)snprintf(ret, UNITS_TEXT_SIZE, "-");
	else if (number.value == STATS_NO_LIMIT)
		(void)snprintf(ret, UNITS_TEXT_SIZE, "max");
	else
		(void)units_format_bytes(number.value, ret);
	return ret;
}

static void add_up(struct optional_u64 *sum, struct optional_u64 number)
{
	sum->set = sum->set || number.set;
	sum->value += number.value;
}

static void write_pair(char *cell, struct optional_u64 a, struct optional_u64 b)
{
	char first[UNITS_TEXT_SIZE];
	char second[UNITS_TEXT_SIZE];

	(void)snprintf(cell, CELL_SIZE, "%s / %s", bytes_text(a, first), bytes_text(b, second));
}

static void write_cpu(const struct stats_sample *sample, char *share, char *time)
{
	uint64_t us = sample->stats.cpu_total_us.value;

	(void)snprintf(share, CELL_SIZE, "-");
	(void)snprintf(time, CELL_SIZE, "-");
	if (sample->cpu_share.set)
		(void)snprintf(share, CELL_SIZE, "%" PRIu64 ".%02u%%",
		               sample->cpu_share.value / 100,
		               (unsigned int)(sample->cpu_share.value % 100));
	if (sample->stats.cpu_total_us.set)
		(void)snprintf(time, CELL_SIZE, "%" PRIu64 ".%02us", us / 1000000,
		               (unsigned int)(us % 1000000 / 10000));
}

static void write_io(const struct cgroup_stats *stats, char *cell)
{
	struct optional_u64 read = {0};
	struct optional_u64 written = {0};

	for (size_t i = 0; i < stats->device_count; i++) {
		add_up(&read, stats->devices[i].read_bytes);
		add_up(&written, stats->devices[i].write_bytes);
	}
	write_pair(cell, read, written);
}

static void write_huge_pages(const struct cgroup_stats *stats, char *cell)
{
	struct optional_u64 usage = {0};

	for (size_t i = 0; i < stats->hugetlb_count; i++)
		add_up(&usage, stats->hugetlb[i].usage);
	(void)bytes_text(usage, cell);
}

static void write_stall(const struct stats_stall *stall, char ret[static 16])
{
	if (stall->set)
		(void)snprintf(ret, 16, "%u.%02u%%", stall->avg10 / 100, stall->avg10 % 100);
	else
		(void)snprintf(ret, 16, "-");
}

static void write_pressure(const struct cgroup_stats *stats, char *cell)
{
	char cpu[16];
	char memory[16];
	char io[16];

	write_stall(&stats->cpu_pressure.some, cpu);
	write_stall(&stats->memory_pressure.some, memory);
	write_stall(&stats->io_pressure.some, io);
	(void)snprintf(cell, CELL_SIZE, "%.14s %.14s %.14s", cpu, memory, io);
}

static void fill_row(const struct stats_sample *sample, char (*cells)[CELL_SIZE], const char **row)
{
	const struct cgroup_stats *stats = &sample->stats;

	write_cpu(sample, cells[1], cells[2]);
	write_pair(cells[3], stats->memory, stats->memory_limit);
	(void)bytes_text(stats->swap, cells[4]);
	if (stats->pids.set)
		(void)snprintf(cells[5], CELL_SIZE, "%" PRIu64, stats->pids.value);
	else
		(void)snprintf(cells[5], CELL_SIZE, "-");
	write_io(stats, cells[6]);
	write_huge_pages(stats, cells[7]);
	write_pressure(stats, cells[8]);
	row[0] = sample->id;
	for (size_t i = 1; i < COLUMNS; i++)
		row[i] = cells[i];
}

void stats_format_table(const struct stats_sample *samples, size_t count, struct strbuf *ret)
{
	char(*cells)[CELL_SIZE] = calloc((count + 1) * COLUMNS, sizeof(*cells));
	const char **rows = calloc((count + 1) * COLUMNS, sizeof(*rows));

	ret->failed = ret->failed || !cells || !rows;
	if (cells && rows) {
		for (size_t i = 0; i < COLUMNS; i++)
			rows[i] = headings[i];
		for (size_t i = 0; i < count; i++)
			fill_row(&samples[i], cells + (i + 1) * COLUMNS, rows + (i + 1) * COLUMNS);
		output_columns(ret, rows, count + 1, COLUMNS, 0);
	}
	free(cells);
	free(rows);
}

/* --- JSON --- */

void stats_format_json(const struct stats_sample *samples, size_t count, struct strbuf *ret)
{
	struct json_writer writer = {0};

	json_writer_array(&writer, NULL);
	for (size_t i = 0; i < count; i++) {
		json_writer_object(&writer, NULL);
		json_writer_string(&writer, "id", samples[i].id);
		if (samples[i].cpu_share.set)
			json_writer_hundredths(&writer, "cpu_percent", samples[i].cpu_share.value);
		stats_write_json(&writer, "data", &samples[i].stats, NULL);
		json_writer_end(&writer);
	}
	json_writer_end(&writer);

	scoped_str text = json_writer_take(&writer);

	ret->failed = ret->failed || !text;
	if (text)
		strbuf_addf(ret, "%s\n", text);
}

/* --- Prometheus --- */

static const struct metric {
	const char *name;
	const char *type;
	const char *help;
	size_t offset;
	bool time; /* microseconds in, seconds out */
} metrics[] = {
#define STAT(member) offsetof(struct cgroup_stats, member)
	{"lvm_run_cpu_seconds_total", "counter", "CPU time used", STAT(cpu_total_us), true},
	{"lvm_run_cpu_user_seconds_total", "counter", "CPU time used outside the kernel",
         STAT(cpu_user_us), true},
	{"lvm_run_cpu_system_seconds_total", "counter", "CPU time used in the kernel",
         STAT(cpu_system_us), true},
	{"lvm_run_cpu_throttled_seconds_total", "counter", "Time held back by the quota",
         STAT(cpu_throttled_us), true},
	{"lvm_run_memory_bytes", "gauge", "Memory used, caches included", STAT(memory), false},
	{"lvm_run_memory_peak_bytes", "gauge", "Most memory used so far", STAT(memory_peak), false},
	{"lvm_run_memory_limit_bytes", "gauge", "Limit of memory", STAT(memory_limit), false},
	{"lvm_run_swap_bytes", "gauge", "Swap used", STAT(swap), false},
	{"lvm_run_oom_kills_total", "counter", "Processes ended for want of memory",
         STAT(oom_kills), false},
	{"lvm_run_processes", "gauge", "Processes and threads", STAT(pids), false},
	{"lvm_run_processes_limit", "gauge", "Limit of processes and threads", STAT(pids_limit),
         false},
#undef STAT
};

static void add_head(struct strbuf *to, const char *name, const char *type, const char *help)
{
	strbuf_addf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_seconds(struct strbuf *to, uint64_t us)
{
	strbuf_addf(to, "%" PRIu64 ".%06u\n", us / 1000000, (unsigned int)(us % 1000000));
}

static struct optional_u64 metric_value(const struct metric *metric,
                                        const struct stats_sample *sample)
{
	const char *member = (const char *)&sample->stats + metric->offset;

	return *(const struct optional_u64 *)(const void *)member;
}

/* An id has no character that a label would have to escape. */
static void add_metric(struct strbuf *to, const struct metric *metric,
                       const struct stats_sample *samples, size_t count)
{
	bool head = false;

	for (size_t i = 0; i < count; i++) {
		struct optional_u64 number = metric_value(metric, &samples[i]);

		if (!number.set)
			continue;
		if (!head)
			add_head(to, metric->name, metric->type, metric->help);
		head = true;
		strbuf_addf(to, "%s{id=\"%s\"} ", metric->name, samples[i].id);
		if (metric->time)
			add_seconds(to, number.value);
		else if (number.value == STATS_NO_LIMIT)
			strbuf_adds(to, "+Inf\n");
		else
			strbuf_addf(to, "%" PRIu64 "\n", number.value);
	}
}

static void add_stall(struct strbuf *to, const char *id, const char *resource, const char *kind,
                      const struct stats_stall *stall)
{
	if (!stall->set)
		return;
	strbuf_addf(to, "lvm_run_pressure_seconds_total{id=\"%s\",resource=\"%s\",kind=\"%s\"} ",
	            id, resource, kind);
	add_seconds(to, stall->total_us);
}

static void add_pressure(struct strbuf *to, const struct stats_sample *samples, size_t count)
{
	if (count > 0)
		add_head(to, "lvm_run_pressure_seconds_total", "counter",
		         "Time in which some or all processes waited for a resource");
	for (size_t i = 0; i < count; i++) {
		const struct {
			const char *name;
			const struct stats_pressure *pressure;
		} resources[] = {
			{"cpu", &samples[i].stats.cpu_pressure},
			{"memory", &samples[i].stats.memory_pressure},
			{"io", &samples[i].stats.io_pressure},
		};

		for (size_t k = 0; k < ARRAY_SIZE(resources); k++) {
			add_stall(to, samples[i].id, resources[k].name, "some",
			          &resources[k].pressure->some);
			add_stall(to, samples[i].id, resources[k].name, "full",
			          &resources[k].pressure->full);
		}
	}
}

static void add_device_bytes(struct strbuf *to, const char *id, const struct stats_device *device,
                             const char *operation, struct optional_u64 bytes)
{
	if (bytes.set)
		strbuf_addf(to,
		            "lvm_run_io_bytes_total{id=\"%s\",device=\"%u:%u\",operation=\"%s\"} "
		            "%" PRIu64 "\n",
		            id, device->major, device->minor, operation, bytes.value);
}

static void add_devices(struct strbuf *to, const struct stats_sample *samples, size_t count)
{
	bool head = false;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < samples[i].stats.device_count; k++) {
			const struct stats_device *device = &samples[i].stats.devices[k];

			if (!head)
				add_head(to, "lvm_run_io_bytes_total", "counter",
				         "Bytes read from and written to block devices");
			head = true;
			add_device_bytes(to, samples[i].id, device, "read", device->read_bytes);
			add_device_bytes(to, samples[i].id, device, "write", device->write_bytes);
		}
	}
}

void stats_format_prometheus(const struct stats_sample *samples, size_t count, struct strbuf *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		add_metric(ret, &metrics[i], samples, count);
	add_devices(ret, samples, count);
	add_pressure(ret, samples, count);
}
