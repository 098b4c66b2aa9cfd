#include "runtime/disk_record.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "spec/decode.h"
#include "spec/writer.h"

enum { DISK_FORMAT = 1 };

struct disk_text {
	struct disk_record record;
	uint32_t format;
};

#define NODE(member) offsetof(struct disk_node, member)
static const struct json_field node_fields[] = {
	{"name", FIELD_STRING, .offset = NODE(name), .required = true},
	{"parent", FIELD_STRING_OR_NULL, .offset = NODE(parent)},
	{"created", FIELD_STRING, .offset = NODE(created)},
	{"comment", FIELD_STRING_OR_NULL, .offset = NODE(comment)},
	{"method", FIELD_STRING, .offset = NODE(method)},
	{"bundle", FIELD_STRING, .offset = NODE(bundle)},
	{"layers", FIELD_STRINGS, .offset = NODE(layers)},
	{"memory", FIELD_BOOL, .offset = NODE(memory)},
	{"frozenMicroseconds", FIELD_U64, .offset = NODE(frozen_us)},
};
static const struct json_table node_table = JSON_TABLE(node_fields, struct disk_node);

#define OPERATION(member) offsetof(struct disk_operation, member)
static const struct json_field operation_fields[] = {
	{"verb", FIELD_STRING_OR_NULL, .offset = OPERATION(verb)},
	{"phase", FIELD_STRING_OR_NULL, .offset = OPERATION(phase)},
	{"node", FIELD_STRING_OR_NULL, .offset = OPERATION(node)},
	{"image", FIELD_STRING_OR_NULL, .offset = OPERATION(image)},
	{"upper", FIELD_STRING_OR_NULL, .offset = OPERATION(upper)},
	{"current", FIELD_STRING_OR_NULL, .offset = OPERATION(current)},
	{"layers", FIELD_STRINGS, .offset = OPERATION(layers)},
};
static const struct json_table operation_table =
	JSON_TABLE(operation_fields, struct disk_operation);

#define TEXT(member) offsetof(struct disk_text, member)
static const struct json_field record_fields[] = {
	{"format", FIELD_U32, .offset = TEXT(format), .required = true, .min = DISK_FORMAT,
         .max = DISK_FORMAT},
	{"id", FIELD_STRING, .offset = TEXT(record.id), .required = true},
	{"stateRoot", FIELD_STRING, .offset = TEXT(record.state_root)},
	{"bundle", FIELD_STRING, .offset = TEXT(record.bundle)},
	{"keep", FIELD_BOOL, .offset = TEXT(record.keep)},
	{"foreign", FIELD_BOOL, .offset = TEXT(record.foreign)},
	{"metacopy", FIELD_BOOL, .offset = TEXT(record.metacopy)},
	{"user", FIELD_BOOL, .offset = TEXT(record.user)},
	{"lowers", FIELD_STRINGS, .offset = TEXT(record.lowers)},
	{"layers", FIELD_STRINGS, .offset = TEXT(record.layers)},
	{"upper", FIELD_STRING_OR_NULL, .offset = TEXT(record.upper)},
	{"current", FIELD_STRING_OR_NULL, .offset = TEXT(record.current)},
	{"nodes", FIELD_LIST, .offset = TEXT(record.nodes), .table = &node_table,
         .count_offset = TEXT(record.node_count)},
	{"operation", FIELD_OBJECT, .offset = TEXT(record.operation), .table = &operation_table},
};
static const struct json_table record_table = JSON_TABLE(record_fields, struct disk_text);

/* --- Writing: the tables above serve here too --- */

static void write_fields(struct json_writer *w, const struct json_table *table, const void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct json_field *field = &table->fields[i];
		const char *member = (const char *)object + field->offset;
		const struct string_list *list = (const void *)member;

		if (field->kind == FIELD_BOOL)
			json_writer_bool(w, field->name, *(const bool *)member);
		else if (field->kind == FIELD_STRING || field->kind == FIELD_STRING_OR_NULL)
			json_writer_optional(w, field->name, *(char *const *)(const void *)member);
		else if (field->kind == FIELD_U64)
			json_writer_unsigned(w, field->name,
			                     *(const uint64_t *)(const void *)member);
		else if (field->kind == FIELD_STRINGS)
			json_writer_strings(w, field->name, (const char *const *)list->items,
			                    list->count);
	}
}

char *disk_record_encode(const struct disk_record *record)
{
	struct json_writer w = {.lossless = true};
	struct disk_text text = {.record = *record};

	json_writer_object(&w, NULL);
	json_writer_unsigned(&w, "format", DISK_FORMAT);
	write_fields(&w, &record_table, &text);
	json_writer_array(&w, "nodes");
	for (size_t i = 0; i < record->node_count; i++) {
		json_writer_object(&w, NULL);
		write_fields(&w, &node_table, &record->nodes[i]);
		json_writer_end(&w);
	}
	json_writer_end(&w);
	if (record->operation.verb) {
		json_writer_object(&w, "operation");
		write_fields(&w, &operation_table, &record->operation);
		json_writer_end(&w);
	}
	json_writer_end(&w);
	return json_writer_take(&w);
}

/* --- Reading --- */

static void restore_fields(const struct json_table *table, void *object)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct json_field *field = &table->fields[i];
		char *member = (char *)object + field->offset;
		const struct string_list *list = (void *)member;

		if (field->kind == FIELD_STRING || field->kind == FIELD_STRING_OR_NULL) {
			char *text = *(char **)(void *)member;

			if (text)
				json_restore_bytes(text);
		}
		for (size_t item = 0; field->kind == FIELD_STRINGS && item < list->count; item++)
			json_restore_bytes(list->items[item]);
	}
}

bool disk_name_valid(const char *text)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
	size_t length = text ? strnlen(text, NAME_MAX + 1) : 0;

	return length > 0 && length <= NAME_MAX && text[0] != '.' &&
	       strspn(text, allowed) == length;
}

static bool are_names(const struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!disk_name_valid(list->items[i]))
			return false;
	return true;
}

static bool is_name_or_null(const char *text)
{
	return !text || disk_name_valid(text);
}

static int wrong(struct error *err, const char *what)
{
	return error_set(err, EILSEQ, "disk.json: %s", what);
}

static int check_nodes(const struct disk_record *record, struct error *err)
{
	for (size_t i = 0; i < record->node_count; i++) {
		const struct disk_node *node = &record->nodes[i];
		struct disk_record before = *record;

		if (!disk_name_valid(node->name) || !are_names(&node->layers))
			return wrong(err, "a snapshot has a wrong name");
		before.node_count = i;
		if (disk_record_find(&before, node->name))
			return wrong(err, "two snapshots have one name");
		if (node->parent && !disk_record_find(&before, node->parent))
			return wrong(err, "the parent of a snapshot is unknown");
	}
	return 0;
}

static int check_record(const struct disk_record *record, struct error *err)
{
	const struct disk_operation *operation = &record->operation;

	if (!disk_name_valid(record->id))
		return wrong(err, "id is wrong");
	for (size_t i = 0; i < record->lowers.count; i++)
		if (record->lowers.items[i][0] != '/')
			return wrong(err, "a lower layer is no absolute path");
	if (!are_names(&record->layers) || !is_name_or_null(record->upper) ||
	    !are_names(&operation->layers) || !is_name_or_null(operation->upper) ||
	    !is_name_or_null(operation->node) || !is_name_or_null(operation->current) ||
	    !is_name_or_null(operation->image))
		return wrong(err, "a layer has a wrong name");

	int r = check_nodes(record, err);

	if (r == 0 && record->current && !disk_record_find(record, record->current))
		return wrong(err, "the current snapshot is unknown");
	return r;
}

int disk_record_decode(struct arena *arena, const char *text, size_t size, struct disk_record *ret,
                       struct error *err)
{
	scoped_json document = {0};
	struct json_decoder decoder = {
		.arena = arena, .name = "disk.json", .document = &document, .err = err};
	struct json_cursor root = {.decoder = &decoder};
	struct disk_text decoded = {0};
	int r = json_parse("disk.json", text, size, &document, err);

	if (r < 0)
		return r;
	root.node = document.root;
	r = json_decode(&root, &record_table, &decoded);
	if (r < 0)
		return r;
	restore_fields(&record_table, &decoded);
	restore_fields(&operation_table, &decoded.record.operation);
	for (size_t i = 0; i < decoded.record.node_count; i++)
		restore_fields(&node_table, &decoded.record.nodes[i]);
	r = check_record(&decoded.record, err);
	if (r == 0)
		*ret = decoded.record;
	return r;
}

struct disk_node *disk_record_find(const struct disk_record *record, const char *name)
{
	for (size_t i = 0; i < record->node_count; i++)
		if (str_equal(record->nodes[i].name, name))
			return &record->nodes[i];
	return NULL;
}
