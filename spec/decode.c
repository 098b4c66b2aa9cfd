#include "spec/decode.h"

#include <stdio.h>
#include <string.h>

/* --- Fields: one function a kind --- */

static int json_empty_string(const struct json_cursor *at, char **ret)
{
	*ret = arena_strndup(at->decoder->arena, "", 0);
	return *ret ? 0 : json_fail_memory(at);
}

static int decode_bool(const struct json_cursor *at,
                       const struct json_field *field unused_parameter, char *target)
{
	return json_read_bool(at, (bool *)target);
}

static int decode_optional_bool(const struct json_cursor *at,
                                const struct json_field *field unused_parameter, char *target)
{
	struct optional_bool *optional = (struct optional_bool *)target;

	optional->set = true;
	return json_read_bool(at, &optional->value);
}

/* The upper bound of a row for a type whose own is `type_max`. */
static uint64_t unsigned_max(const struct json_field *field, uint64_t type_max)
{
	return field->max != 0 ? field->max : type_max;
}

static int read_u64(const struct json_cursor *at, const struct json_field *field, uint64_t type_max,
                    uint64_t *ret)
{
	return json_read_unsigned(at, (uint64_t)field->min, unsigned_max(field, type_max), ret);
}

static int read_i64(const struct json_cursor *at, const struct json_field *field, int64_t type_min,
                    int64_t type_max, int64_t *ret)
{
	if (field->min == 0 && field->max == 0)
		return json_read_signed(at, type_min, type_max, ret);
	return json_read_signed(at, field->min, (int64_t)unsigned_max(field, (uint64_t)type_max),
	                        ret);
}

static int decode_u32(const struct json_cursor *at, const struct json_field *field, char *target)
{
	uint64_t value = 0;
	int r = read_u64(at, field, UINT32_MAX, &value);

	if (r < 0)
		return r;
	*(uint32_t *)target = (uint32_t)value;
	return 0;
}

static int decode_u64(const struct json_cursor *at, const struct json_field *field, char *target)
{
	return read_u64(at, field, UINT64_MAX, (uint64_t *)target);
}

static int decode_i32(const struct json_cursor *at, const struct json_field *field, char *target)
{
	int64_t value = 0;
	int r = read_i64(at, field, INT32_MIN, INT32_MAX, &value);

	if (r < 0)
		return r;
	*(int32_t *)target = (int32_t)value;
	return 0;
}

static int decode_i64(const struct json_cursor *at, const struct json_field *field, char *target)
{
	return read_i64(at, field, INT64_MIN, INT64_MAX, (int64_t *)target);
}

static int decode_optional_u64(const struct json_cursor *at, const struct json_field *field,
                               char *target)
{
	struct optional_u64 *optional = (struct optional_u64 *)target;

	optional->set = true;
	return read_u64(at, field, UINT64_MAX, &optional->value);
}

static int decode_optional_i64(const struct json_cursor *at, const struct json_field *field,
                               char *target)
{
	struct optional_i64 *optional = (struct optional_i64 *)target;

	optional->set = true;
	return read_i64(at, field, INT64_MIN, INT64_MAX, &optional->value);
}

static int decode_string(const struct json_cursor *at,
                         const struct json_field *field unused_parameter, char *target)
{
	return json_read_string(at, (char **)target);
}

static int decode_string_or_null(const struct json_cursor *at,
                                 const struct json_field *field unused_parameter, char *target)
{
	char **text = (char **)target;
	int r = json_read_string(at, text);

	if (r == 0 && **text == '\0')
		*text = NULL;
	return r;
}

static int decode_char(const struct json_cursor *at, const struct json_field *field, char *target)
{
	const char *text = "";
	char what[40];
	int r = json_read_text(at, &text);

	if (r < 0)
		return r;
	if (text[0] == '\0' || text[1] != '\0' || !strchr(field->letters, text[0])) {
		snprintf(what, sizeof(what), "one letter of \"%s\"", field->letters);
		return json_expected(at, what);
	}
	*target = text[0];
	return 0;
}

static int decode_strings(const struct json_cursor *at,
                          const struct json_field *field unused_parameter, char *target)
{
	struct string_list *list = (struct string_list *)target;
	struct json_cursor item;
	size_t count = 0;
	int r;

	r = json_count(at, &count);
	if (r < 0)
		return r;
	list->items = arena_alloc(at->decoder->arena, count + 1, sizeof(*list->items));
	if (!list->items)
		return json_fail_memory(at);
	for (size_t i = 0; json_enter_item(at, i, &item); i++) {
		r = json_settle(at, json_read_string(&item, &list->items[i]));
		if (r == 0 && !list->items[i])
			r = json_empty_string(at, &list->items[i]);
		if (r < 0)
			return r;
	}
	list->count = count;
	return 0;
}

typedef int decode_entry(const struct json_cursor *member, const struct json_field *field,
                         char *entry);

/* An object whose members the configuration names: the name comes first in the struct of each. */
static int decode_named(const struct json_cursor *at, const struct json_field *field, char *target,
                        size_t size, decode_entry *decode)
{
	struct json_cursor member = {.decoder = at->decoder, .parent = at};
	struct json_iterator iterator = {0};
	size_t count = 0;
	char *entry;
	int r;

	r = json_count_members(at, &count);
	if (r < 0)
		return r;
	entry = arena_alloc(at->decoder->arena, count + 1, size);
	if (!entry)
		return json_fail_memory(at);
	*(char **)target = entry;
	*(size_t *)(target - field->offset + field->count_offset) = count;
	for (; json_next(at->node, &iterator, &member.key, &member.node); entry += size) {
		*(char **)entry = arena_strdup(at->decoder->arena, member.key);
		if (!*(char **)entry)
			return json_fail_memory(at);
		r = json_settle(at, decode(&member, field, entry));
		if (r < 0)
			return r;
	}
	return 0;
}

_Static_assert(offsetof(struct spec_annotation, key) == 0, "the name comes first");

static int decode_text(const struct json_cursor *member,
                       const struct json_field *field unused_parameter, char *entry)
{
	char **value = (char **)(entry + offsetof(struct spec_annotation, value));
	int r = json_settle(member, json_read_string(member, value));

	return r == 0 && !*value ? json_empty_string(member, value) : r;
}

static int decode_map(const struct json_cursor *at, const struct json_field *field, char *target)
{
	return decode_named(at, field, target, sizeof(struct spec_annotation), decode_text);
}

static int decode_member(const struct json_cursor *member, const struct json_field *field,
                         char *entry)
{
	return json_decode(member, field->table, entry);
}

static int decode_members(const struct json_cursor *at, const struct json_field *field,
                          char *target)
{
	return decode_named(at, field, target, field->table->size, decode_member);
}

static int decode_word(const struct json_cursor *at, const struct json_field *field, char *target)
{
	int64_t value = 0;
	int r = json_read_word(at, field->words, &value);

	if (r < 0)
		return r;
	*(uint32_t *)target = (uint32_t)value;
	return 0;
}

static int decode_flags(const struct json_cursor *at, const struct json_field *field, char *target)
{
	struct json_cursor item;
	uint32_t flags = 0;
	int64_t value = 0;
	size_t count = 0;
	int r;

	r = json_count(at, &count);
	for (size_t i = 0; r == 0 && json_enter_item(at, i, &item); i++) {
		value = 0;
		r = json_settle(at, json_read_word(&item, field->words, &value));
		flags |= (uint32_t)value;
	}
	if (r == 0)
		*(uint32_t *)target = flags;
	return r;
}

static int decode_object(const struct json_cursor *at, const struct json_field *field, char *target)
{
	return json_decode(at, field->table, target);
}

static int decode_list(const struct json_cursor *at, const struct json_field *field, char *target)
{
	struct json_cursor item;
	size_t count = 0;
	char *element;
	int r;

	r = json_count(at, &count);
	if (r < 0)
		return r;
	element = arena_alloc(at->decoder->arena, count + 1, field->table->size);
	if (!element)
		return json_fail_memory(at);
	*(char **)target = element;
	*(size_t *)(target - field->offset + field->count_offset) = count;
	for (size_t i = 0; json_enter_item(at, i, &item); i++, element += field->table->size) {
		r = json_settle(at, json_decode(&item, field->table, element));
		if (r < 0)
			return r;
	}
	return 0;
}

static int decode_custom(const struct json_cursor *at, const struct json_field *field, char *target)
{
	return field->custom(at, target);
}

static int (*const decoders[])(const struct json_cursor *, const struct json_field *, char *) = {
	[FIELD_BOOL] = decode_bool,
	[FIELD_OPTIONAL_BOOL] = decode_optional_bool,
	[FIELD_U32] = decode_u32,
	[FIELD_U64] = decode_u64,
	[FIELD_I32] = decode_i32,
	[FIELD_I64] = decode_i64,
	[FIELD_OPTIONAL_U64] = decode_optional_u64,
	[FIELD_OPTIONAL_I64] = decode_optional_i64,
	[FIELD_STRING] = decode_string,
	[FIELD_STRING_OR_NULL] = decode_string_or_null,
	[FIELD_CHAR] = decode_char,
	[FIELD_STRINGS] = decode_strings,
	[FIELD_MAP] = decode_map,
	[FIELD_WORD] = decode_word,
	[FIELD_FLAGS] = decode_flags,
	[FIELD_OBJECT] = decode_object,
	[FIELD_LIST] = decode_list,
	[FIELD_MEMBERS] = decode_members,
	[FIELD_CUSTOM] = decode_custom,
};

/* What an absent property leaves: zeroes, but no null pointers where the header promises none. */
static int decode_absent(const struct json_cursor *at, const struct json_field *field, char *target)
{
	switch (field->kind) {
	case FIELD_STRING:
		return json_empty_string(at, (char **)target);
	case FIELD_STRINGS:
		return json_empty_strings(at, (struct string_list *)target);
	case FIELD_OBJECT:
		return json_decode(at, field->table, target);
	default:
		return 0;
	}
}

static int decode_field(const struct json_cursor *at, const struct json_field *field, char *base)
{
	struct json_cursor member;
	int r;

	if (!json_enter(at, field->name, &member)) {
		r = field->required && at->node ? json_fail(&member, "is missing") : 0;
		r = json_settle(at, r);
		return r < 0 ? r : decode_absent(&member, field, base + field->offset);
	}
	if (field->present_offset != 0)
		*(bool *)(base + field->present_offset) = true;
	r = decoders[field->kind](&member, field, base + field->offset);
	if (r == 0 || json_settle(at, r) < 0)
		return r;
	member.node = NULL;
	return decode_absent(&member, field, base + field->offset);
}

static bool has_row(const struct json_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->fields[i].name, name) == 0)
			return true;
	}
	return false;
}

/* Properties that nothing reads: a misspelt one is among them. */
static void note_unknown(const struct json_cursor *at, const struct json_table *table)
{
	struct json_cursor member = {.decoder = at->decoder, .parent = at};
	struct json_iterator iterator = {0};

	while (json_next(at->node, &iterator, &member.key, &member.node)) {
		if (!has_row(table, member.key))
			json_note(&member, "unknown property, ignored");
	}
}

/* Whether an error is among what was found after the first findings. */
static bool has_error(const struct findings *all, size_t first)
{
	for (size_t i = first; i < all->count; i++) {
		if (all->items[i].level == FINDING_ERROR)
			return true;
	}
	return false;
}

int json_decode(const struct json_cursor *at, const struct json_table *table, void *target)
{
	struct findings *all = at->decoder->all;
	size_t before = all ? all->count : 0;
	size_t count = 0;
	int r = at->node ? json_count_members(at, &count) : 0;

	if (r < 0 && json_settle(at, r) == 0)
		return json_decode(&(struct json_cursor){.decoder = at->decoder}, table, target);
	for (size_t i = 0; r == 0 && i < table->count; i++)
		r = decode_field(at, &table->fields[i], target);
	/* Between properties nothing can be said when one of them is wrong. */
	if (r == 0 && at->node && table->check && (!all || !has_error(all, before)))
		r = json_settle(at, table->check(at, target));
	if (r == 0 && at->node && all && !table->partial)
		note_unknown(at, table);
	return r;
}
