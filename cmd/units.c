#include "cmd/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/* ".345" × scale, if there is a point. From the last digit on: 1.5 k is 1536 without floating point. */
static uint64_t take_fraction(const char **text, uint64_t scale, bool *ret_digits)
{
	uint64_t part = 0;

	if (**text != '.')
		return 0;

	const char *first = *text + 1;
	size_t count = strspn(first, "0123456789");

	*text = first + count;
	*ret_digits = *ret_digits || count > 0;
	while (count > 0)
		part = ((uint64_t)(first[--count] - '0') * scale + part) / 10;
	return part;
}

/* "12.345" × scale, cut to a whole number. Moves *text behind it. */
static int take_decimal(const char **text, uint64_t scale, uint64_t *ret)
{
	uint64_t whole = 0;
	uint64_t part;
	bool digits = false;

	for (; isdigit((unsigned char)**text); (*text)++) {
		uint64_t digit = (uint64_t)(**text - '0');

		if (whole > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		whole = whole * 10 + digit;
		digits = true;
	}
	if (whole > (uint64_t)INT64_MAX / scale)
		return -ERANGE;
	part = take_fraction(text, scale, &digits);
	if (!digits || whole * scale > (uint64_t)INT64_MAX - part)
		return digits ? -ERANGE : -EINVAL;
	*ret = whole * scale + part;
	return 0;
}

/* What a decimal number is followed by. */
static const char *skip_decimal(const char *text)
{
	return text + strspn(text, "0123456789.");
}

/* --- Bytes --- */

static int bytes_scale(const char *unit, uint64_t *ret)
{
	static const char letters[] = "kmgtp";
	const char *letter = *unit ? strchr(letters, tolower((unsigned char)*unit)) : NULL;

	if (!letter) {
		*ret = 1;
		return *unit == '\0' || strcasecmp(unit, "b") == 0 ? 0 : -EINVAL;
	}
	unit++;
	if (*unit && strcasecmp(unit, "b") != 0 && strcasecmp(unit, "ib") != 0)
		return -EINVAL;
	*ret = UINT64_C(1) << (10 * (letter - letters + 1));
	return 0;
}

int units_parse_bytes(const char *text, int64_t *ret)
{
	uint64_t scale;
	uint64_t bytes;
	const char *unit = skip_decimal(text);
	int r;

	if (str_equal(text, "-1")) {
		*ret = -1;
		return 0;
	}
	r = bytes_scale(unit, &scale);
	if (r == 0 && scale == 1 && memchr(text, '.', (size_t)(unit - text)))
		r = -EINVAL;
	if (r == 0)
		r = take_decimal(&text, scale, &bytes);
	if (r == 0 && text != unit)
		r = -EINVAL;
	if (r < 0)
		return r;
	*ret = (int64_t)bytes;
	return 0;
}

char *units_format_bytes(uint64_t bytes, char ret[static UNITS_TEXT_SIZE])
{
	static const char letters[] = "KMGTPE";
	uint64_t scale = 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(ret, UNITS_TEXT_SIZE, "%uB", (unsigned int)bytes);
		return ret;
	}
	while (i + 2 < sizeof(letters) && bytes / scale >= 1024) {
		scale *= 1024;
		i++;
	}
	(void)snprintf(ret, UNITS_TEXT_SIZE, "%.*f%ciB", bytes / scale >= 100 ? 0 : 1,
	               (double)bytes / (double)scale, letters[i]);
	return ret;
}

/* --- Durations --- */

char *units_format_ms(uint64_t us, char ret[static UNITS_MS_SIZE])
{
	(void)snprintf(ret, UNITS_MS_SIZE, "%" PRIu64 ".%" PRIu64 " ms", us / 1000,
	               us % 1000 / 100);
	return ret;
}

static const struct {
	const char *unit;
	uint64_t ns;
} durations[] = {
	/* The longer word first where one begins with another. */
	{"ns", 1},
	{"us", 1000},
	{"\xc2\xb5s", 1000},
	{"\xce\xbcs", 1000},
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", UINT64_C(60000000000)},
	{"h", UINT64_C(3600000000000)},
};

static const char *find_duration(const char *text, uint64_t *ret_ns)
{
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		if (str_starts(text, durations[i].unit)) {
			*ret_ns = durations[i].ns;
			return text + strlen(durations[i].unit);
		}
	}
	return NULL;
}

int units_parse_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t sum = 0;

	if (str_equal(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		uint64_t scale = 1;
		uint64_t part = 0;
		const char *unit = skip_decimal(text);
		const char *next = find_duration(unit, &scale);
		int r = next ? take_decimal(&text, scale, &part) : -EINVAL;

		if (r == 0 && text != unit)
			r = -EINVAL;
		if (r == 0 && part > (uint64_t)INT64_MAX - sum)
			r = -ERANGE;
		if (r < 0)
			return r;
		sum += part;
		text = next;
	}
	*ret_ns = sum;
	return 0;
}
