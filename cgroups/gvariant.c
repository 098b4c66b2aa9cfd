#include "cgroups/gvariant.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct reader {
	const char *at;
	struct arena *arena;
	char type; /* fixed by a prefix or by the first element; 0: not yet */
};

static void skip_blanks(struct reader *r)
{
	r->at += strspn(r->at, " \t\n");
}

/* --- Type prefixes --- */

static const struct {
	const char *word;
	char type;
} keywords[] = {
	{"boolean", 'b'}, {"byte", 'y'},  {"int16", 'n'},  {"uint16", 'q'}, {"int32", 'i'},
	{"uint32", 'u'},  {"int64", 'x'}, {"uint64", 't'}, {"double", 'd'}, {"string", 's'},
};

/* "uint64 " before a value */
static void take_keyword(struct reader *r)
{
	size_t size = strcspn(r->at, " \t\n");

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (strlen(keywords[i].word) == size && r->at[size] &&
		    memcmp(keywords[i].word, r->at, size) == 0) {
			r->type = keywords[i].type;
			r->at += size;
			skip_blanks(r);
			return;
		}
	}
}

/* "@t " or "@as " */
static int take_signature(struct reader *r, bool *array)
{
	if (*r->at != '@')
		return 0;
	r->at++;
	if (*r->at == 'a') {
		*array = true;
		r->at++;
	}
	if (!*r->at || !strchr("bynqiuxtds", *r->at))
		return -EINVAL;
	r->type = *r->at++;
	if (!*r->at || !strchr(" \t\n", *r->at))
		return -EINVAL;
	skip_blanks(r);
	return 0;
}

/* --- Values --- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character that a backslash and `c` stand for; 0 when they stand for none. */
static char unescaped(char c)
{
	static const char from[] = "abfnrtv\\'\"";
	static const char to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *found = c ? strchr(from, c) : NULL;

	return found ? to[found - from] : '\0';
}

static int take_string(struct reader *r, const char **ret)
{
	char quote = *r->at++;
	char *text = arena_alloc(r->arena, strlen(r->at) + 1, 1);
	size_t size = 0;

	if (!text)
		return -ENOMEM;
	for (; *r->at != quote; r->at++) {
		char c = *r->at;

		if (c == '\\')
			c = unescaped(*++r->at);
		if (!c)
			return -EINVAL;
		text[size++] = c;
	}
	r->at++;
	*ret = text;
	return 's';
}

static int take_boolean(struct reader *r, const char **ret)
{
	static const char *const words[] = {"true", "false"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_starts(r->at, words[i])) {
			*ret = words[i];
			r->at += strlen(words[i]);
			return 'b';
		}
	}
	return -EINVAL;
}

/* The whole number in `text` as decimal text, checked against the range of `type`. */
static int check_whole(struct reader *r, const char *text, char type, const char **ret)
{
	static const struct {
		char type;
		int64_t min;
		uint64_t max;
	} ranges[] = {
		{'y', 0, UINT8_MAX},  {'n', INT16_MIN, INT16_MAX},
		{'q', 0, UINT16_MAX}, {'i', INT32_MIN, INT32_MAX},
		{'u', 0, UINT32_MAX}, {'x', INT64_MIN, INT64_MAX},
		{'t', 0, UINT64_MAX},
	};
	bool negative = *text == '-';
	uint64_t value = 0;

	text += negative || *text == '+';
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		text += 2;
		if (!*text || strlen(text) > 16)
			return -EINVAL;
		for (; *text; text++) {
			int digit = hex_digit(*text);

			if (digit < 0)
				return -EINVAL;
			value = value << 4 | (uint64_t)digit;
		}
	} else if (parse_u64(text, &value) < 0) {
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (ranges[i].type != type)
			continue;

		uint64_t below = (uint64_t)0 - (uint64_t)ranges[i].min;

		if (negative ? value > below : value > ranges[i].max)
			return -EINVAL;
		*ret = arena_format(r->arena, "%s%" PRIu64, negative && value ? "-" : "", value);
		return *ret ? type : -ENOMEM;
	}
	return -EINVAL;
}

/* Digits with one dot at most, and an exponent: for a double. */
static bool is_double(const char *text)
{
	text += *text == '-' || *text == '+';

	size_t whole = strspn(text, "0123456789");
	size_t part = 0;

	text += whole;
	if (*text == '.') {
		part = strspn(++text, "0123456789");
		text += part;
	}
	if (whole + part == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '-' || *text == '+';
		if (!*text)
			return false;
		text += strspn(text, "0123456789");
	}
	return *text == '\0';
}

static int take_number(struct reader *r, const char **ret)
{
	size_t size = strspn(r->at, "0123456789abcdefABCDEFxX.+-");
	const char *text = arena_strndup(r->arena, r->at, size);
	char type = r->type;

	if (!text)
		return -ENOMEM;
	if (!type)
		type = strchr(text, '.') && is_double(text) ? 'd' : 'i';
	r->at += size;
	if (type != 'd')
		return check_whole(r, text, type, ret);
	if (!is_double(text) || size > 64)
		return -EINVAL;
	*ret = text;
	return 'd';
}

/* One value, of the type fixed before or now. */
static int take_value(struct reader *r, const char **ret)
{
	int type;

	if (!r->type || r->type != 's')
		take_keyword(r);
	if (*r->at == '\'' || *r->at == '"')
		type = take_string(r, ret);
	else if (*r->at == 't' || *r->at == 'f')
		type = take_boolean(r, ret);
	else
		type = take_number(r, ret);
	if (type < 0)
		return type;
	if (r->type && r->type != type)
		return -EINVAL;
	r->type = (char)type;
	skip_blanks(r);
	return 0;
}

/* --- Arrays --- */

static int take_array(struct reader *r, struct gvariant *value)
{
	/* Each element takes at least a character and a comma. */
	size_t capacity = strlen(r->at) / 2 + 1;

	value->items = arena_alloc(r->arena, capacity, sizeof(*value->items));
	if (!value->items)
		return -ENOMEM;
	r->at++;
	skip_blanks(r);
	while (*r->at != ']') {
		int got = value->count < capacity ? take_value(r, &value->items[value->count])
		                                  : -EINVAL;

		if (got < 0)
			return got;
		value->count++;
		if (*r->at == ',') {
			r->at++;
			skip_blanks(r);
			if (*r->at == ']')
				return -EINVAL;
		} else if (*r->at != ']') {
			return -EINVAL;
		}
	}
	r->at++;
	skip_blanks(r);
	return r->type ? 0 : -EINVAL; /* "[]" alone has no type */
}

int gvariant_parse(const char *text, struct arena *arena, struct gvariant *ret)
{
	struct reader r = {.at = text, .arena = arena};
	struct gvariant value = {0};
	bool array = false;
	int got;

	skip_blanks(&r);
	got = take_signature(&r, &array);
	if (got < 0)
		return got;
	value.array = *r.at == '[';
	if (array && !value.array)
		return -EINVAL;
	if (value.array) {
		if (r.type && !array)
			return -EINVAL;
		got = take_array(&r, &value);
	} else {
		value.items = arena_alloc(arena, 1, sizeof(*value.items));
		value.count = 1;
		got = value.items ? take_value(&r, &value.items[0]) : -ENOMEM;
	}
	if (got < 0)
		return got;
	if (*r.at)
		return -EINVAL;
	value.type = r.type;
	*ret = value;
	return 0;
}
