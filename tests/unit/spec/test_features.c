#include "tests/unit/spec/support.h"

#include "base/macro.h"
#include "spec/json.h"
#include "spec/state.h"

static bool only_x86_64(const char *name)
{
	return strcmp(name, "SCMP_ARCH_X86_64") == 0;
}

static void encode(const struct features_facts *facts, struct json_document *document)
{
	struct error err = {0};
	char *text = features_encode(facts);

	assert_non_null(text);
	assert_int_equal(text[strlen(text) - 1], '\n');
	if (json_parse("features", text, strlen(text), document, &err) < 0)
		fail_msg("%s", err.text);
	free(text);
}

/* The node at a path of members: "linux.seccomp.enabled". */
static const struct json_t *at(const struct json_document *document, const char *path)
{
	const struct json_t *node = document->root;
	char *copy = strdup(path), *rest = copy;

	assert_non_null(copy);
	while (node && rest)
		node = json_member(node, strsep(&rest, "."));
	free(copy);
	return node;
}

static struct json_value value_at(const struct json_document *document, const char *path)
{
	const struct json_t *node = at(document, path);
	struct json_value value;

	if (!node)
		fail_msg("%s is missing", path);
	json_look(document, node, &value);
	return value;
}

static bool truth(const struct json_document *document, const char *path)
{
	struct json_value value = value_at(document, path);

	assert_int_equal(value.kind, VALUE_BOOL);
	return value.truth;
}

static void assert_list(const struct json_document *document, const char *path,
                        const char *const *expected, size_t count)
{
	const struct json_t *list = at(document, path);
	struct json_value value;

	assert_int_equal(value_at(document, path).length, count);
	for (size_t i = 0; i < count; i++) {
		json_look(document, json_item(list, i), &value);
		assert_string_equal(value.text, expected[i]);
	}
}

static void everything_is_reported(void **state unused_parameter)
{
	static const char *const options[] = {"ro", "rro", "idmap"};
	static const char *const hooks[] = {"prestart",       "createRuntime", "createContainer",
	                                    "startContainer", "poststart",     "poststop"};
	static const char *const archs[] = {"SCMP_ARCH_X86_64"};
	static const char *const flags[] = {"SECCOMP_FILTER_FLAG_TSYNC",
	                                    "SECCOMP_FILTER_FLAG_SPEC_ALLOW"};
	static const char *const modes[] = {"MPOL_DEFAULT",    "MPOL_BIND",
	                                    "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
	                                    "MPOL_PREFERRED",  "MPOL_PREFERRED_MANY",
	                                    "MPOL_LOCAL"};
	static const char *const memory_flags[] = {"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES",
	                                           "MPOL_F_STATIC_NODES"};
	static const char *const unsafe[] = {
		"org.systemd.property.", "run.oci.keep_original_groups", "run.oci.hooks.stdout",
		"run.oci.hooks.stderr",  "run.oci.pidfd_receiver",       "run.oci.seccomp.receiver",
	};
	const struct features_facts facts = {
		.version = "0.1.0",
		.commit = "abc",
		.libseccomp_version = "2.5.4",
		.systemd = true,
		.mount_options = options,
		.mount_option_count = ARRAY_SIZE(options),
		.idmap = true,
		.seccomp_architecture = only_x86_64,
		.seccomp_flags = SECCOMP_SPEC_FLAG_TSYNC | SECCOMP_SPEC_FLAG_SPEC_ALLOW,
		.apparmor = true,
	};
	scoped_json d = {0};

	encode(&facts, &d);
	assert_string_equal(value_at(&d, "ociVersionMin").text, "1.0.0");
	assert_string_equal(value_at(&d, "ociVersionMax").text, "1.3.0");
	assert_list(&d, "hooks", hooks, ARRAY_SIZE(hooks));
	assert_list(&d, "mountOptions", options, ARRAY_SIZE(options));
	assert_list(&d, "potentiallyUnsafeConfigAnnotations", unsafe, ARRAY_SIZE(unsafe));
	assert_list(&d, "linux.namespaces", spec_namespace_names, NAMESPACE_TYPE_COUNT);
	assert_int_equal(value_at(&d, "linux.capabilities").length, 41);
	assert_true(truth(&d, "linux.cgroup.v2") && truth(&d, "linux.cgroup.systemd"));
	assert_true(truth(&d, "linux.cgroup.rdma"));
	assert_false(truth(&d, "linux.cgroup.v1") || truth(&d, "linux.cgroup.systemdUser"));
	assert_list(&d, "linux.memoryPolicy.modes", modes, ARRAY_SIZE(modes));
	assert_list(&d, "linux.memoryPolicy.flags", memory_flags, ARRAY_SIZE(memory_flags));
	assert_true(truth(&d, "linux.seccomp.enabled"));
	assert_int_equal(value_at(&d, "linux.seccomp.actions").length, 9);
	assert_int_equal(value_at(&d, "linux.seccomp.operators").length, 7);
	assert_int_equal(value_at(&d, "linux.seccomp.knownFlags").length, 4);
	assert_list(&d, "linux.seccomp.archs", archs, ARRAY_SIZE(archs));
	assert_list(&d, "linux.seccomp.supportedFlags", flags, ARRAY_SIZE(flags));
	assert_true(truth(&d, "linux.apparmor.enabled"));
	assert_true(truth(&d, "linux.netDevices.enabled"));
	assert_false(truth(&d, "linux.selinux.enabled"));
	assert_true(truth(&d, "linux.intelRdt.enabled") && truth(&d, "linux.intelRdt.schemata") &&
	            truth(&d, "linux.intelRdt.monitoring"));
	assert_true(truth(&d, "linux.mountExtensions.idmap.enabled"));
}

static void annotations_name_the_versions(void **state unused_parameter)
{
	const struct features_facts facts = {
		.version = "0.1.0", .commit = "abc", .libseccomp_version = "2.5.4"};
	scoped_json d = {0};
	const struct json_t *annotations;
	struct json_value value;

	encode(&facts, &d);
	annotations = at(&d, "annotations");
	json_look(&d, json_member(annotations, "io.github.seccomp.libseccomp.version"), &value);
	assert_string_equal(value.text, "2.5.4");
	json_look(&d, json_member(annotations, "run.lvm.commit"), &value);
	assert_string_equal(value.text, "abc");
	json_look(&d, json_member(annotations, "run.lvm.version"), &value);
	assert_string_equal(value.text, "0.1.0");
	json_look(&d, json_member(annotations, "org.opencontainers.runc.checkpoint.enabled"),
	          &value);
	assert_string_equal(value.text, "false");
}

static void a_build_without_seccomp_says_so(void **state unused_parameter)
{
	const struct features_facts facts = {.version = "0.1.0"};
	scoped_json d = {0};

	encode(&facts, &d);
	assert_false(truth(&d, "linux.seccomp.enabled"));
	assert_null(at(&d, "linux.seccomp.actions"));
	assert_null(json_member(at(&d, "annotations"), "io.github.seccomp.libseccomp.version"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_reported),
		cmocka_unit_test(annotations_name_the_versions),
		cmocka_unit_test(a_build_without_seccomp_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
