#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct column {
	const char *title;
	const char *key;
	size_t offset;
};

static const struct column sample_columns[] = {
	{"wall ms", "wall_ms", offsetof(struct sample, wall_ms)},
	{"cpu ms", "cpu_ms", offsetof(struct sample, cpu_ms)},
	{"RSS KiB", "rss_kib", offsetof(struct sample, rss_kib)},
	{"faults", "faults", offsetof(struct sample, faults)},
};
/* Comes after the others where a row has it. */
static const struct column part_column = {NULL, "part_ms", offsetof(struct sample, part_ms)};
static const struct column burst_columns[] = {
	{"runs/s", "runs_per_second", offsetof(struct burst, runs_per_second)},
	{"lat ms", "latency_ms", offsetof(struct burst, latency_ms)},
	{"max ms", "latency_max_ms", offsetof(struct burst, latency_max_ms)},
};
static const struct column *const metric_columns[] = {
	[WALL] = &sample_columns[0],
	[RSS] = &sample_columns[2],
	[THROUGHPUT] = &burst_columns[0],
	[PART] = &part_column,
};

static unsigned int rows_said;

static double value(const struct results *r, enum peer peer, size_t round,
                    const struct column *column)
{
	const char *base = r->row->width ? (const char *)&r->bursts[peer][round]
	                                 : (const char *)&r->samples[peer][round];
	double number;

	memcpy(&number, base + column->offset, sizeof(number));
	return number;
}

static bool succeeded(const struct results *r, enum peer peer, size_t round)
{
	return !r->stuck[peer] && !r->samples[peer][round].failed;
}

/* There is something to tell of it. */
static bool has_figures(const struct results *r, enum peer peer)
{
	for (size_t i = 0; r->measured[peer] && i < r->rounds; i++)
		if (succeeded(r, peer, i))
			return true;
	return false;
}

static double median_value(const struct results *r, enum peer peer, const struct column *column)
{
	double values[MAX_ROUNDS];
	size_t count = 0;

	for (size_t i = 0; i < r->rounds; i++)
		if (succeeded(r, peer, i))
			values[count++] = value(r, peer, i, column);
	return median(values, count);
}

/* The median over the rounds of (peer a) / (peer b), both of the same round, where both succeeded. */
static double median_ratio(const struct results *r, enum peer a, enum peer b,
                           const struct column *column)
{
	double values[MAX_ROUNDS];
	size_t count = 0;

	for (size_t i = 0; i < r->rounds; i++)
		if (succeeded(r, a, i) && succeeded(r, b, i) && value(r, b, i, column) > 0)
			values[count++] = value(r, a, i, column) / value(r, b, i, column);
	return median(values, count);
}

static const char *verdict(const struct bar *bar, double ratio)
{
	bool more = bar->metric == THROUGHPUT;

	if (more ? ratio < bar->must : ratio > bar->must)
		return "missed";
	if (bar->aim > 0 && (more ? ratio >= bar->aim : ratio <= bar->aim))
		return "holds, aim reached";
	return "holds";
}

static void columns_of(const struct row *row, const struct column **ret_columns, size_t *ret_count)
{
	*ret_columns = row->width ? burst_columns : sample_columns;
	*ret_count = row->width ? COUNT(burst_columns) : COUNT(sample_columns);
}

static double figure(const struct results *r, const struct bar *bar)
{
	const struct column *column = metric_columns[bar->metric];

	return bar->peer == LVM_RUN ? median_value(r, LVM_RUN, column)
	                            : median_ratio(r, LVM_RUN, bar->peer, column);
}

static void table_bars(FILE *out, const struct results *r)
{
	const char *const units[] = {"wall", "peak RSS", "throughput", r->row->part};

	for (size_t i = 0; i < COUNT(r->row->bars) && r->row->bars[i].must > 0; i++) {
		const struct bar *bar = &r->row->bars[i];
		const char *relation = bar->metric == THROUGHPUT ? ">=" : "<=";
		double ratio;

		fprintf(out, "  lvm-run %s %s %.2f", units[bar->metric], relation, bar->must);
		if (bar->peer != LVM_RUN)
			fprintf(out, " x %s", peer_names[bar->peer]);
		if (!has_figures(r, LVM_RUN) || !has_figures(r, bar->peer)) {
			fprintf(out, ": not measured\n");
			continue;
		}
		ratio = figure(r, bar);
		if (bar->aim > 0)
			fprintf(out, " (aim %.2f)", bar->aim);
		fprintf(out, ": %.2f %s\n", ratio, verdict(bar, ratio));
	}
}

static void table_figures(FILE *out, const struct results *r, enum peer peer)
{
	const struct column *columns;
	size_t count;

	columns_of(r->row, &columns, &count);
	for (size_t i = 0; i < count; i++)
		fprintf(out, " %9.*f", i < 2 ? 2 : 0, median_value(r, peer, &columns[i]));
	if (r->row->part)
		fprintf(out, " %9.2f", median_value(r, peer, &part_column));
	for (enum peer other = CRUN; other < PEER_COUNT; other++) {
		if (!has_figures(r, other))
			fprintf(out, " %9s", "-");
		else
			fprintf(out, " %9.2f", median_ratio(r, peer, other, columns));
	}
	if (!r->row->width && has_figures(r, CRUN))
		fprintf(out, " %11.2f", median_ratio(r, peer, CRUN, &columns[1]));
}

static void table_row(FILE *out, const struct results *r)
{
	const struct column *columns;
	size_t count;

	columns_of(r->row, &columns, &count);
	fprintf(out, "\n%s: %s (%zu rounds)\n  %-8s", r->row->name, r->row->title, r->rounds, "");
	for (size_t i = 0; i < count; i++)
		fprintf(out, " %9s", columns[i].title);
	if (r->row->part)
		fprintf(out, " %9s", r->row->part);
	fprintf(out, " %9s %9s %9s%s\n", "x crun", "x runc", "x floor",
	        r->row->width ? "" : "  cpu x crun");
	for (enum peer peer = 0; peer < PEER_COUNT; peer++) {
		if (!r->measured[peer])
			continue;
		fprintf(out, "  %-8s", peer_names[peer]);
		if (has_figures(r, peer))
			table_figures(out, r, peer);
		if (r->failures[peer])
			fprintf(out, "  %u FAILED", r->failures[peer]);
		fprintf(out, "\n");
	}
	table_bars(out, r);
}

static void json_bars(FILE *out, const struct results *r)
{
	const char *comma = "";

	fprintf(out, "], \"bars\": [");
	for (size_t i = 0; i < COUNT(r->row->bars) && r->row->bars[i].must > 0; i++) {
		const struct bar *bar = &r->row->bars[i];
		double ratio;

		if (!has_figures(r, LVM_RUN) || !has_figures(r, bar->peer))
			continue;
		ratio = figure(r, bar);
		fprintf(out,
		        "%s{\"metric\": \"%s\", \"peer\": \"%s\", \"must\": %g, \"aim\": %g, "
		        "\"ratio\": %.4f, \"verdict\": \"%s\"}",
		        comma, metric_columns[bar->metric]->key, peer_names[bar->peer], bar->must,
		        bar->aim, ratio, verdict(bar, ratio));
		comma = ", ";
	}
	fprintf(out, "]}");
}

static void json_figures(FILE *out, const struct results *r, enum peer peer)
{
	const struct column *columns;
	size_t count;

	columns_of(r->row, &columns, &count);
	for (size_t i = 0; i < count; i++)
		fprintf(out, ", \"%s\": %.4f", columns[i].key, median_value(r, peer, &columns[i]));
	if (r->row->part)
		fprintf(out, ", \"%s\": %.4f", part_column.key,
		        median_value(r, peer, &part_column));
	for (enum peer other = 0; other < PEER_COUNT; other++) {
		if (other == peer || !has_figures(r, other))
			continue;
		for (size_t i = 0; i < 2; i++)
			fprintf(out, ", \"%s_x_%s\": %.4f", columns[i].key, peer_names[other],
			        median_ratio(r, peer, other, &columns[i]));
	}
}

static void json_row(FILE *out, const struct results *r)
{
	const char *comma = "";

	fprintf(out, "%s\n  {\"name\": \"%s\", \"title\": \"%s\", \"rounds\": %zu, \"peers\": [",
	        rows_said ? "," : "", r->row->name, r->row->title, r->rounds);
	for (enum peer peer = 0; peer < PEER_COUNT; peer++) {
		if (!r->measured[peer])
			continue;
		fprintf(out, "%s\n    {\"name\": \"%s\", \"failures\": %u", comma, peer_names[peer],
		        r->failures[peer]);
		if (has_figures(r, peer))
			json_figures(out, r, peer);
		fprintf(out, "}");
		comma = ",";
	}
	json_bars(out, r);
}

void report_row(FILE *out, bool json, const struct results *r)
{
	(json ? json_row : table_row)(out, r);
	fflush(out);
	rows_said++;
}

void report_begin(FILE *out, bool json, char *const versions[PEER_COUNT])
{
	const char *comma = "";
	struct utsname kernel;
	double load = 0;

	uname(&kernel);
	getloadavg(&load, 1);
	if (json)
		fprintf(out,
		        "{\"kernel\": \"%s %s\", \"cpus\": %ld, \"load\": %.2f, \"versions\": {",
		        kernel.release, kernel.machine, sysconf(_SC_NPROCESSORS_ONLN), load);
	else
		fprintf(out, "kernel   %s %s, %ld CPUs, load %.2f%s\n", kernel.release,
		        kernel.machine, sysconf(_SC_NPROCESSORS_ONLN), load,
		        load > 0.5 ? " (busy: the ratios are rough)" : "");
	for (enum peer peer = 0; peer < PEER_COUNT; peer++) {
		if (!versions[peer])
			continue;
		if (json)
			fprintf(out, "%s\"%s\": \"%s\"", comma, peer_names[peer], versions[peer]);
		else
			fprintf(out, "%-8s %s\n", peer_names[peer], versions[peer]);
		comma = ", ";
	}
	if (json)
		fprintf(out, "}, \"rows\": [");
	fflush(out);
}

void report_end(FILE *out, bool json)
{
	if (json)
		fprintf(out, "\n]}\n");
	fflush(out);
}
