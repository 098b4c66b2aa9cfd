#include "spec/scan.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* A replaced literal: quote, marker, 16 hexadecimal digits, quote; the least wide literal has 19. */
enum { HEX_DIGITS = 16, WIDE_LENGTH = HEX_DIGITS + 1, LITERAL_MIN = 19, LITERAL_MAX = 20 };

struct scanner {
	const char *text;
	size_t size;
	size_t at;
	size_t depth;
	size_t values;
	bool in_linux; /* the present member of the outermost object is "linux" */
	size_t seccomp_offset;
	bool in_seccomp;
	struct scan_result result;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const char *text, size_t size, size_t at)
{
	while (at < size && is_space(text[at]))
		at++;
	return at;
}

/* The position after the closing quote of the string that begins at `at`. */
static size_t string_end(const char *text, size_t size, size_t at)
{
	for (at++; at < size && text[at] != '"'; at++) {
		if (text[at] == '\\')
			at++;
	}
	return at < size ? at + 1 : size;
}

static bool in_number(char c)
{
	return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static size_t number_end(const char *text, size_t size, size_t at)
{
	while (at < size && in_number(text[at]))
		at++;
	return at;
}

/* Is text[at, end) the decimal form of a number from 2⁶³ to 2⁶⁴−1? */
static bool wide_literal(const char *text, size_t at, size_t end, uint64_t *ret)
{
	uint64_t value = 0;

	if (end - at < LITERAL_MIN || end - at > LITERAL_MAX || text[at] == '0')
		return false;
	for (; at < end; at++) {
		unsigned int digit = (unsigned int)(text[at] - '0');

		if (text[at] < '0' || text[at] > '9' ||
		    __builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret = value;
	return value > INT64_MAX;
}

/* A number where a key belongs must stay one, or broken text would turn into sound text. */
static bool before_colon(const char *text, size_t size, size_t end)
{
	end = skip_space(text, size, end);
	return end < size && text[end] == ':';
}

static bool key_is(const struct scanner *s, size_t end, const char *key)
{
	size_t length = strlen(key);

	return end - s->at == length + 2 && memcmp(s->text + s->at + 1, key, length) == 0;
}

/* Does the string at `at` begin with the marker, raw or as an escape? */
static bool begins_like_marker(const struct scanner *s, size_t end)
{
	const char *content = s->text + s->at + 1;
	size_t left = end - s->at - 1;

	return (left >= 1 && content[0] == SCAN_WIDE_MARKER) ||
	       (left >= 6 && strncasecmp(content, "\\u007f", 6) == 0);
}

static void scan_key(struct scanner *s, size_t end)
{
	if (s->depth == 1)
		s->in_linux = key_is(s, end, "linux");
	if (s->depth != 2 || !s->in_linux || !key_is(s, end, "seccomp"))
		return;
	s->in_seccomp = true;
	s->seccomp_offset = skip_space(s->text, s->size, skip_space(s->text, s->size, end) + 1);
}

static void scan_string(struct scanner *s)
{
	size_t end = string_end(s->text, s->size, s->at);

	if (begins_like_marker(s, end))
		s->result.marker_taken = true;
	if (s->depth <= 2 && before_colon(s->text, s->size, end))
		scan_key(s, end);
	s->at = end;
}

static void scan_number(struct scanner *s)
{
	size_t end = number_end(s->text, s->size, s->at);
	uint64_t value;

	if (wide_literal(s->text, s->at, end, &value) && !before_colon(s->text, s->size, end)) {
		if (s->result.wide_count++ == 0)
			s->result.first_wide = s->at;
	}
	s->at = end;
}

static void scan_close(struct scanner *s)
{
	if (s->depth > 0)
		s->depth--;
	s->at++;
	if (s->in_seccomp && s->depth == 2) {
		s->in_seccomp = false;
		s->result.seccomp_offset = s->seccomp_offset;
		s->result.seccomp_size = s->at - s->seccomp_offset;
	}
	s->in_seccomp = s->in_seccomp && s->depth >= 2;
}

static void scan_token(struct scanner *s)
{
	char c = s->text[s->at];

	if (c == '"') {
		scan_string(s);
	} else if (c == '{' || c == '[') {
		s->depth++;
		s->values++;
		s->at++;
	} else if (c == '}' || c == ']') {
		scan_close(s);
	} else if (in_number(c)) {
		scan_number(s);
	} else {
		if (c == ',') {
			s->values++;
			/* A seccomp member that is no object has no text worth remembering. */
			s->in_seccomp = s->in_seccomp && s->depth != 2;
		}
		s->at++;
	}
}

void scan_position(const char *text, size_t offset, size_t *ret_line, size_t *ret_column)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	*ret_line = line;
	*ret_column = offset - start + 1;
}

static int fail_at(const char *name, const struct scanner *s, size_t offset, const char *what,
                   struct error *err)
{
	size_t line, column;

	scan_position(s->text, offset, &line, &column);
	return error_set(err, E2BIG, "%s: line %zu, column %zu: %s", name, line, column, what);
}

int scan_text(const char *name, const char *text, size_t size, struct scan_result *ret,
              struct error *err)
{
	struct scanner s = {.text = text, .size = size};

	while (s.at < size) {
		scan_token(&s);
		if (s.depth > SCAN_DEPTH_LIMIT)
			return fail_at(name, &s, s.at - 1, "nested too deep", err);
		if (s.values > SCAN_VALUE_LIMIT)
			return fail_at(name, &s, s.at - 1, "too many values", err);
	}
	*ret = s.result;
	return 0;
}

static void write_wide(char *text, size_t at, size_t end, uint64_t value)
{
	static const char digits[] = "0123456789abcdef";

	memset(text + at, ' ', end - at);
	text[at] = '"';
	text[at + 1] = SCAN_WIDE_MARKER;
	for (size_t i = 0; i < HEX_DIGITS; i++)
		text[at + 2 + i] = digits[value >> (60 - 4 * i) & 15];
	text[at + 2 + HEX_DIGITS] = '"';
}

void scan_widen(char *text, size_t size)
{
	size_t at = 0, end;
	uint64_t value;

	while (at < size) {
		if (text[at] == '"') {
			at = string_end(text, size, at);
		} else if (in_number(text[at])) {
			end = number_end(text, size, at);
			if (wide_literal(text, at, end, &value) && !before_colon(text, size, end))
				write_wide(text, at, end, value);
			at = end;
		} else {
			at++;
		}
	}
}

bool scan_wide_value(const char *text, size_t length, uint64_t *ret)
{
	uint64_t value = 0;

	if (length != WIDE_LENGTH || text[0] != SCAN_WIDE_MARKER)
		return false;
	for (size_t i = 1; i < WIDE_LENGTH; i++) {
		unsigned int digit = text[i] >= 'a' ? (unsigned int)(text[i] - 'a') + 10
		                                    : (unsigned int)(text[i] - '0');

		value = value << 4 | digit;
	}
	*ret = value;
	return true;
}

/* --- Members --- */

/* The position after the value that begins at `at`. */
static size_t value_end(const char *text, size_t size, size_t at)
{
	size_t depth = 0;

	while (at < size) {
		char c = text[at];

		if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_space(c)))
			return at;
		if (c == '"') {
			at = string_end(text, size, at);
			if (depth == 0)
				return at;
			continue;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		at++;
		if (depth == 0 && (c == '}' || c == ']'))
			return at;
	}
	return size;
}

/* Looks for `key` in the object that begins at `at`. */
static int find_in(const char *text, size_t size, size_t at, const char *key,
                   struct scan_member *ret)
{
	size_t length = strlen(key);

	if (at >= size || text[at] != '{')
		return -EINVAL;
	at++;
	*ret = (struct scan_member){.offset = at, .in_object = true};
	at = skip_space(text, size, at);
	ret->empty = at < size && text[at] == '}';
	while (at < size && text[at] == '"') {
		size_t end = string_end(text, size, at);
		size_t value = skip_space(text, size, skip_space(text, size, end) + 1);
		size_t next = value_end(text, size, value);

		if (end - at == length + 2 && memcmp(text + at + 1, key, length) == 0) {
			ret->offset = value;
			ret->size = next - value;
			return 0;
		}
		at = skip_space(text, size, next);
		if (at < size && text[at] == ',')
			at = skip_space(text, size, at + 1);
	}
	return 0;
}

int scan_find(const char *text, size_t size, const char *object, const char *member,
              struct scan_member *ret)
{
	struct scan_member outer;
	size_t start = skip_space(text, size, 0);

	if (!object)
		return find_in(text, size, start, member, ret);
	if (find_in(text, size, start, object, &outer) < 0)
		return -EINVAL;
	if (outer.size > 0)
		return find_in(text, size, outer.offset, member, ret);
	outer.in_object = false;
	*ret = outer;
	return 0;
}
