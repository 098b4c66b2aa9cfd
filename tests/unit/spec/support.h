/*
 * What the tests of spec/ share. JSON is written with ' for " so that it can be read, and a
 * configuration with %CONFIG in place of the members that every one needs.
 */
#ifndef LVM_RUN_TESTS_UNIT_SPEC_SUPPORT_H
#define LVM_RUN_TESTS_UNIT_SPEC_SUPPORT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spec/spec.h"

/* The least configuration, with more members inside: CONFIG("'hostname': 'a'"). */
#define CONFIG(members) "{'ociVersion': '1.3.0', 'root': {'path': 'rootfs'}, " members "}"
#define CONFIG_LINUX(members) CONFIG("'linux': {" members "}")

typedef int parse_function(const char *name, const char *text, size_t size, struct spec **ret,
                           struct error *err);

static inline char *json_quotes(const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	for (char *c = copy; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	return copy;
}

static inline struct spec *parse_with(parse_function *parser, const char *text)
{
	struct error err = {0};
	struct spec *spec = NULL;
	char *json = json_quotes(text);
	int r = parser("test.json", json, strlen(json), &spec, &err);

	free(json);
	if (r < 0)
		fail_msg("%s", err.text);
	assert_int_equal(r, 0);
	assert_non_null(spec);
	assert_int_equal(err.code, 0);
	return spec;
}

static inline struct spec *parse(const char *text)
{
	return parse_with(spec_parse, text);
}

/* The parser refuses `text` with exactly this error, and gives nothing back. */
static inline void refuse_with(parse_function *parser, const char *text, const char *expected)
{
	struct error err = {0};
	struct spec *spec = NULL;
	char *json = json_quotes(text);
	int r = parser("test.json", json, strlen(json), &spec, &err);

	free(json);
	assert_string_equal(err.text, expected);
	assert_true(r < 0);
	assert_int_equal(r, -err.code);
	assert_null(spec);
}

struct refusal {
	const char *text;
	const char *expected;
};

static inline void refuse_all(const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refuse_with(spec_parse, refusals[i].text, refusals[i].expected);
}

static inline void assert_strings(const struct string_list *list, const char *const *expected,
                                  size_t count)
{
	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(list->items[i], expected[i]);
	assert_null(list->items[count]);
}

#endif
