/* The report: what verdict.h promises, as JSON. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sandbox/config.h"
#include "sandbox/network.h"
#include "sandbox/verdict.h"
#include "sandbox/warm.h"
#include "security/landlock.h"
#include "spec/writer.h"

enum { REPORT_VERSION = 1 };

static void add_optional(struct json_writer *w, const char *key, const struct optional_u64 *number)
{
	/* v1 says "no limit" by the largest number of whole pages. */
	const uint64_t none = (uint64_t)1 << 62;

	if (number->set && number->value < none)
		json_writer_unsigned(w, key, number->value);
}

static uint64_t microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

static void add_end(struct json_writer *w, const struct verdict *verdict)
{
	json_writer_string(w, "cause", verdict_cause_names[verdict->cause]);
	json_writer_unsigned(w, "status", (uint64_t)verdict->exit);
	if (verdict->status >= 0 && WIFEXITED(verdict->status))
		json_writer_unsigned(w, "exit", (uint64_t)WEXITSTATUS(verdict->status));
	if (verdict->status >= 0 && WIFSIGNALED(verdict->status))
		json_writer_unsigned(w, "signal", (uint64_t)WTERMSIG(verdict->status));
	json_writer_optional(w, "message", verdict->message);
}

static void add_times(struct json_writer *w, const struct watch *watch)
{
	json_writer_object(w, "time");
	json_writer_unsigned(w, "wallMicroseconds", watch->wall_us);
	json_writer_unsigned(w, "userMicroseconds", microseconds(&watch->usage.ru_utime));
	json_writer_unsigned(w, "systemMicroseconds", microseconds(&watch->usage.ru_stime));
	json_writer_end(w);
}

static void add_memory(struct json_writer *w, const struct report *report)
{
	const struct cgroup_stats *stats = &report->usage->stats;

	json_writer_object(w, "memory");
	json_writer_unsigned(w, "largestProcessBytes",
	                     (uint64_t)report->watch->usage.ru_maxrss * 1024);
	add_optional(w, "peakBytes", &stats->memory_peak);
	add_optional(w, "limitBytes", &stats->memory_limit);
	add_optional(w, "swapPeakBytes", &stats->swap_peak);
	add_optional(w, "limitHits", &stats->memory_limit_hits);
	add_optional(w, "oomKills", &stats->oom_kills);
	json_writer_end(w);
	json_writer_object(w, "pids");
	add_optional(w, "peak", &report->usage->pids_peak);
	add_optional(w, "limit", &stats->pids_limit);
	add_optional(w, "refused", &report->usage->pids_refused);
	json_writer_end(w);
}

static void add_io(struct json_writer *w, const struct report *report)
{
	const struct cgroup_stats *stats = &report->usage->stats;
	uint64_t bytes_read = 0, written = 0;

	for (size_t i = 0; i < stats->device_count; i++) {
		bytes_read += stats->devices[i].read_bytes.value;
		written += stats->devices[i].write_bytes.value;
	}
	json_writer_object(w, "io");
	if (stats->device_count) {
		json_writer_unsigned(w, "readBytes", bytes_read);
		json_writer_unsigned(w, "writtenBytes", written);
	}
	json_writer_unsigned(w, "blocksRead", (uint64_t)report->watch->usage.ru_inblock);
	json_writer_unsigned(w, "blocksWritten", (uint64_t)report->watch->usage.ru_oublock);
	json_writer_end(w);
}

static void add_stall(struct json_writer *w, const char *key, const struct stats_pressure *pressure)
{
	if (!pressure->some.set)
		return;
	json_writer_object(w, key);
	json_writer_unsigned(w, "someMicroseconds", pressure->some.total_us);
	if (pressure->full.set)
		json_writer_unsigned(w, "fullMicroseconds", pressure->full.total_us);
	json_writer_end(w);
}

static void add_pressure(struct json_writer *w, const struct cgroup_stats *stats)
{
	json_writer_object(w, "pressure");
	add_stall(w, "cpu", &stats->cpu_pressure);
	add_stall(w, "memory", &stats->memory_pressure);
	add_stall(w, "io", &stats->io_pressure);
	json_writer_end(w);
}

static void add_disk(struct json_writer *w, const struct report *report)
{
	const struct storage *storage = report->storage;
	int fd = storage->kept_fd >= 0 ? storage->kept_fd : storage->once_fd;
	struct statvfs fs;

	json_writer_object(w, "disk");
	json_writer_string(w, "enforcedBy", storage_bound_names[storage->bound]);
	json_writer_optional(w, "kept", storage->place[0] ? storage->place : NULL);
	if (fd >= 0 && storage->bound != STORAGE_FREE && fstatvfs(fd, &fs) == 0) {
		json_writer_unsigned(w, "limitBytes", (uint64_t)fs.f_blocks * fs.f_frsize);
		json_writer_unsigned(w, "usedBytes",
		                     (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize);
	}
	json_writer_bool(w, "wasFull", report->watch->disk_was_full);
	json_writer_end(w);
	json_writer_object(w, "output");
	json_writer_unsigned(w, "bytes", report->watch->bytes);
	if (report->options->log_limit)
		json_writer_unsigned(w, "limitBytes", report->options->log_limit);
	json_writer_end(w);
}

static void add_protections(struct json_writer *w, const struct report *report)
{
	const struct sandbox_options *options = report->options;

	json_writer_object(w, "protections");
	json_writer_bool(w, "userNamespace", true);
	json_writer_bool(w, "network", !options->share_net);
	json_writer_bool(w, "noNewPrivileges", true);
	json_writer_bool(w, "noCapabilities", true);
	json_writer_string(w, "seccomp",
	                   options->profile        ? options->profile
	                   : options->allow_userns ? "build+userns"
	                                           : "build");
	json_writer_unsigned(w, "landlock",
	                     options->allow_userns ? 0 : (uint64_t)landlock_version());
	json_writer_unsigned(w, "hiddenPaths", report->view->hidden_count);
	json_writer_string(w, "files", options->read_only ? "read-only" : "overlay");
	json_writer_bool(w, "limitsEnforced", report->limits_enforced);
	json_writer_bool(w, "rootless", report->scratch->rootless);
	json_writer_end(w);
	json_writer_strings(w, "notes", report->view->notes, report->view->note_count);
}

static void add_item(struct json_writer *w, const struct copy_item *item)
{
	const char *const kinds[] = {"file", "directory", "link"};

	json_writer_object(w, NULL);
	json_writer_string(w, "path", item->path);
	json_writer_string(w, "type", kinds[item->kind == 'f' ? 0 : item->kind == 'd' ? 1 : 2]);
	if (item->kind == 'f') {
		json_writer_unsigned(w, "size", item->size);
		json_writer_string(w, "sha256", item->digest);
	}
	if (item->kind != 'l')
		json_writer_unsigned(w, "mode", item->mode);
	json_writer_optional(w, "target", item->target);
	json_writer_end(w);
}

static void add_outputs(struct json_writer *w, const struct copy *copy)
{
	json_writer_array(w, "outputs");
	for (size_t i = 0; i < copy->item_count; i++)
		add_item(w, &copy->items[i]);
	json_writer_end(w);
	json_writer_array(w, "refusedOutputs");
	for (size_t i = 0; i < copy->refusal_count; i++) {
		json_writer_object(w, NULL);
		json_writer_string(w, "path", copy->refusals[i].path);
		json_writer_string(w, "why", copy->refusals[i].why);
		json_writer_end(w);
	}
	json_writer_end(w);
}

static void add_changes(struct json_writer *w, const char *key, const struct changes *changes,
                        enum change_kind kind)
{
	json_writer_array(w, key);
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind == kind)
			json_writer_string(w, NULL, changes->items[i].path);
	json_writer_end(w);
}

static void add_diff(struct json_writer *w, const char *key, const struct changes *changes)
{
	json_writer_object(w, key);
	add_changes(w, "added", changes, CHANGE_ADDED);
	add_changes(w, "modified", changes, CHANGE_MODIFIED);
	add_changes(w, "deleted", changes, CHANGE_DELETED);
	json_writer_end(w);
}

char *report_diff(const struct changes *changes, enum sandbox_diff form)
{
	struct json_writer w = {.indented = true};
	struct strbuf text = {0};

	if (form == SANDBOX_DIFF_JSON) {
		add_diff(&w, NULL, changes);
		return json_writer_take(&w);
	}
	for (size_t i = 0; i < changes->count; i++) {
		strbuf_addf(&text, "%s ", change_letter(changes->items[i].kind));
		strbuf_add_escaped(&text, changes->items[i].path);
		strbuf_add(&text, "\n", 1);
	}
	return strbuf_take(&text);
}

char *report_write(const struct report *report)
{
	struct json_writer w = {.indented = true};
	size_t count = 0;

	while (report->options->command[count])
		count++;
	json_writer_object(&w, NULL);
	json_writer_unsigned(&w, "version", REPORT_VERSION);
	json_writer_string(&w, "id", report->id);
	json_writer_strings(&w, "command", (const char *const *)report->options->command, count);
	add_end(&w, report->verdict);
	add_times(&w, report->watch);
	add_memory(&w, report);
	add_io(&w, report);
	add_pressure(&w, &report->usage->stats);
	add_disk(&w, report);
	if (report->outputs)
		add_outputs(&w, report->outputs);
	if (report->changes)
		add_diff(&w, "changes", report->changes);
	audit_write(&w, "deniedCalls", report->audit);
	add_protections(&w, report);
	warm_write(&w, "template", report->warm, report->options);
	network_write(&w, "network", report->network, report->options);
	json_writer_end(&w);
	return json_writer_take(&w);
}

int report_store(const char *where, const char *text, struct error *err)
{
	scoped_fd file = -1;
	uint64_t number = 0;
	int fd = -1;

	if (parse_u64(where, &number) == 0 && number <= INT32_MAX) {
		fd = (int)number;
	} else {
		fd = file = open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
		if (file < 0)
			return error_errno(err, "report %s", where);
	}

	int r = fd_write_all(fd, text, strlen(text));

	return r < 0 ? error_code(err, -r, "report %s", where) : 0;
}
