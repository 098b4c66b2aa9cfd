/* template: sealed states from which clones start. */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "checkpoint/clone.h"
#include "cmd/output.h"
#include "cmd/verbs.h"
#include "runtime/runtime.h"
#include "spec/writer.h"

#define TEMPLATE(member) offsetof(struct template_arguments, member)
#define OPTION(member) offsetof(struct template_arguments, options.member)

const struct option template_options[] = {
	{"from", "", OPTION_TEXT, OPTION(from), "SNAPSHOT",
         "create: of that snapshot of ID, not of its present state"},
	{"tcp-established", "", OPTION_FLAG, OPTION(checkpoint.tcp_established), NULL,
         "create: save established TCP connections"},
	{"tcp-close", "", OPTION_FLAG, OPTION(checkpoint.tcp_close), NULL,
         "create: save TCP connections as closed ones"},
	{"ext-unix-sk", "", OPTION_FLAG, OPTION(checkpoint.ext_unix_sockets), NULL,
         "create: allow connections to unix sockets outside the container"},
	{"format", "", OPTION_TEXT, TEMPLATE(format), "table|json", "list: what to print (table)"},
	{0},
};

/* --- list --- */

struct names {
	char **items;
	size_t count;
};

static void names_done(struct names *names)
{
	container_ids_free(&names->items);
}

/* One that a sandbox has saved; its "bundle" is the command that started its processes. */
static bool is_of_sandbox(const struct disk_record *record)
{
	return str_equal(record->nodes[0].method, TEMPLATE_OF_SANDBOX);
}

static void encode(struct json_writer *w, const char *name, const struct disk_record *record)
{
	const struct disk_node *node = &record->nodes[0];

	json_writer_object(w, NULL);
	json_writer_string(w, "name", name);
	json_writer_bool(w, "memory", node->memory);
	json_writer_string(w, "created", node->created);
	json_writer_string(w, is_of_sandbox(record) ? "command" : "bundle", node->bundle);
	json_writer_end(w);
}

/* One that goes meanwhile is left out; a damaged one is shown as such. */
static void add_one(const char *store_path, const char *name, struct json_writer *json,
                    struct strbuf *table)
{
	scoped_disk disk = DISK_NONE;
	struct error damage;
	int r = template_open(store_path, name, &disk, &damage);

	if (r == -ENOENT)
		return;
	if (r < 0) {
		strbuf_addf(table, "%-20s  damaged\n", name);
		return;
	}
	encode(json, name, &disk.record);
	strbuf_addf(table, "%-20s  %-15s  %s  %s\n", name,
	            is_of_sandbox(&disk.record)   ? "sandbox"
	            : disk.record.nodes[0].memory ? "memory and disk"
	                                          : "disk",
	            disk.record.nodes[0].created, disk.record.nodes[0].bundle);
}

static int list(const char *store_path, bool wants_json, struct error *err)
{
	scoped(names_done) struct names names = {0};
	struct json_writer json = {.indented = true};
	scoped_strbuf table = {0};
	int r = template_names(store_path, &names.items, &names.count, err);

	strbuf_addf(&table, "%-20s  %-15s  %-30s  %s\n", "NAME", "CONTENT", "CREATED", "BUNDLE");
	json_writer_array(&json, NULL);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		add_one(store_path, names.items[i], &json, &table);
	json_writer_end(&json);

	scoped_str text = json_writer_take(&json);

	if (r < 0)
		return r;
	if (!text)
		return error_code(err, ENOMEM, "list");
	return wants_json ? output_text(text, err) : output_buffer(&table, err);
}

/* --- The verb --- */

static int create(const struct call *call, struct error *err)
{
	scoped_store store = NULL;
	int r = call_open_store(call, &store, err);

	return r < 0 ? r
	             : template_create(store, call->words[1], call->words[2],
	                               &call->arguments->template.options, err);
}

int template_main(const struct call *call, struct error *err)
{
	struct template_arguments *arguments = &call->arguments->template;
	const char *word = call->words[0];
	bool is_create = str_equal(word, "create");
	bool is_list = str_equal(word, "list") || str_equal(word, "ls");
	int r;

	arguments->options.store_path = call->global->store;
	if (!is_create && !is_list && !str_equal(word, "delete") && !str_equal(word, "rm"))
		return call_usage_error(call, err, "'%s' is none of create, list, delete", word);
	if (call->count != (is_create ? 3 : is_list ? 1 : 2))
		return call_usage_error(call, err, "template %s: wrong number of words", word);
	if (is_list)
		return list(arguments->options.store_path, str_equal(arguments->format, "json"),
		            err);
	r = is_create ? create(call, err)
	              : template_delete(arguments->options.store_path, call->words[1], err);
	return r < 0 ? error_wrap(err, "%s %s", word, call->words[1]) : 0;
}
