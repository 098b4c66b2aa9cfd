#include "tests/unit/spec/support.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/macro.h"

static struct spec *load_default(bool rootless)
{
	struct error err = {0};
	struct spec *spec = NULL;
	char *text = spec_default_json(rootless);

	assert_non_null(text);
	assert_int_equal(text[strlen(text) - 1], '\n');
	if (spec_parse("default", text, strlen(text), &spec, &err) < 0 ||
	    spec_validate(spec, &err) < 0)
		fail_msg("%s", err.text);
	free(text);
	return spec;
}

static const struct spec_mount *find_mount(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->mount_count; i++) {
		if (strcmp(spec->mounts[i].destination, destination) == 0)
			return &spec->mounts[i];
	}
	return NULL;
}

static void the_default_is_what_runtimes_write(void **state unused_parameter)
{
	static const char *const args[] = {"sh"};
	static const char *const pts[] = {"nosuid",        "noexec",    "newinstance",
	                                  "ptmxmode=0666", "mode=0620", "gid=5"};
	const uint64_t capabilities = UINT64_C(1) << 29 | 1 << 5 | 1 << 10;
	scoped_spec spec = load_default(false);
	const struct spec_process *p = &spec->process;

	assert_string_equal(spec->oci_version, SPEC_VERSION);
	assert_true(p->terminal && p->no_new_privileges && spec->root.readonly);
	assert_strings(&p->args, args, ARRAY_SIZE(args));
	assert_true(p->capabilities.bounding == capabilities);
	assert_true(p->capabilities.effective == capabilities);
	assert_true(p->capabilities.permitted == capabilities);
	assert_true(p->capabilities.inheritable == 0 && p->capabilities.ambient == 0);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_true(p->rlimits[0].soft == 1024 && p->rlimits[0].hard == 1024);
	assert_int_equal(spec->mount_count, 7);
	assert_strings(&find_mount(spec, "/dev/pts")->options, pts, ARRAY_SIZE(pts));
	assert_int_equal(find_mount(spec, "/proc")->options.count, 0);
	assert_int_equal(spec->linux.resources.device_count, 1);
	assert_false(spec->linux.resources.devices[0].allow);
	assert_false(spec->linux.namespaces[NAMESPACE_USER].set);
	assert_true(spec->linux.namespaces[NAMESPACE_NETWORK].set);
	assert_true(spec->linux.masked_paths.count > 5 && spec->linux.readonly_paths.count > 3);
	assert_false(spec->linux.seccomp.set);
}

static void the_rootless_default_needs_no_rights_over_the_host(void **state unused_parameter)
{
	scoped_spec spec = load_default(true);

	assert_true(spec->linux.namespaces[NAMESPACE_USER].set);
	assert_false(spec->linux.namespaces[NAMESPACE_NETWORK].set);
	assert_int_equal(spec->linux.uid_mappings.items[0].host_id, geteuid());
	assert_int_equal(spec->linux.gid_mappings.items[0].host_id, getegid());
	assert_int_equal(spec->linux.resources.device_count, 0);
	assert_string_equal(find_mount(spec, "/sys")->options.items[0], "rbind");
	assert_null(find_mount(spec, "/sys/fs/cgroup"));
	for (size_t i = 0; i < spec->mount_count; i++) {
		for (size_t j = 0; j < spec->mounts[i].options.count; j++)
			assert_int_not_equal(strncmp(spec->mounts[i].options.items[j], "gid=", 4),
			                     0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_is_what_runtimes_write),
		cmocka_unit_test(the_rootless_default_needs_no_rights_over_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
