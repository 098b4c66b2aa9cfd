#include "spec/decode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* --- Paths and errors --- */

/* Keys that would blur the path are put in brackets: annotations["a.b"]. */
static bool plain_key(const char *key)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return key[0] != '\0' && key[strspn(key, plain)] == '\0';
}

static void add_path(const struct json_cursor *at, struct strbuf *out)
{
	if (at->parent)
		add_path(at->parent, out);
	if (!at->key && at->parent)
		strbuf_addf(out, "[%zu]", at->index);
	else if (at->key && at->parent && !plain_key(at->key))
		strbuf_addf(out, "[\"%.60s\"]", at->key);
	else if (at->key)
		strbuf_addf(out, "%s%s", out->length > 0 ? "." : "", at->key);
}

static void make_printable(char *text)
{
	for (; text && *text; text++) {
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			*text = '?';
	}
}

int json_fail_memory(const struct json_cursor *at)
{
	return error_set(at->decoder->err, ENOMEM, "%s: out of memory", at->decoder->name);
}

static int fail_code(const struct json_cursor *at, int code, const char *text)
{
	scoped_strbuf path = {0};

	add_path(at, &path);
	make_printable(path.data);
	if (at->decoder->all)
		finding_add(at->decoder->all, FINDING_ERROR, path.data ? path.data : "", "%s",
		            text);
	return error_set(at->decoder->err, code, "%s: %s%s%s", at->decoder->name,
	                 path.data ? path.data : "", path.length > 0 ? ": " : "", text);
}

int json_fail(const struct json_cursor *at, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	make_printable(text);
	return fail_code(at, EINVAL, text);
}

static void remark(const struct json_cursor *at, enum finding_level level, const char *text)
{
	scoped_strbuf path = {0};

	if (!at->decoder->all)
		return;
	add_path(at, &path);
	finding_add(at->decoder->all, level, path.data ? path.data : "", "%s", text);
}

void json_note(const struct json_cursor *at, const char *text)
{
	remark(at, FINDING_NOTE, text);
}

void json_warn(const struct json_cursor *at, const char *text)
{
	remark(at, FINDING_WARNING, text);
}

static void describe(const struct json_cursor *at, char *buffer, size_t size)
{
	struct json_value value;

	json_look(at->decoder->document, at->node, &value);
	switch (value.kind) {
	case VALUE_NULL:
		snprintf(buffer, size, "null");
		break;
	case VALUE_BOOL:
		snprintf(buffer, size, "%s", value.truth ? "true" : "false");
		break;
	case VALUE_UNSIGNED:
		snprintf(buffer, size, "%" PRIu64, value.number);
		break;
	case VALUE_NEGATIVE:
		snprintf(buffer, size, "%" PRId64, value.negative);
		break;
	case VALUE_REAL:
		snprintf(buffer, size, "%g", value.real);
		break;
	case VALUE_STRING:
		snprintf(buffer, size, "\"%.60s%s\"", value.text, value.length > 60 ? "…" : "");
		break;
	case VALUE_ARRAY:
		snprintf(buffer, size, "an array");
		break;
	case VALUE_OBJECT:
		snprintf(buffer, size, "an object");
		break;
	}
}

int json_expected(const struct json_cursor *at, const char *what)
{
	char got[100];

	describe(at, got, sizeof(got));
	return json_fail(at, "expected %s, got %s", what, got);
}

/* --- Moving --- */

bool json_enter(const struct json_cursor *at, const char *key, struct json_cursor *ret)
{
	*ret = (struct json_cursor){.decoder = at->decoder, .parent = at, .key = key};
	ret->node = at->node ? json_member(at->node, key) : NULL;
	return ret->node != NULL;
}

bool json_enter_item(const struct json_cursor *at, size_t index, struct json_cursor *ret)
{
	*ret = (struct json_cursor){.decoder = at->decoder, .parent = at, .index = index};
	ret->node = json_item(at->node, index);
	return ret->node != NULL;
}

int json_count(const struct json_cursor *at, size_t *ret)
{
	struct json_value value;

	json_look(at->decoder->document, at->node, &value);
	if (value.kind != VALUE_ARRAY)
		return json_expected(at, "an array");
	*ret = value.length;
	return 0;
}

int json_count_members(const struct json_cursor *at, size_t *ret)
{
	struct json_value value;

	json_look(at->decoder->document, at->node, &value);
	if (value.kind != VALUE_OBJECT)
		return json_expected(at, "an object");
	*ret = value.length;
	return 0;
}

/* --- Single values --- */

int json_read_bool(const struct json_cursor *at, bool *ret)
{
	struct json_value value;

	json_look(at->decoder->document, at->node, &value);
	if (value.kind != VALUE_BOOL)
		return json_expected(at, "true or false");
	*ret = value.truth;
	return 0;
}

int json_read_unsigned(const struct json_cursor *at, uint64_t min, uint64_t max, uint64_t *ret)
{
	struct json_value value;
	char what[80];

	json_look(at->decoder->document, at->node, &value);
	if (value.kind == VALUE_UNSIGNED && value.number >= min && value.number <= max) {
		*ret = value.number;
		return 0;
	}
	if (min == 0 && value.kind != VALUE_UNSIGNED)
		return json_expected(at, "a non-negative integer");
	snprintf(what, sizeof(what), "an integer from %" PRIu64 " to %" PRIu64, min, max);
	return json_expected(at, what);
}

int json_read_signed(const struct json_cursor *at, int64_t min, int64_t max, int64_t *ret)
{
	struct json_value value;
	int64_t number;
	char what[80];

	json_look(at->decoder->document, at->node, &value);
	if (value.kind != VALUE_NEGATIVE && value.kind != VALUE_UNSIGNED)
		return json_expected(at, "an integer");
	number = value.kind == VALUE_NEGATIVE ? value.negative : (int64_t)value.number;
	if (number < min || number > max || (value.kind == VALUE_UNSIGNED && number < 0)) {
		snprintf(what, sizeof(what), "an integer from %" PRId64 " to %" PRId64, min, max);
		return json_expected(at, what);
	}
	*ret = number;
	return 0;
}

int json_read_text(const struct json_cursor *at, const char **ret)
{
	struct json_value value;

	json_look(at->decoder->document, at->node, &value);
	if (value.kind != VALUE_STRING)
		return json_expected(at, "a string");
	*ret = value.text;
	return 0;
}

int json_read_string(const struct json_cursor *at, char **ret)
{
	struct json_value value;

	json_look(at->decoder->document, at->node, &value);
	if (value.kind != VALUE_STRING)
		return json_expected(at, "a string");
	*ret = arena_strndup(at->decoder->arena, value.text, value.length);
	return *ret ? 0 : json_fail_memory(at);
}

static int unknown_word(const struct json_cursor *at, const struct json_word *words)
{
	char what[300] = "one of";
	size_t length = strlen(what);

	for (; words->word && length < sizeof(what); words++)
		length +=
			(size_t)snprintf(what + length, sizeof(what) - length, " %s", words->word);
	return json_expected(at, what);
}

int json_read_word(const struct json_cursor *at, const struct json_word *words, int64_t *ret)
{
	const char *text = "";
	int r;

	r = json_read_text(at, &text);
	if (r < 0)
		return r;
	for (const struct json_word *word = words; word->word; word++) {
		if (strcmp(word->word, text) == 0) {
			*ret = word->value;
			return 0;
		}
	}
	return unknown_word(at, words);
}

int json_empty_strings(const struct json_cursor *at, struct string_list *ret)
{
	ret->count = 0;
	ret->items = arena_alloc(at->decoder->arena, 1, sizeof(*ret->items));
	return ret->items ? 0 : json_fail_memory(at);
}
