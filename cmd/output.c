#include "cmd/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

enum { COLUMN_GAP = 3 };

static int output_bytes(const char *data, size_t size, struct error *err)
{
	int r = fd_write_all(STDOUT_FILENO, data, size);

	return r < 0 ? error_code(err, -r, "write to standard output") : 0;
}

int output_text(const char *text, struct error *err)
{
	return output_bytes(text, strlen(text), err);
}

int output_buffer(const struct strbuf *buffer, struct error *err)
{
	if (buffer->failed)
		return error_code(err, ENOMEM, "output");
	return output_bytes(buffer->data, buffer->length, err);
}

static void add_blanks(struct strbuf *buffer, size_t count)
{
	strbuf_addf(buffer, "%*s", (int)count, "");
}

static size_t column_width(const char *const *cells, size_t rows, size_t columns, size_t column,
                           size_t min_width)
{
	size_t width = min_width;

	for (size_t row = 0; row < rows; row++) {
		size_t length = strlen(cells[row * columns + column]) + COLUMN_GAP;

		if (length > width)
			width = length;
	}
	return width;
}

void output_columns(struct strbuf *buffer, const char *const *cells, size_t rows, size_t columns,
                    size_t min_width)
{
	size_t widths[16];

	if (columns > ARRAY_SIZE(widths)) {
		buffer->failed = true;
		return;
	}
	for (size_t column = 0; column < columns; column++)
		widths[column] = column_width(cells, rows, columns, column, min_width);
	for (size_t i = 0; i < rows * columns; i++) {
		strbuf_adds(buffer, cells[i]);
		if (i % columns == columns - 1)
			strbuf_adds(buffer, "\n");
		else
			add_blanks(buffer, widths[i % columns] - strlen(cells[i]));
	}
}

void output_json_string(struct strbuf *buffer, const char *text)
{
	if (!text) {
		strbuf_adds(buffer, "null");
		return;
	}
	strbuf_adds(buffer, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			strbuf_addf(buffer, "\\%c", c);
		else if (c < 0x20)
			strbuf_addf(buffer, "\\u%04x", c);
		else
			strbuf_add(buffer, text, 1);
	}
	strbuf_adds(buffer, "\"");
}

void output_wrapped(struct strbuf *buffer, const char *text, size_t indent, size_t width)
{
	size_t column = 0;

	while (*text) {
		size_t length = strcspn(text, " \n");

		if (column && column + 1 + length > width) {
			strbuf_adds(buffer, "\n");
			column = 0;
		}
		if (length && column == 0) {
			add_blanks(buffer, indent);
			column = indent;
		} else if (length) {
			strbuf_adds(buffer, " ");
			column++;
		}
		strbuf_add(buffer, text, length);
		column += length;
		text += length;
		if (*text == '\n') {
			strbuf_adds(buffer, "\n");
			column = 0;
		}
		text += *text != '\0';
	}
	if (column)
		strbuf_adds(buffer, "\n");
}
