/*
 * Decoding by table: a section of the configuration is one static const table with a row per
 * property, and one function walks them all.
 *
 *	static const struct json_field fields[] = {
 *		{"path", FIELD_STRING, .offset = offsetof(struct spec_root, path), .required = true},
 *		…
 *	};
 *	const struct json_table spec_root_table = JSON_TABLE(fields, struct spec_root);
 *
 * Absent properties, and those that are null, leave zeroes, except that strings and lists become
 * empty ones instead of null pointers. Properties without a row are ignored. An error names the file
 * and the JSON path: `config.json: process.rlimits[2].soft: expected an integer from 0 to …`.
 *
 * A decoder with `all` goes on after a wrong value, which counts as absent, and notes each property that
 * has no row; the result is then whole as to its pointers, and only good for looking at.
 */
#ifndef LVM_RUN_SPEC_DECODE_H
#define LVM_RUN_SPEC_DECODE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "spec/findings.h"
#include "spec/json.h"
#include "spec/spec.h"

/* What a whole decoding shares. */
struct json_decoder {
	struct arena *arena;
	const char *name; /* of the file, for errors */
	const struct json_document *document;
	struct error *err;
	struct findings
		*all; /* every error goes here, and properties without a row; null: the first
	                         error ends the decoding */
};

/* A node and how it was reached. Lives on the stack; `node` null stands for an absent one. */
struct json_cursor {
	struct json_decoder *decoder;
	const struct json_cursor
		*parent; /* null: the root, whose key (may be null) begins the path */
	const char *key; /* null: an item of an array */
	size_t index;
	const struct json_t *node;
};

/* A word of a closed list and its number; a list ends with a null word. */
struct json_word {
	const char *word;
	int64_t value;
};

enum json_field_kind {
	FIELD_BOOL,
	FIELD_OPTIONAL_BOOL,
	FIELD_U32,
	FIELD_U64,
	FIELD_I32,
	FIELD_I64,
	FIELD_OPTIONAL_U64,
	FIELD_OPTIONAL_I64,
	FIELD_STRING,         /* char *; "" when absent */
	FIELD_STRING_OR_NULL, /* char *; null when absent or empty, which Go programs do not tell apart */
	FIELD_CHAR,           /* char; one of `letters` */
	FIELD_STRINGS,        /* struct string_list */
	FIELD_MAP,            /* object of strings: struct spec_annotation * and its count */
	FIELD_WORD,           /* int or uint32_t; one of `words` */
	FIELD_FLAGS,          /* array of words: uint32_t, the union of their values */
	FIELD_OBJECT,         /* another struct, by `table` */
	FIELD_LIST,           /* array of objects: pointer and count, by `table` */
	FIELD_MEMBERS, /* object of objects: the same; the struct begins with the member's name */
	FIELD_CUSTOM   /* by `custom` */
};

typedef int json_custom_function(const struct json_cursor *at, void *target);
struct json_writer;
typedef void json_encode_function(struct json_writer *writer, const char *key, const void *source);

struct json_field {
	const char *name;
	enum json_field_kind kind;
	size_t offset; /* in the struct that the table describes */
	bool required;
	size_t count_offset;   /* FIELD_MAP, FIELD_LIST, FIELD_MEMBERS: of a size_t */
	size_t present_offset; /* of a bool that becomes true when the property is there; 0: none */
	/* Of numbers, if not both are 0; a max of 0 is then the type's own. */
	int64_t min;
	uint64_t max;
	const char *letters;
	const struct json_word *words;
	const struct json_table *table;
	json_custom_function *custom;
	json_encode_function *encode; /* FIELD_CUSTOM in resources: writes the member again */
};

struct json_table {
	const struct json_field *fields;
	size_t count;
	size_t size; /* of the struct */
	/* After decoding: what has to hold between properties; may be null. */
	json_custom_function *check;
	bool partial; /* the object has properties that other tables describe */
};
#define JSON_TABLE(field_array, type)                                                              \
	{                                                                                          \
		.fields = (field_array), .count = ARRAY_SIZE(field_array), .size = sizeof(type)    \
	}
#define JSON_TABLE_CHECKED(field_array, type, check_function)                                      \
	{                                                                                          \
		.fields = (field_array), .count = ARRAY_SIZE(field_array), .size = sizeof(type),   \
		.check = (check_function)                                                          \
	}

/* Decodes the object at the cursor into `target`, zeroed before; an absent node gives defaults. */
int json_decode(const struct json_cursor *at, const struct json_table *table,
                void *target) must_check;

/*
 * For custom functions (cursor.c). All of them fill the error with the path of the cursor and
 * return −errno. json_fail appends a text of its own; json_expected says "expected …, got …".
 */
int json_fail(const struct json_cursor *at, const char *format, ...) printf_like(2, 3);
int json_expected(const struct json_cursor *at, const char *what);
/* For who collects findings; otherwise nothing. */
void json_note(const struct json_cursor *at, const char *text);
void json_warn(const struct json_cursor *at, const char *text);
int json_fail_memory(const struct json_cursor *at);

/*
 * What a loop does with the result of one member: with findings to collect, a wrong value is one of
 * them and 0 lets the loop go on; otherwise `r`.
 */
static inline int json_settle(const struct json_cursor *at, int r)
{
	return r == -EINVAL && at->decoder->all ? 0 : r;
}

/* The member `key` or the item `index` of the node at the cursor; false when absent. */
bool json_enter(const struct json_cursor *at, const char *key, struct json_cursor *ret);
bool json_enter_item(const struct json_cursor *at, size_t index, struct json_cursor *ret);

/* How many items the array, or members the object, at the cursor has; an error when it is none. */
int json_count(const struct json_cursor *at, size_t *ret) must_check;
int json_count_members(const struct json_cursor *at, size_t *ret) must_check;

int json_read_bool(const struct json_cursor *at, bool *ret) must_check;
int json_read_string(const struct json_cursor *at, char **ret) must_check; /* a copy in the arena */
int json_read_text(const struct json_cursor *at, const char **ret) must_check; /* not copied */
int json_read_unsigned(const struct json_cursor *at, uint64_t min, uint64_t max,
                       uint64_t *ret) must_check;
int json_read_signed(const struct json_cursor *at, int64_t min, int64_t max,
                     int64_t *ret) must_check;
int json_read_word(const struct json_cursor *at, const struct json_word *words,
                   int64_t *ret) must_check;

/* A list without items, as of an absent property. */
int json_empty_strings(const struct json_cursor *at, struct string_list *ret) must_check;

#endif
