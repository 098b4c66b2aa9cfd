/*
 * JSON texts as trees: the only door to the jansson library. Read-only; what is built is written
 * with spec/writer.h. Decoding into structs by tables is spec/decode.h.
 *
 *	scoped_json document;
 *	json_parse("config.json", text, size, &document, &err);
 *	json_look(&document, json_member(document.root, "ociVersion"), &value);
 *
 * Strings are valid UTF-8 without NUL (RFC 8259 allows NUL; nothing here can use it). An object that
 * names a member twice is refused: readers differ in which one they take.
 */
#ifndef LVM_RUN_SPEC_JSON_H
#define LVM_RUN_SPEC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct json_t; /* a node of the tree: the library's */

struct json_document {
	struct json_t *root; /* an object or an array */
	bool has_wide;       /* strings of a certain form are integers of 2⁶³ and above */
	size_t seccomp_offset, seccomp_size; /* of linux.seccomp in the text; size 0: not found */
};

/*
 * Parses `text`. EINVAL with the line and column of what is wrong (`name` begins the error), E2BIG
 * for a text that is too deep or has too many values.
 */
int json_parse(const char *name, const char *text, size_t size, struct json_document *ret,
               struct error *err) must_check;
void json_document_done(struct json_document *document);
#define scoped_json scoped(json_document_done) struct json_document

enum json_value_kind {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_UNSIGNED, /* an integer from 0 on */
	VALUE_NEGATIVE, /* an integer below 0 */
	VALUE_REAL,
	VALUE_STRING,
	VALUE_ARRAY,
	VALUE_OBJECT
};
struct json_value {
	enum json_value_kind kind;
	bool truth;
	uint64_t number;  /* of VALUE_UNSIGNED */
	int64_t negative; /* of VALUE_NEGATIVE */
	double real;
	const char *text; /* of VALUE_STRING; lives as long as the document */
	size_t length;    /* of `text`, or how many items or members */
};
void json_look(const struct json_document *document, const struct json_t *node,
               struct json_value *ret);

/* The member of an object; null when it is absent or the JSON value null. */
const struct json_t *json_member(const struct json_t *object, const char *key);
/* The item of an array; null when there is none. */
const struct json_t *json_item(const struct json_t *array, size_t index);

/* Walks an object: start with a zeroed iterator; false at the end. */
struct json_iterator {
	void *position;
	bool started;
};
bool json_next(const struct json_t *object, struct json_iterator *iterator, const char **ret_key,
               const struct json_t **ret_node);

/* The node as compact text with sorted members (free); null: out of memory. */
char *json_canonical(const struct json_t *node) must_check;

#endif
