/*
 * What commands print: texts with one write(2), columns, JSON strings.
 */
#ifndef LVM_RUN_CMD_OUTPUT_H
#define LVM_RUN_CMD_OUTPUT_H

#include "base/error.h"
#include "base/str.h"

/* Writes to standard output. */
int output_text(const char *text, struct error *err) must_check;
/* The same for a buffer, after a look at whether memory ran out. */
int output_buffer(const struct strbuf *buffer, struct error *err) must_check;

/*
 * Appends `rows` × `columns` cells, row by row; each column but the last is as wide as its widest
 * cell and three blanks, and at least `min_width`.
 */
void output_columns(struct strbuf *buffer, const char *const *cells, size_t rows, size_t columns,
                    size_t min_width);

/* Appends `text` as a JSON string, with its quotes; null becomes null. */
void output_json_string(struct strbuf *buffer, const char *text);

/* Appends words, broken before column `width`; each line begins with `indent` blanks. */
void output_wrapped(struct strbuf *buffer, const char *text, size_t indent, size_t width);

#endif
