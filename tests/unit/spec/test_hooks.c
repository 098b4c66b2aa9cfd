#include "tests/unit/spec/support.h"

#include "base/macro.h"

#define HOOKS(members) CONFIG("'hooks': {" members "}")

static void hooks_are_decoded_by_kind(void **state unused_parameter)
{
	static const char *const args[] = {"a", "b"}, *const env[] = {"A=1"};
	scoped_spec spec = parse(
		HOOKS("'prestart': [{'path': '/p'}], 'createRuntime': [{'path': '/cr'}, {'path': "
	              "'/cr2'}],"
	              "'createContainer': [{'path': '/cc', 'args': ['a', 'b'], 'env': ['A=1'],"
	              "'timeout': 5}], 'startContainer': [{'path': '/sc', 'env': []}],"
	              "'poststart': [{'path': '/ps'}], 'poststop': [{'path': '/pp'}]"));
	const struct spec_hook_list *h = spec->hooks;

	assert_string_equal(h[HOOK_PRESTART].items[0].path, "/p");
	assert_int_equal(h[HOOK_CREATE_RUNTIME].count, 2);
	assert_string_equal(h[HOOK_CREATE_RUNTIME].items[1].path, "/cr2");
	assert_false(h[HOOK_CREATE_RUNTIME].items[0].has_env);
	assert_strings(&h[HOOK_CREATE_RUNTIME].items[0].args, NULL, 0);
	assert_strings(&h[HOOK_CREATE_RUNTIME].items[0].env, NULL, 0);
	assert_int_equal(h[HOOK_CREATE_RUNTIME].items[0].timeout_s, 0);
	assert_strings(&h[HOOK_CREATE_CONTAINER].items[0].args, args, ARRAY_SIZE(args));
	assert_strings(&h[HOOK_CREATE_CONTAINER].items[0].env, env, ARRAY_SIZE(env));
	assert_true(h[HOOK_CREATE_CONTAINER].items[0].has_env);
	assert_int_equal(h[HOOK_CREATE_CONTAINER].items[0].timeout_s, 5);
	assert_true(h[HOOK_START_CONTAINER].items[0].has_env);
	assert_string_equal(h[HOOK_POSTSTART].items[0].path, "/ps");
	assert_string_equal(h[HOOK_POSTSTOP].items[0].path, "/pp");
}

static void absent_hooks_are_empty_lists(void **state unused_parameter)
{
	scoped_spec none = parse(CONFIG("'hooks': null"));
	scoped_spec some = parse(HOOKS("'prestart': [], 'poststop': null"));

	for (size_t i = 0; i < HOOK_KIND_COUNT; i++) {
		assert_int_equal(none->hooks[i].count, 0);
		assert_int_equal(some->hooks[i].count, 0);
	}
}

static void wrong_values_are_refused_by_path(void **state unused_parameter)
{
	static const struct refusal refusals[] = {
		{CONFIG("'hooks': []"), "test.json: hooks: expected an object, got an array"},
		{HOOKS("'prestart': {}"),
	         "test.json: hooks.prestart: expected an array, got an object"},
		{HOOKS("'poststop': [{}]"), "test.json: hooks.poststop[0].path: is missing"},
		{HOOKS("'poststop': [{'path': '/a', 'timeout': 0}]"),
	         "test.json: hooks.poststop[0].timeout: expected an integer from 1 to 2147483647, "
	         "got 0"},
		{HOOKS("'poststop': [{'path': '/a', 'timeout': -3}]"),
	         "test.json: hooks.poststop[0].timeout: expected an integer from 1 to 2147483647, "
	         "got -3"},
	};

	refuse_all(refusals, ARRAY_SIZE(refusals));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_are_decoded_by_kind),
		cmocka_unit_test(absent_hooks_are_empty_lists),
		cmocka_unit_test(wrong_values_are_refused_by_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
