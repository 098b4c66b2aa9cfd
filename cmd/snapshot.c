/* snapshot and revert: states of a container to go back to. */
#include "checkpoint/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/output.h"
#include "cmd/units.h"
#include "cmd/verbs.h"
#include "spec/writer.h"

#define SNAPSHOT(member) offsetof(struct snapshot_arguments, member)
#define OPTION(member) offsetof(struct snapshot_arguments, options.member)

/* revert knows what snapshot knows from SNAPSHOT_ONLY_OPTIONS on. */
const struct option snapshot_options[] = {
	{"disk-only", "", OPTION_FLAG, OPTION(disk_only), NULL,
         "create: the disk alone, not the processes, which stand still meanwhile"},
	{"live", "", OPTION_FLAG, OPTION(live), NULL,
         "create: keep the processes and copy the writable layer while they stand still; where the "
         "kernel tracks changes, the next one saves of the memory only these"},
	{"comment", "", OPTION_TEXT, OPTION(comment), "TEXT",
         "create: a remark, for list and show"},
	{"tree", "", OPTION_FLAG, SNAPSHOT(tree), NULL, "list: as a tree"},
	{"start", "", OPTION_FLAG, OPTION(start), NULL,
         "revert: start the program anew on a snapshot of the disk alone, also if the "
         "container was stopped"},
	{"force", "f", OPTION_FLAG, OPTION(force), NULL,
         "revert: even if the present state cannot be saved, in case that the revert fails"},
	{"tcp-established", "", OPTION_FLAG, OPTION(checkpoint.tcp_established), NULL,
         "save and restore established TCP connections"},
	{"tcp-close", "", OPTION_FLAG, OPTION(checkpoint.tcp_close), NULL,
         "save and restore TCP connections as closed ones"},
	{"ext-unix-sk", "", OPTION_FLAG, OPTION(checkpoint.ext_unix_sockets), NULL,
         "allow connections to unix sockets outside the container"},
	{"shell-job", "", OPTION_FLAG, OPTION(checkpoint.shell_job), NULL,
         "allow jobs of a terminal outside the container"},
	{"file-locks", "", OPTION_FLAG, OPTION(checkpoint.file_locks), NULL,
         "save and restore file locks"},
	{"link-remap", "", OPTION_FLAG, OPTION(checkpoint.link_remap), NULL,
         "save open files that were deleted but have another name"},
	{"sync", "", OPTION_FLAG, OPTION(checkpoint.sync), NULL,
         "create: write it to the disk before the command says done; without it that is left "
         "to the kernel"},
	{"format", "", OPTION_TEXT, SNAPSHOT(format), "table|json", "what to print (table)"},
	{0},
};

static bool wants_json(const struct call *call)
{
	return str_equal(call->arguments->snapshot.format, "json");
}

/* --- What was done --- */

static void tell_result(struct strbuf *text, const struct snapshot_result *result)
{
	char bytes[UNITS_TEXT_SIZE], time[UNITS_MS_SIZE];

	strbuf_addf(text, "%s: %s", result->name,
	            !result->memory       ? "disk alone"
	            : result->incremental ? "disk, and of the memory what has changed"
	                                  : "memory and disk");
	if (str_equal(result->method, "rotated"))
		strbuf_addf(text, ", nothing copied (%llu us)",
		            (unsigned long long)result->disk_us);
	else if (result->method)
		strbuf_addf(text, ", %s copied%s", units_format_bytes(result->copied.bytes, bytes),
		            result->copied.shared ? " and more shared (reflink)"
		                                  : " (no reflink here: in proportion to the "
		                                    "writable layer)");
	if (result->frozen_us)
		strbuf_addf(text, "; processes stood still for %s",
		            units_format_ms(result->frozen_us, time));
}

static void encode_result(struct json_writer *w, const struct snapshot_result *result)
{
	json_writer_object(w, NULL);
	json_writer_string(w, "name", result->name);
	json_writer_bool(w, "memory", result->memory);
	json_writer_bool(w, "incremental", result->incremental);
	json_writer_optional(w, "method", result->method);
	json_writer_unsigned(w, "frozenMicroseconds", result->frozen_us);
	json_writer_unsigned(w, "diskMicroseconds", result->disk_us);
	json_writer_unsigned(w, "bytesCopied", result->copied.bytes);
	json_writer_unsigned(w, "bytesShared", result->copied.shared);
	json_writer_end(w);
}

static int print_json(struct json_writer *w, struct error *err)
{
	scoped_str text = json_writer_take(w);

	return text ? output_text(text, err) : error_code(err, ENOMEM, "output");
}

static int print_result(const struct call *call, const struct snapshot_result *result,
                        const char *ending, struct error *err)
{
	scoped_strbuf text = {0};

	if (wants_json(call)) {
		struct json_writer w = {.indented = true};

		encode_result(&w, result);
		return print_json(&w, err);
	}
	tell_result(&text, result);
	strbuf_addf(&text, "%s\n", ending);
	return output_buffer(&text, err);
}

static int create(const struct call *call, struct store *store, struct error *err)
{
	struct snapshot_options *options = &call->arguments->snapshot.options;
	struct snapshot_result result = {0};

	options->name = call->words[2];

	int r = snapshot_create(store, call->words[1], options, &result, err);

	return r < 0 ? r : print_result(call, &result, "", err);
}

static int go_back(const struct call *call, struct store *store, const char *id, const char *name,
                   struct error *err)
{
	struct snapshot_result result = {0};
	int r = snapshot_revert(store, id, name, &call->arguments->snapshot.options, &result, err);

	return r < 0 ? r
	             : print_result(call, &result,
	                            result.running ? "; the container runs" : "; it is stopped",
	                            err);
}

static int revert(const struct call *call, struct store *store, struct error *err)
{
	return go_back(call, store, call->words[1], call->words[2], err);
}

static int delete (const struct call *call, struct store *store, struct error *err)
{
	struct snapshot_result result = {0};
	int r = snapshot_delete(store, call->words[1], call->words[2],
	                        &call->arguments->snapshot.options, &result, err);

	if (r < 0 || !result.kept)
		return r;
	return output_text("its layer is in use and stays, to be merged or removed later\n", err);
}

/* --- list and show --- */

static void encode_memory(struct json_writer *w, const struct disk *disk,
                          const struct disk_node *node)
{
	struct snapshot_memory memory;
	struct error ignored;

	if (!node->memory || snapshot_memory(disk, node, &memory, &ignored) < 0)
		return;
	json_writer_bool(w, "incremental", memory.incremental);
	json_writer_unsigned(w, "memoryBytes", memory.own);
	json_writer_unsigned(w, "memoryBytesTotal", memory.total);
}

static void encode_node(struct json_writer *w, const struct disk *disk,
                        const struct disk_node *node)
{
	const struct disk_record *record = &disk->record;

	json_writer_object(w, NULL);
	json_writer_string(w, "name", node->name);
	json_writer_optional(w, "parent", node->parent);
	json_writer_bool(w, "current", str_equal(record->current, node->name));
	json_writer_bool(w, "memory", node->memory);
	encode_memory(w, disk, node);
	json_writer_string(w, "created", node->created);
	json_writer_string(w, "method", node->method);
	json_writer_unsigned(w, "frozenMicroseconds", node->frozen_us);
	json_writer_optional(w, "comment", node->comment);
	json_writer_string(w, "bundle", node->bundle);
	json_writer_strings(w, "layers", (const char *const *)node->layers.items,
	                    node->layers.count);
	json_writer_strings(w, "lowers", (const char *const *)record->lowers.items,
	                    record->lowers.count);
	json_writer_end(w);
}

static void free_cells(const char ***cells)
{
	free(*cells);
}

static int print_table(const struct disk_record *record, struct error *err)
{
	static const char *const headings[] = {"NAME", "PARENT", "CONTENT", "CREATED", "COMMENT"};
	enum { COLUMNS = ARRAY_SIZE(headings), MIN_WIDTH = 8 };
	size_t rows = record->node_count + 1;
	scoped(free_cells) const char **cells = calloc(rows * COLUMNS, sizeof(*cells));
	scoped_strbuf text = {0};

	if (!cells)
		return error_code(err, ENOMEM, "list");
	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = headings[i];
	for (size_t i = 0; i < record->node_count; i++) {
		const struct disk_node *node = &record->nodes[i];
		const char **row = cells + (i + 1) * COLUMNS;

		row[0] = node->name;
		row[1] = node->parent ? node->parent : "-";
		row[2] = node->memory ? "memory and disk" : "disk";
		row[3] = node->created;
		row[4] = node->comment ? node->comment : "";
	}
	output_columns(&text, cells, rows, COLUMNS, MIN_WIDTH);
	return output_buffer(&text, err);
}

static const struct disk_node *last_child(const struct disk_record *record, const char *parent)
{
	for (size_t i = record->node_count; i > 0; i--)
		if (str_equal(record->nodes[i - 1].parent, parent))
			return &record->nodes[i - 1];
	return NULL;
}

static void add_tree_line(struct strbuf *text, const struct disk_record *record,
                          const struct disk_node *node, const char *indent, const char *branch)
{
	strbuf_addf(text, "%s%s%s%s%s%s%s%s\n", indent, branch, node->name,
	            str_equal(record->current, node->name) ? " *" : "",
	            node->memory ? "" : " (disk)", node->comment ? " (" : "",
	            node->comment ? node->comment : "", node->comment ? ")" : "");
}

/* As deep as snapshots follow upon each other: an own stack, not the processor's. */
struct tree_line {
	const struct disk_node *node;
	char *indent; /* of its children */
};

static int print_tree(const struct disk_record *record, struct error *err)
{
	scoped_strbuf text = {0};
	size_t depth = 0, next = 0;
	struct tree_line *stack = calloc(record->node_count + 1, sizeof(*stack));
	size_t *resume = calloc(record->node_count + 1, sizeof(*resume));
	bool failed = !stack || !resume || !(stack[0].indent = strdup(""));

	while (!failed) {
		const char *parent = stack[depth].node ? stack[depth].node->name : NULL;
		const struct disk_node *found = NULL;

		for (; next < record->node_count && !found; next++)
			if (str_equal(record->nodes[next].parent, parent))
				found = &record->nodes[next];
		if (!found) {
			free(stack[depth].indent);
			stack[depth].indent = NULL;
			if (depth == 0)
				break;
			next = resume[depth--];
			continue;
		}

		bool last = found == last_child(record, parent);

		add_tree_line(&text, record, found, stack[depth].indent,
		              depth == 0 ? "" : (last ? "└─ " : "├─ "));
		resume[depth + 1] = next;
		stack[depth + 1].node = found;
		stack[depth + 1].indent = str_format("%s%s", stack[depth].indent,
		                                     depth == 0 ? "" : (last ? "   " : "│  "));
		failed = !stack[++depth].indent;
		next = 0;
	}
	for (size_t i = 0; stack && i <= depth; i++)
		free(stack[i].indent);
	free(stack);
	free(resume);
	return failed ? error_code(err, ENOMEM, "list") : output_buffer(&text, err);
}

static int list(const struct call *call, struct store *store, struct error *err)
{
	const struct snapshot_arguments *arguments = &call->arguments->snapshot;
	scoped_disk disk = DISK_NONE;
	int r = snapshot_look(store, call->words[1], arguments->options.store_path, &disk, err);

	if (r < 0)
		return r;
	if (wants_json(call)) {
		struct json_writer w = {.indented = true};

		json_writer_array(&w, NULL);
		for (size_t i = 0; i < disk.record.node_count; i++)
			encode_node(&w, &disk, &disk.record.nodes[i]);
		json_writer_end(&w);
		return print_json(&w, err);
	}
	return arguments->tree ? print_tree(&disk.record, err) : print_table(&disk.record, err);
}

static void add_memory(struct strbuf *text, const struct disk *disk, const struct disk_node *node)
{
	struct snapshot_memory memory;
	struct error failure;
	char own[UNITS_TEXT_SIZE], total[UNITS_TEXT_SIZE];

	if (!node->memory)
		return;
	if (snapshot_memory(disk, node, &memory, &failure) < 0)
		strbuf_addf(text, "memory    %s\n", failure.text);
	else if (memory.incremental)
		strbuf_addf(text, "memory    %s: what has changed; %s with what it goes on from\n",
		            units_format_bytes(memory.own, own),
		            units_format_bytes(memory.total, total));
	else
		strbuf_addf(text, "memory    %s\n", units_format_bytes(memory.own, own));
}

static int print_node(const struct disk *disk, const struct disk_node *node, struct error *err)
{
	const struct disk_record *record = &disk->record;
	scoped_strbuf text = {0};
	char time[UNITS_MS_SIZE];

	strbuf_addf(&text, "name      %s%s\n", node->name,
	            str_equal(record->current, node->name) ? " (the present state comes from it)"
	                                                   : "");
	strbuf_addf(&text, "parent    %s\n", node->parent ? node->parent : "none");
	strbuf_addf(&text, "content   %s\n", node->memory ? "memory and disk" : "disk");
	add_memory(&text, disk, node);
	strbuf_addf(&text, "created   %s\n", node->created);
	strbuf_addf(&text, "disk      %s", node->method);
	if (node->frozen_us)
		strbuf_addf(&text, "; processes stood still for %s",
		            units_format_ms(node->frozen_us, time));
	strbuf_addf(&text, "\nbundle    %s\n", node->bundle);
	if (node->comment)
		strbuf_addf(&text, "comment   %s\n", node->comment);
	for (size_t i = 0; i < node->layers.count; i++)
		strbuf_addf(&text, "layer     %s\n", node->layers.items[i]);
	for (size_t i = 0; i < record->lowers.count; i++)
		strbuf_addf(&text, "lower     %s\n", record->lowers.items[i]);
	return output_buffer(&text, err);
}

static int show(const struct call *call, struct store *store, struct error *err)
{
	const struct snapshot_arguments *arguments = &call->arguments->snapshot;
	const char *name = call->words[2];
	scoped_disk disk = DISK_NONE;
	int r = snapshot_look(store, call->words[1], arguments->options.store_path, &disk, err);

	if (r < 0)
		return r;

	const struct disk_node *node = disk_record_find(&disk.record, name);

	if (!node)
		return error_set(err, ENOENT, "snapshot %s does not exist", name);
	if (wants_json(call)) {
		struct json_writer w = {.indented = true};

		encode_node(&w, &disk, node);
		return print_json(&w, err);
	}
	return print_node(&disk, node, err);
}

/* --- diff --- */

struct differences {
	struct strbuf text;
	struct json_writer json;
	bool wants_json;
};

static int add_difference(enum layer_change change, const char *path, void *context,
                          struct error *err unused_parameter)
{
	static const char *const words[] = {[LAYER_ADDED] = "added",
	                                    [LAYER_MODIFIED] = "modified",
	                                    [LAYER_DELETED] = "deleted"};
	struct differences *d = context;

	if (!d->wants_json) {
		strbuf_addf(&d->text, "%-8s  %s\n", words[change], path);
		return 0;
	}
	json_writer_object(&d->json, NULL);
	json_writer_string(&d->json, "change", words[change]);
	json_writer_string(&d->json, "path", path);
	json_writer_end(&d->json);
	return 0;
}

static int diff(const struct call *call, struct store *store, struct error *err)
{
	const char *store_path = call->arguments->snapshot.options.store_path;
	const char *id = call->words[1];
	const char *from = call->words[2];
	const char *to = from ? call->words[3] : NULL;
	struct differences d = {.json = {.indented = true}, .wants_json = wants_json(call)};
	scoped_disk disk = DISK_NONE;
	scoped_str current = NULL;
	int r = snapshot_look(store, id, store_path, &disk, err);

	if (r == 0 && !from) {
		current = disk.record.current ? strdup(disk.record.current) : NULL;
		from = current;
		if (!from)
			r = error_set(err, ENOENT, "no snapshot to compare with");
	}
	disk_done(&disk);
	json_writer_array(&d.json, NULL);
	if (r == 0)
		r = snapshot_diff(store, id, &(struct snapshot_pair){store_path, from, to},
		                  add_difference, &d, err);
	json_writer_end(&d.json);
	if (r == 0)
		r = d.wants_json ? print_json(&d.json, err) : output_buffer(&d.text, err);
	strbuf_done(&d.text);
	strbuf_done(&d.json.out);
	return r;
}

/* --- The verbs --- */

static const struct {
	const char *name;
	const char *alias;
	int min_words; /* the action's name among them */
	int max_words;
	int (*run)(const struct call *call, struct store *store, struct error *err);
} actions[] = {
	{"create", "take", 2, 3, create}, {"list", "ls", 2, 2, list},
	{"show", "info", 3, 3, show},     {"diff", NULL, 2, 4, diff},
	{"delete", "rm", 3, 3, delete},   {"revert", "restore", 3, 3, revert},
};

int snapshot_main(const struct call *call, struct error *err)
{
	const char *word = call->words[0];
	scoped_store store = NULL;

	call->arguments->snapshot.options.store_path = call->global->store;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (!str_equal(word, actions[i].name) &&
		    !(actions[i].alias && str_equal(word, actions[i].alias)))
			continue;
		if (call->count < actions[i].min_words || call->count > actions[i].max_words)
			return call_usage_error(call, err, "snapshot %s: %s words", word,
			                        call->count < actions[i].min_words ? "too few"
			                                                           : "too many");

		int r = call_open_store(call, &store, err);

		if (r == 0)
			r = actions[i].run(call, store, err);
		return r < 0 ? error_wrap(err, "%s %s", word, call->words[1]) : r;
	}
	return call_usage_error(call, err,
	                        "'%s' is none of create, list, show, diff, delete, revert", word);
}

int revert_main(const struct call *call, struct error *err)
{
	scoped_store store = NULL;
	int r = call_open_store(call, &store, err);

	call->arguments->snapshot.options.store_path = call->global->store;
	return r < 0 ? r : go_back(call, store, call->words[0], call->words[1], err);
}
