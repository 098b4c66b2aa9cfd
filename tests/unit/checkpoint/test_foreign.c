#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "checkpoint/session.h"

struct found {
	struct arena arena;
	struct string_list lowers;
	char *upper;
	bool metacopy;
	struct error err;
};

static void done(struct found *f)
{
	arena_done(&f->arena);
}

static int parse(struct found *f, const char *options)
{
	return foreign_parse(options, &f->arena, &f->lowers, &f->upper, &f->metacopy, &f->err);
}

static void layers_of_both_forms_are_found(void **state unused_parameter)
{
	scoped(done) struct found f = {0};

	assert_int_equal(0, parse(&f, "rw,lowerdir=/a:/b,upperdir=/u,workdir=/w"));
	assert_int_equal(2, f.lowers.count);
	assert_string_equal("/a", f.lowers.items[0]);
	assert_string_equal("/b", f.lowers.items[1]);
	assert_string_equal("/u", f.upper);
	assert_false(f.metacopy);
	assert_int_equal(0, parse(&f, "rw,lowerdir+=/x:y,lowerdir+=/z,upperdir=/u,metacopy=on"));
	assert_int_equal(2, f.lowers.count);
	assert_string_equal("/x:y", f.lowers.items[0]);
	assert_true(f.metacopy);
}

static void escapes_of_both_kinds_are_undone(void **state unused_parameter)
{
	scoped(done) struct found f = {0};

	assert_int_equal(0, parse(&f, "lowerdir=/a\\134:b:/c\\040d\\054e,upperdir=/u\\040v"));
	assert_int_equal(2, f.lowers.count);
	assert_string_equal("/a:b", f.lowers.items[0]);
	assert_string_equal("/c d,e", f.lowers.items[1]);
	assert_string_equal("/u v", f.upper);
}

static void a_relative_layer_is_refused(void **state unused_parameter)
{
	scoped(done) struct found f = {0};

	assert_true(parse(&f, "lowerdir=l/A:l/B,upperdir=/u") < 0);
	assert_non_null(strstr(f.err.text, "relative"));
	assert_true(parse(&f, "lowerdir=/a,upperdir=u") < 0);
}

static void one_without_a_writable_layer_has_none(void **state unused_parameter)
{
	scoped(done) struct found f = {0};

	assert_int_equal(0, parse(&f, "ro,lowerdir=/a:/b"));
	assert_null(f.upper);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_of_both_forms_are_found),
		cmocka_unit_test(escapes_of_both_kinds_are_undone),
		cmocka_unit_test(a_relative_layer_is_refused),
		cmocka_unit_test(one_without_a_writable_layer_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
