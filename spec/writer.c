#include "spec/writer.h"

#include <inttypes.h>
#include <string.h>

/* --- Strings --- */

static bool continues(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The length of the character at `s` (RFC 3629: shortest form, no surrogates), 0: it is none. */
static size_t utf8_length(const unsigned char *s)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return continues(s[1]) ? 2 : 0;
	if (s[0] >= 0xe0 && s[0] <= 0xef) {
		if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f))
			return 0;
		return continues(s[1]) && continues(s[2]) ? 3 : 0;
	}
	if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
			return 0;
		return continues(s[1]) && continues(s[2]) && continues(s[3]) ? 4 : 0;
	}
	return 0;
}

/*
 * The stand-ins for the bytes 80…FF are the characters U+10FF80…U+10FFFF, whose own bytes are
 * F4 8F BE|BF 80…BF. Text that contains such a character itself is taken byte by byte.
 */
static bool is_stand_in(const unsigned char *s)
{
	return s[0] == 0xf4 && s[1] == 0x8f && (s[2] == 0xbe || s[2] == 0xbf) && continues(s[3]);
}

static void add_stand_in(struct strbuf *out, unsigned char byte)
{
	const char bytes[] = {(char)0xf4, (char)0x8f, (char)(byte < 0xc0 ? 0xbe : 0xbf),
	                      (char)(0x80 | (byte & 0x3f))};

	strbuf_add(out, bytes, sizeof(bytes));
}

void json_restore_bytes(char *text)
{
	char *to = text;

	for (char *from = text; *from; to++) {
		if (is_stand_in((const unsigned char *)from)) {
			*to = (char)((from[2] & 1) << 6 | (from[3] & 0x3f) | 0x80);
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static void add_escape(struct strbuf *out, char c)
{
	static const char with_letter[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *pair = with_letter; *pair; pair += 2) {
		if (*pair == c) {
			strbuf_add(out, (const char[]){'\\', pair[1]}, 2);
			return;
		}
	}
	strbuf_addf(out, "\\u%04x", (unsigned int)(unsigned char)c);
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

/* Adds what begins at `s` and is no plain ASCII; returns how many bytes it was. */
static size_t add_special(struct json_writer *writer, const unsigned char *s)
{
	size_t length = utf8_length(s);

	if (*s < 0x80) {
		add_escape(&writer->out, (char)*s);
		return 1;
	}
	if (length > 0 && !(writer->lossless && is_stand_in(s))) {
		strbuf_add(&writer->out, (const char *)s, length);
		return length;
	}
	if (writer->lossless)
		add_stand_in(&writer->out, *s);
	else
		strbuf_adds(&writer->out, "\xef\xbf\xbd");
	return 1;
}

static void add_quoted(struct json_writer *writer, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t run;

	strbuf_add(&writer->out, "\"", 1);
	while (*s) {
		for (run = 0; is_plain(s[run]);)
			run++;
		strbuf_add(&writer->out, (const char *)s, run);
		s += run;
		if (*s)
			s += add_special(writer, s);
	}
	strbuf_add(&writer->out, "\"", 1);
}

/* --- Structure --- */

static void new_line(struct json_writer *writer)
{
	static const char spaces[2 * JSON_WRITER_DEPTH + 2] = "                               ";

	if (!writer->indented)
		return;
	strbuf_add(&writer->out, "\n", 1);
	strbuf_add(&writer->out, spaces, 2 * (size_t)writer->depth);
}

static void begin_value(struct json_writer *writer, const char *key)
{
	if (writer->depth > 0) {
		if (!writer->empty[writer->depth])
			strbuf_add(&writer->out, ",", 1);
		writer->empty[writer->depth] = false;
		new_line(writer);
	}
	if (!key)
		return;
	add_quoted(writer, key);
	strbuf_adds(&writer->out, writer->indented ? ": " : ":");
}

static void open_group(struct json_writer *writer, const char *key, char opening, char closing)
{
	begin_value(writer, key);
	strbuf_add(&writer->out, &opening, 1);
	if (writer->depth >= JSON_WRITER_DEPTH) {
		writer->out.failed = true; /* a mistake of ours; the caller gets no text */
		return;
	}
	writer->depth++;
	writer->closing[writer->depth] = closing;
	writer->empty[writer->depth] = true;
}

void json_writer_object(struct json_writer *writer, const char *key)
{
	open_group(writer, key, '{', '}');
}

void json_writer_array(struct json_writer *writer, const char *key)
{
	open_group(writer, key, '[', ']');
}

void json_writer_end(struct json_writer *writer)
{
	char closing = writer->closing[writer->depth];
	bool empty = writer->empty[writer->depth];

	if (writer->depth == 0)
		return;
	writer->depth--;
	if (!empty)
		new_line(writer);
	strbuf_add(&writer->out, &closing, 1);
}

void json_writer_string(struct json_writer *writer, const char *key, const char *text)
{
	begin_value(writer, key);
	add_quoted(writer, text);
}

void json_writer_optional(struct json_writer *writer, const char *key, const char *text)
{
	if (text)
		json_writer_string(writer, key, text);
}

void json_writer_unsigned(struct json_writer *writer, const char *key, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	begin_value(writer, key);
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	strbuf_add(&writer->out, digits + at, sizeof(digits) - at);
}

void json_writer_signed(struct json_writer *writer, const char *key, int64_t number)
{
	begin_value(writer, key);
	strbuf_addf(&writer->out, "%" PRId64, number);
}

void json_writer_hundredths(struct json_writer *writer, const char *key, uint64_t number)
{
	begin_value(writer, key);
	strbuf_addf(&writer->out, "%" PRIu64 ".%02u", number / 100, (unsigned int)(number % 100));
}

void json_writer_bool(struct json_writer *writer, const char *key, bool value)
{
	begin_value(writer, key);
	strbuf_adds(&writer->out, value ? "true" : "false");
}

void json_writer_strings(struct json_writer *writer, const char *key, const char *const *items,
                         size_t count)
{
	json_writer_array(writer, key);
	for (size_t i = 0; i < count; i++)
		json_writer_string(writer, NULL, items[i]);
	json_writer_end(writer);
}

void json_writer_map(struct json_writer *writer, const char *key,
                     const struct spec_annotation *entries, size_t count)
{
	json_writer_object(writer, key);
	for (size_t i = 0; i < count; i++)
		json_writer_string(writer, entries[i].key, entries[i].value);
	json_writer_end(writer);
}

char *json_writer_take(struct json_writer *writer)
{
	char *text;

	if (writer->indented)
		strbuf_add(&writer->out, "\n", 1);
	text = strbuf_take(&writer->out);
	strbuf_done(&writer->out);
	return text;
}
