#include <errno.h>
#include <limits.h>
#include <time.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/stats_json.h"
#include "cmd/units.h"
#include "cmd/verbs.h"
#include "runtime/monitor.h"

const struct option events_options[] = {
	{"stats", "", OPTION_FLAG, offsetof(struct events_arguments, stats), NULL,
         "print the statistics once and end"},
	{"interval", "", OPTION_TEXT, offsetof(struct events_arguments, interval), "TIME",
         "time between two statistics, such as 500ms or 1m30s (5s)"},
	{0},
};

int interval_parse(const char *text, int *ret_ms, struct error *err)
{
	uint64_t ns = 0;
	int r = units_parse_duration(text, &ns);
	uint64_t ms = ns / 1000000 + (ns % 1000000 != 0);

	if (r < 0)
		return error_set(err, -r, "option --interval: '%s' is not a time like 500ms", text);
	if (ns == 0)
		return error_set(err, EINVAL, "option --interval: it must be more than 0");
	*ret_ms = ms > INT_MAX ? INT_MAX : (int)ms;
	return 0;
}

/* One event is one line, written at once. */
static int print_event(struct json_writer *writer, struct error *err)
{
	scoped_str text = json_writer_take(writer);
	scoped_str line = text ? str_format("%s\n", text) : NULL;

	return line ? output_text(line, err) : error_code(err, ENOMEM, "events");
}

static int print_oom(const char *id, struct error *err)
{
	struct json_writer writer = {0};

	json_writer_object(&writer, NULL);
	json_writer_string(&writer, "type", "oom");
	json_writer_string(&writer, "id", id);
	json_writer_end(&writer);
	return print_event(&writer, err);
}

static int print_stats(const struct container_monitor *monitor, const char *id, struct error *err)
{
	scoped_arena arena = {0};
	struct json_writer writer = {0};
	struct cgroup_stats stats;
	struct resctrl_stats class;
	int r = container_monitor_stats(monitor, &arena, &stats, err);

	if (r == 0)
		r = container_monitor_class(monitor, &arena, &class, err);

	if (r < 0)
		return r;
	json_writer_object(&writer, NULL);
	json_writer_string(&writer, "type", "stats");
	json_writer_string(&writer, "id", id);
	stats_write_json(&writer, "data", &stats, &class);
	json_writer_end(&writer);
	return print_event(&writer, err);
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Until the container ends. Times that were missed are left out. */
static int follow(struct container_monitor *monitor, const char *id, int interval_ms,
                  struct error *err)
{
	int64_t next = now_ms() + interval_ms;

	for (;;) {
		int64_t left = next - now_ms();
		enum monitor_event event;
		int r = container_monitor_wait(monitor, left > 0 ? (int)left : 0, &event, err);

		if (r < 0 || event == MONITOR_END)
			return r;
		if (event == MONITOR_OOM) {
			r = print_oom(id, err);
		} else {
			r = print_stats(monitor, id, err);
			/* Deleted between its end and our look. */
			if (r == -ENODEV)
				return 0;
			next = now_ms() + interval_ms;
		}
		if (r < 0)
			return r;
	}
}

int events_main(const struct call *call, struct error *err)
{
	const struct events_arguments *arguments = &call->arguments->events;
	scoped_store store = NULL;
	scoped_monitor monitor = NULL;
	int interval_ms = 0;
	int r = interval_parse(arguments->interval ? arguments->interval : "5s", &interval_ms, err);

	if (r == 0)
		r = call_open_store(call, &store, err);
	if (r == 0)
		r = container_monitor_open(store, call->words[0], &monitor, err);
	if (r < 0)
		return r;
	return arguments->stats ? print_stats(monitor, call->words[0], err)
	                        : follow(monitor, call->words[0], interval_ms, err);
}
