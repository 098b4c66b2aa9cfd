#include "spec/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "spec/scan.h"

/*
 * The library's hash tables want a seed and would open /dev/urandom for it. The kernel has put
 * random bytes into our memory already (getauxval(3), AT_RANDOM).
 */
static void seed_hashes(void)
{
	const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
	uint32_t seed = 0x9e3779b9;

	if (random)
		memcpy(&seed, random + 12, sizeof(seed));
	json_object_seed(seed | 1); /* 0 would mean: take one from the system */
}

static int wide_clash(const char *name, const char *text, size_t offset, struct error *err)
{
	size_t line, column;

	scan_position(text, offset, &line, &column);
	return error_set(err, EINVAL,
	                 "%s: line %zu, column %zu: an integer this large cannot stand in one file "
	                 "with a string that begins with a control character",
	                 name, line, column);
}

/* The library's "… near 'token'" may show a token that we have rewritten. */
static void hide_marker(char *text)
{
	char *near_token = strstr(text, " near ");

	if (near_token && strchr(near_token, SCAN_WIDE_MARKER))
		*near_token = '\0';
}

static void printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			*text = '?';
	}
}

/* The library's words, but where they speak of its own options. */
static const char *what_is_wrong(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_null_character:
		return "\\u0000 is not allowed in a string";
	case json_error_null_byte_in_key:
		return "\\u0000 is not allowed in the name of a member";
	default:
		return error->text;
	}
}

static int broken(const char *name, json_error_t *error, struct error *err)
{
	if (json_error_code(error) == json_error_out_of_memory)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	hide_marker(error->text);
	printable(error->text);
	return error_set(err, EINVAL, "%s: line %d, column %d: %s", name,
	                 error->line > 0 ? error->line : 1, error->column > 0 ? error->column : 1,
	                 what_is_wrong(error));
}

static int load(const char *name, const char *text, size_t size, struct json_t **ret,
                struct error *err)
{
	json_error_t error = {0};

	seed_hashes();
	*ret = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	return *ret ? 0 : broken(name, &error, err);
}

static int load_wide(const char *name, const char *text, size_t size, struct json_t **ret,
                     struct error *err)
{
	char *copy = malloc(size);
	int r;

	if (!copy)
		return error_set(err, ENOMEM, "%s: out of memory", name);
	memcpy(copy, text, size);
	scan_widen(copy, size);
	r = load(name, copy, size, ret, err);
	free(copy);
	return r;
}

int json_parse(const char *name, const char *text, size_t size, struct json_document *ret,
               struct error *err)
{
	struct json_document document = {0};
	struct scan_result scan;
	int r;

	r = scan_text(name, text, size, &scan, err);
	if (r < 0)
		return r;
	if (scan.wide_count > 0 && scan.marker_taken)
		return wide_clash(name, text, scan.first_wide, err);
	document.has_wide = scan.wide_count > 0;
	r = document.has_wide ? load_wide(name, text, size, &document.root, err)
	                      : load(name, text, size, &document.root, err);
	if (r < 0)
		return r;
	document.seccomp_offset = scan.seccomp_offset;
	document.seccomp_size = scan.seccomp_size;
	*ret = document;
	return 0;
}

void json_document_done(struct json_document *document)
{
	json_decref(document->root);
	document->root = NULL;
}

static void look_integer(json_int_t number, struct json_value *value)
{
	if (number < 0) {
		value->kind = VALUE_NEGATIVE;
		value->negative = number;
	} else {
		value->kind = VALUE_UNSIGNED;
		value->number = (uint64_t)number;
	}
}

static void look_string(const struct json_document *document, const struct json_t *node,
                        struct json_value *value)
{
	value->text = json_string_value(node);
	value->length = json_string_length(node);
	if (document->has_wide && scan_wide_value(value->text, value->length, &value->number))
		value->kind = VALUE_UNSIGNED;
	else
		value->kind = VALUE_STRING;
}

void json_look(const struct json_document *document, const struct json_t *node,
               struct json_value *ret)
{
	*ret = (struct json_value){.kind = VALUE_NULL};
	if (json_is_string(node)) {
		look_string(document, node, ret);
	} else if (json_is_integer(node)) {
		look_integer(json_integer_value(node), ret);
	} else if (json_is_boolean(node)) {
		ret->kind = VALUE_BOOL;
		ret->truth = json_is_true(node);
	} else if (json_is_real(node)) {
		ret->kind = VALUE_REAL;
		ret->real = json_real_value(node);
	} else if (json_is_array(node)) {
		ret->kind = VALUE_ARRAY;
		ret->length = json_array_size(node);
	} else if (json_is_object(node)) {
		ret->kind = VALUE_OBJECT;
		ret->length = json_object_size(node);
	}
}

const struct json_t *json_member(const struct json_t *object, const char *key)
{
	const struct json_t *node = json_object_get(object, key);

	return json_is_null(node) ? NULL : node;
}

const struct json_t *json_item(const struct json_t *array, size_t index)
{
	return json_array_get(array, index);
}

/* The library's iterators take a mutable object and do not change it. */
static json_t *unconst(const struct json_t *node)
{
	return (json_t *)(uintptr_t)node;
}

bool json_next(const struct json_t *object, struct json_iterator *iterator, const char **ret_key,
               const struct json_t **ret_node)
{
	iterator->position = iterator->started
	                             ? json_object_iter_next(unconst(object), iterator->position)
	                             : json_object_iter(unconst(object));
	iterator->started = true;
	if (!iterator->position)
		return false;
	*ret_key = json_object_iter_key(iterator->position);
	*ret_node = json_object_iter_value(iterator->position);
	return true;
}

char *json_canonical(const struct json_t *node)
{
	return json_dumps(node, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}
