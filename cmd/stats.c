#include "cmd/stats.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/verbs.h"
#include "runtime/monitor.h"

const struct option stats_options[] = {
	{"no-stream", "", OPTION_FLAG, offsetof(struct stats_arguments, no_stream), NULL,
         "print once and end"},
	{"format", "f", OPTION_TEXT, offsetof(struct stats_arguments, format),
         "table|json|prometheus", "what to print (table)"},
	{"interval", "", OPTION_TEXT, offsetof(struct stats_arguments, interval), "TIME",
         "time between two looks, such as 500ms (1s)"},
	{0},
};

/* Over how long the share of the CPU is measured when there is only one look. */
enum { FIRST_LOOK_MS = 200 };

/* One container that is looked at. */
struct watched {
	struct container_monitor *monitor;
	struct arena arena; /* of its last sample */
	uint64_t cpu_us;
	int64_t at_ns;
};

struct view {
	struct watched *watched;
	struct stats_sample *samples; /* of the same order and count */
	size_t count;
	char **ids;
};

static void watched_done(struct watched *watched)
{
	container_monitor_free(&watched->monitor);
	arena_done(&watched->arena);
}

static void view_done(struct view *view)
{
	for (size_t i = 0; i < view->count; i++)
		watched_done(&view->watched[i]);
	free(view->watched);
	free(view->samples);
	container_ids_free(&view->ids);
}

/* --- Which containers --- */

/* Of all containers those are left out that do not run; one that was named must. */
static int add_all(struct view *view, struct store *store, char **ids, size_t count, bool named,
                   struct error *err)
{
	view->watched = calloc(count + 1, sizeof(*view->watched));
	view->samples = calloc(count + 1, sizeof(*view->samples));
	if (!view->watched || !view->samples)
		return error_code(err, ENOMEM, "statistics");
	for (size_t i = 0; i < count; i++) {
		struct error why;

		if (container_monitor_open(store, ids[i], &view->watched[view->count].monitor,
		                           &why) == 0) {
			view->samples[view->count++].id = ids[i];
		} else if (named) {
			*err = why;
			return error_wrap(err, "%s", ids[i]);
		}
	}
	return 0;
}

static int choose(const struct call *call, struct view *view, struct error *err)
{
	scoped_store store = NULL;
	size_t count = 0;
	int r = call_open_store(call, &store, err);

	if (r == 0 && call->count > 0)
		return add_all(view, store, call->words, (size_t)call->count, true, err);
	if (r == 0)
		r = container_ids(store, &view->ids, &count, err);
	return r < 0 ? r : add_all(view, store, view->ids, count, false, err);
}

/* --- Looking --- */

static void forget(struct view *view, size_t index)
{
	watched_done(&view->watched[index]);
	view->count--;
	for (size_t i = index; i < view->count; i++) {
		view->watched[i] = view->watched[i + 1];
		view->samples[i] = view->samples[i + 1];
	}
}

/* 1 when there is a sample, 0 when the container has ended. */
static int look_at(struct watched *watched, struct stats_sample *sample, struct error *err)
{
	enum monitor_event event = MONITOR_OOM;
	int64_t passed_us;
	int r = 0;

	while (r == 0 && event == MONITOR_OOM)
		r = container_monitor_wait(watched->monitor, 0, &event, err);
	if (r < 0 || event == MONITOR_END)
		return r;
	arena_done(&watched->arena);
	watched->arena = (struct arena){0};
	r = container_monitor_stats(watched->monitor, &watched->arena, &sample->stats, err);
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	passed_us = (sample->stats.cpu_at_ns - watched->at_ns) / 1000;
	sample->cpu_share = (struct optional_u64){.set = watched->at_ns && passed_us > 0 &&
	                                                 sample->stats.cpu_total_us.set};
	if (sample->cpu_share.set && sample->stats.cpu_total_us.value > watched->cpu_us)
		sample->cpu_share.value = (sample->stats.cpu_total_us.value - watched->cpu_us) *
		                          10000 / (uint64_t)passed_us;
	watched->cpu_us = sample->stats.cpu_total_us.value;
	watched->at_ns = sample->stats.cpu_at_ns;
	return 1;
}

static int look(struct view *view, struct error *err)
{
	size_t i = 0;

	while (i < view->count) {
		int r = look_at(&view->watched[i], &view->samples[i], err);

		if (r < 0)
			return r;
		if (r == 0)
			forget(view, i);
		else
			i++;
	}
	return 0;
}

/* --- The verb --- */

static stats_format *find_format(const char *word)
{
	if (word && str_equal(word, "json"))
		return stats_format_json;
	return word && str_equal(word, "prometheus") ? stats_format_prometheus : stats_format_table;
}

static int show(const struct view *view, stats_format *format, bool live, struct error *err)
{
	scoped_strbuf text = {0};

	/* On a terminal each look takes the place of the one before. */
	if (live && format == stats_format_table && isatty(STDOUT_FILENO))
		strbuf_adds(&text, "\033[H\033[J");
	format(view->samples, view->count, &text);
	return text.length == 0 && !text.failed ? 0 : output_buffer(&text, err);
}

static int look_once(struct view *view, stats_format *format, struct error *err)
{
	int r = look(view, err);

	/* The share of the CPU needs two looks; Prometheus has its own. */
	if (r == 0 && view->count > 0 && format != stats_format_prometheus) {
		(void)poll(NULL, 0, FIRST_LOOK_MS);
		r = look(view, err);
	}
	return r < 0 ? r : show(view, format, false, err);
}

/* As long as one of them lives. */
static int look_again_and_again(struct view *view, stats_format *format, int interval_ms,
                                struct error *err)
{
	int r = look(view, err);

	while (r == 0 && view->count > 0) {
		r = show(view, format, true, err);
		if (r == 0)
			(void)poll(NULL, 0, interval_ms);
		if (r == 0)
			r = look(view, err);
	}
	return r;
}

int stats_main(const struct call *call, struct error *err)
{
	const struct stats_arguments *arguments = &call->arguments->stats;
	scoped(view_done) struct view view = {0};
	stats_format *format = find_format(arguments->format);
	int interval_ms = 0;
	int r = interval_parse(arguments->interval ? arguments->interval : "1s", &interval_ms, err);

	if (r == 0)
		r = choose(call, &view, err);
	if (r < 0)
		return r;
	return arguments->no_stream ? look_once(&view, format, err)
	                            : look_again_and_again(&view, format, interval_ms, err);
}
