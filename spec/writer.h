/*
 * Writes JSON text piece by piece. Members come out in the order of the calls; the output is
 * always well-formed UTF-8 (RFC 8259).
 *
 *	struct json_writer w = {.indented = true};
 *	json_writer_object(&w, NULL);
 *	json_writer_string(&w, "id", id);
 *	json_writer_end(&w);
 *	text = json_writer_take(&w);
 *
 * `key` is null for the outermost value and for the items of an array.
 */
#ifndef LVM_RUN_SPEC_WRITER_H
#define LVM_RUN_SPEC_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "spec/spec.h"

enum { JSON_WRITER_DEPTH = 15 };

struct json_writer {
	struct strbuf out;
	bool indented; /* two spaces a level, and a newline at the end; else compact */
	/*
	 * Bytes that are not UTF-8, as file names may have them, become U+FFFD, or (true) one private
	 * character each, which json_restore_bytes reads back.
	 */
	bool lossless;
	unsigned int depth;
	char closing[JSON_WRITER_DEPTH + 1]; /* what ends each open object or array */
	bool empty[JSON_WRITER_DEPTH + 1];
};

void json_writer_object(struct json_writer *writer, const char *key);
void json_writer_array(struct json_writer *writer, const char *key);
/* Ends the innermost object or array. */
void json_writer_end(struct json_writer *writer);

void json_writer_string(struct json_writer *writer, const char *key, const char *text);
/* Writes nothing when `text` is null. */
void json_writer_optional(struct json_writer *writer, const char *key, const char *text);
void json_writer_unsigned(struct json_writer *writer, const char *key, uint64_t number);
void json_writer_signed(struct json_writer *writer, const char *key, int64_t number);
/* A number in hundredths: 1234 is 12.34. */
void json_writer_hundredths(struct json_writer *writer, const char *key, uint64_t number);
void json_writer_bool(struct json_writer *writer, const char *key, bool value);
/* An array of strings. */
void json_writer_strings(struct json_writer *writer, const char *key, const char *const *items,
                         size_t count);
/* An object of strings. */
void json_writer_map(struct json_writer *writer, const char *key,
                     const struct spec_annotation *entries, size_t count);

/* The text (free), null when memory ran out; the writer is empty afterwards. */
char *json_writer_take(struct json_writer *writer) must_check;

/* Undoes `lossless` in a decoded string, in place (it never grows). */
void json_restore_bytes(char *text);

#endif
