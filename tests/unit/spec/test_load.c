#include "tests/unit/spec/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/macro.h"

/* Where the tests are built and run from: the root of the sources. */
#define DATA "tests/data/"

static struct spec *load(const char *path)
{
	struct error err = {0};
	struct spec *spec = NULL;

	if (spec_load(AT_FDCWD, path, &spec, &err) < 0 || spec_validate(spec, &err) < 0)
		fail_msg("%s", err.text);
	return spec;
}

static void what_podman_writes_is_taken(void **state unused_parameter)
{
	scoped_spec spec = load(DATA "podman-config.json");

	assert_string_equal(spec->root.path, "rootfs");
	assert_string_equal(spec->process.args.items[0], "/bin/busybox");
	assert_string_equal(spec->process.args.items[2], "1000");
	assert_true(spec->linux.namespaces[NAMESPACE_MOUNT].set);
	assert_true(spec->linux.namespaces[NAMESPACE_CGROUP].set);
	assert_true(spec->linux.seccomp.set);
	assert_int_equal(spec->linux.seccomp.default_action, SECCOMP_ACTION_ERRNO);
	assert_true(spec->linux.seccomp.rule_count > 10);
	assert_true(spec->linux.seccomp.canonical_size > 1000);
	assert_int_equal(spec->linux.seccomp.canonical[0], '{');
	assert_int_equal(spec->linux.seccomp.canonical[spec->linux.seccomp.canonical_size - 1],
	                 '}');
	assert_true(spec->mount_count > 8);
	assert_true(spec->process.capabilities.set);
	assert_true(spec->process.capabilities.bounding != 0);
	assert_string_equal(spec_annotation(spec, "io.container.manager"), "libpod");
}

static void limits_of_podman_are_taken(void **state unused_parameter)
{
	scoped_spec spec = load(DATA "podman-limits-config.json");
	const struct spec_resources *r = &spec->linux.resources;

	assert_true(spec->process.terminal);
	assert_true(r->memory.limit.set);
	assert_int_equal(r->memory.limit.value, 64 * 1024 * 1024);
	assert_int_equal(r->pids_limit.value, 50);
	assert_int_equal(r->cpu.quota.value, 50000);
	assert_int_equal(r->cpu.period.value, 100000);
	assert_false(spec->linux.namespaces[NAMESPACE_NETWORK].set);
}

static void what_ctr_writes_is_taken(void **state unused_parameter)
{
	scoped_spec spec = load(DATA "ctr-config.json");

	assert_string_equal(spec->process.args.items[1], "sleep");
	assert_string_equal(spec->process.cwd, "/");
	assert_true(spec->linux.namespaces[NAMESPACE_PID].set);
	assert_string_equal(spec->linux.cgroups_path, "/default/k1");
	assert_true(spec->linux.masked_paths.count > 3);
	assert_int_equal(spec->process.rlimit_count, 1);
	assert_true(spec->process.rlimits[0].hard == 1024);
}

static void the_text_is_kept(void **state unused_parameter)
{
	static const char text[] = "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"a\"},"
				   "\"x\":18446744073709551615}";
	struct error err = {0};
	scoped_spec spec = NULL;

	assert_int_equal(spec_parse("t", text, strlen(text), &spec, &err), 0);
	assert_int_equal(spec->source_size, strlen(text));
	assert_string_equal(spec->source, text);
	assert_ptr_not_equal(spec->source, text);
}

static void unknown_properties_and_other_platforms_are_ignored(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG("'windows': {'layerFolders': 7}, 'vm': [], 'solaris': "
	                                "null, 'zos': 1, 'x': {'y': []},"
	                                "'linux': {'new': true}, 'hostname': 'h'"));

	assert_string_equal(spec->hostname, "h");
	assert_null(spec->domainname);
}

static void annotations_are_found_by_key(void **state unused_parameter)
{
	scoped_spec spec = parse(CONFIG("'annotations': {'a.b/c': 'd', 'e': ''}"));

	assert_string_equal(spec_annotation(spec, "a.b/c"), "d");
	assert_string_equal(spec_annotation(spec, "e"), "");
	assert_null(spec_annotation(spec, "a"));
}

static void wrong_values_are_refused_by_path(void **state unused_parameter)
{
	static const struct refusal refusals[] = {
		{"[]", "test.json: expected an object, got an array"},
		{"{}", "test.json: ociVersion: is missing"},
		{"{'ociVersion': 1}", "test.json: ociVersion: expected a string, got 1"},
		{"{'ociVersion': '1.0.0'}", "test.json: root: is missing"},
		{"{'ociVersion': '1.0.0', 'root': {}}", "test.json: root.path: is missing"},
		{"{'ociVersion': '1.0.0', 'root': {'path': 'a', 'readonly': 'yes'}}",
	         "test.json: root.readonly: expected true or false, got \"yes\""},
		{CONFIG("'mounts': {}"), "test.json: mounts: expected an array, got an object"},
		{CONFIG("'annotations': {'a b': 1}"),
	         "test.json: annotations[\"a b\"]: expected a string, got 1"},
		{CONFIG("'annotations': {'a': '1', 'a': '2'}"),
	         "test.json: line 1, column 81: duplicate object key near '\"a\"'"},
		{"{\n'ociVersion': '1.0.0',\n'root' {}}",
	         "test.json: line 3, column 8: ':' expected near '{'"},
	};

	refuse_all(refusals, ARRAY_SIZE(refusals));
}

static void an_absent_file_is_named(void **state unused_parameter)
{
	struct error err = {0};
	scoped_spec spec = NULL;

	assert_int_equal(spec_load(AT_FDCWD, DATA "none.json", &spec, &err), -ENOENT);
	assert_non_null(strstr(err.text, DATA "none.json"));
	assert_null(spec);
}

static void a_directory_in_place_of_the_file_is_refused(void **state unused_parameter)
{
	struct error err = {0};
	scoped_spec spec = NULL;

	assert_true(spec_load(AT_FDCWD, DATA, &spec, &err) < 0);
	assert_null(spec);
}

static void a_text_beyond_the_limit_is_refused(void **state unused_parameter)
{
	struct error err = {0};
	scoped_spec spec = NULL;
	char *text = malloc(SPEC_SIZE_LIMIT + 1);

	assert_non_null(text);
	memset(text, ' ', SPEC_SIZE_LIMIT + 1);
	assert_int_equal(spec_parse("t", text, SPEC_SIZE_LIMIT + 1, &spec, &err), -EFBIG);
	assert_string_equal(err.text, "t: larger than 16777216 bytes");
	assert_true(spec_parse("t", text, SPEC_SIZE_LIMIT, &spec, &err) == -EINVAL);
	free(text);
}

/* A tree is up to a hundred times its text; the scanner stops before it is built. */
static void a_text_of_many_values_is_refused_before_it_becomes_a_tree(void **state unused_parameter)
{
	struct error err = {0};
	scoped_spec spec = NULL;
	const size_t size = 8 * 1024 * 1024;
	char *text = malloc(size);

	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = "{},"[i % 3];
	text[0] = '[';
	assert_int_equal(spec_parse("t", text, size, &spec, &err), -E2BIG);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_podman_writes_is_taken),
		cmocka_unit_test(limits_of_podman_are_taken),
		cmocka_unit_test(what_ctr_writes_is_taken),
		cmocka_unit_test(the_text_is_kept),
		cmocka_unit_test(unknown_properties_and_other_platforms_are_ignored),
		cmocka_unit_test(annotations_are_found_by_key),
		cmocka_unit_test(wrong_values_are_refused_by_path),
		cmocka_unit_test(an_absent_file_is_named),
		cmocka_unit_test(a_directory_in_place_of_the_file_is_refused),
		cmocka_unit_test(a_text_beyond_the_limit_is_refused),
		cmocka_unit_test(a_text_of_many_values_is_refused_before_it_becomes_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
