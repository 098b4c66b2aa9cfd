#include "spec/encode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "spec/scan.h"
#include "spec/sections.h"
#include "spec/writer.h"

static void encode(struct json_writer *w, const char *key, const struct json_table *table,
                   const void *source);

static void encode_list(struct json_writer *w, const struct json_field *field, const char *base)
{
	const char *element = *(char *const *)(base + field->offset);
	size_t count = *(const size_t *)(base + field->count_offset);

	if (count == 0)
		return;
	json_writer_array(w, field->name);
	for (; count > 0; count--, element += field->table->size)
		encode(w, NULL, field->table, element);
	json_writer_end(w);
}

static void encode_members(struct json_writer *w, const struct json_field *field, const char *base)
{
	const char *element = *(char *const *)(base + field->offset);
	size_t count = *(const size_t *)(base + field->count_offset);

	json_writer_object(w, field->name);
	for (size_t i = 0; i < count; i++, element += field->table->size)
		encode(w, *(char *const *)element, field->table, element);
	json_writer_end(w);
}

static void encode_strings(struct json_writer *w, const char *key, const struct string_list *list)
{
	if (list->count > 0)
		json_writer_strings(w, key, (const char *const *)list->items, list->count);
}

static void encode_word(struct json_writer *w, const char *key, const struct json_word *words,
                        uint32_t value)
{
	for (; words->word; words++)
		if (words->value == (int64_t)value) {
			json_writer_string(w, key, words->word);
			return;
		}
}

static void encode_flags(struct json_writer *w, const struct json_field *field, uint32_t flags)
{
	json_writer_array(w, field->name);
	for (const struct json_word *word = field->words; word->word; word++)
		if (flags & (uint32_t)word->value)
			json_writer_string(w, NULL, word->word);
	json_writer_end(w);
}

/* The kinds that stand in resources, mounts and seccomp; FIELD_CUSTOM by the row's own function. */
static void encode_field(struct json_writer *w, const struct json_field *field, const char *base)
{
	const void *member = base + field->offset;
	const struct optional_u64 *u64 = member;
	const struct optional_i64 *i64 = member;
	const struct optional_bool *truth = member;

	switch (field->kind) {
	case FIELD_BOOL:
		json_writer_bool(w, field->name, *(const bool *)member);
		break;
	case FIELD_OPTIONAL_BOOL:
		if (truth->set)
			json_writer_bool(w, field->name, truth->value);
		break;
	case FIELD_U32:
		json_writer_unsigned(w, field->name, *(const uint32_t *)member);
		break;
	case FIELD_U64:
		json_writer_unsigned(w, field->name, *(const uint64_t *)member);
		break;
	case FIELD_OPTIONAL_U64:
		if (u64->set)
			json_writer_unsigned(w, field->name, u64->value);
		break;
	case FIELD_OPTIONAL_I64:
		if (i64->set)
			json_writer_signed(w, field->name, i64->value);
		break;
	case FIELD_STRING:
	case FIELD_STRING_OR_NULL:
		json_writer_optional(w, field->name, *(char *const *)member);
		break;
	case FIELD_STRINGS:
		encode_strings(w, field->name, member);
		break;
	case FIELD_MAP:
		json_writer_map(w, field->name, *(struct spec_annotation *const *)member,
		                *(const size_t *)(base + field->count_offset));
		break;
	case FIELD_WORD:
		encode_word(w, field->name, field->words, *(const uint32_t *)member);
		break;
	case FIELD_FLAGS:
		if (*(const bool *)(base + field->present_offset))
			encode_flags(w, field, *(const uint32_t *)member);
		break;
	case FIELD_OBJECT:
		encode(w, field->name, field->table, member);
		break;
	case FIELD_LIST:
		encode_list(w, field, base);
		break;
	case FIELD_MEMBERS:
		encode_members(w, field, base);
		break;
	case FIELD_CUSTOM:
		field->encode(w, field->name, member);
		break;
	default:
		break;
	}
}

static void encode(struct json_writer *w, const char *key, const struct json_table *table,
                   const void *source)
{
	json_writer_object(w, key);
	for (size_t i = 0; i < table->count; i++)
		encode_field(w, &table->fields[i], source);
	json_writer_end(w);
}

/* --- Into the text --- */

/* The text with another value at `member`, or the member put first into `object`, or both made. */
static int splice(const struct spec *spec, const char *object, const char *member,
                  const char *value, struct strbuf *out, struct error *err)
{
	struct scan_member place;
	const char *text = spec->source;

	if (scan_find(text, spec->source_size, object, member, &place) < 0)
		return error_set(err, EINVAL, "config.json: no place for %s", member);
	strbuf_add(out, text, place.offset);
	if (place.size > 0) {
		strbuf_adds(out, value);
	} else if (place.in_object) {
		strbuf_addf(out, "\"%s\":%s%s", member, value, place.empty ? "" : ",");
	} else {
		strbuf_addf(out, "\"%s\":{\"%s\":%s}%s", object, member, value,
		            place.empty ? "" : ",");
	}
	strbuf_add(out, text + place.offset + place.size,
	           spec->source_size - place.offset - place.size);
	return out->failed ? error_code(err, ENOMEM, "config.json") : 0;
}

static int with_member(const struct spec *spec, const char *object, const char *member,
                       struct json_writer *writer, struct spec **ret, struct error *err)
{
	scoped_str value = json_writer_take(writer);
	scoped_strbuf out = {0};
	int r;

	if (!value)
		return error_code(err, ENOMEM, "config.json");
	r = splice(spec, object, member, value, &out, err);
	return r < 0 ? r : spec_parse("config.json", out.data, out.length, ret, err);
}

static int take_source(struct spec *spec, char **ret, size_t *ret_size)
{
	*ret_size = spec->source_size;
	*ret = str_take(&spec->source);
	return 0;
}

int spec_with_resources(const struct spec *spec, const struct spec_resources *resources, char **ret,
                        size_t *ret_size, struct error *err)
{
	struct json_writer writer = {.lossless = false};
	scoped_spec changed = NULL;
	int r;

	encode(&writer, NULL, &spec_resources_table, resources);
	r = with_member(spec, "linux", "resources", &writer, &changed, err);
	return changed ? take_source(changed, ret, ret_size) : r;
}

int spec_with_mounts(const struct spec *spec, const struct spec_mount *mounts, size_t count,
                     uint32_t added, char **ret, size_t *ret_size, struct error *err)
{
	struct json_writer writer = {.lossless = false};
	scoped_spec changed = NULL;
	scoped_spec counted = NULL;
	int r;

	json_writer_array(&writer, NULL);
	for (size_t i = 0; i < count; i++)
		encode(&writer, NULL, &spec_mount_table, &mounts[i]);
	json_writer_end(&writer);
	r = with_member(spec, NULL, "mounts", &writer, &changed, err);
	if (!changed)
		return r;
	json_writer_unsigned(&writer, NULL, added);
	r = with_member(changed, NULL, SPEC_ADDED_MOUNTS, &writer, &counted, err);
	return counted ? take_source(counted, ret, ret_size) : r;
}

void spec_write_seccomp(struct json_writer *writer, const char *key,
                        const struct spec_seccomp *section)
{
	encode(writer, key, &spec_seccomp_table, section);
}
