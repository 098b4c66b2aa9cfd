/* wrap: access */
/* linux.mountLabel where a kernel with SELinux is feigned: only the plan is made, no kernel is asked. */
#include "bed.h"

#include "rootfs/plan.h"

static bool has_selinux;

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

int __wrap_access(const char *path, int mode)
{
	if (strcmp(path, "/sys/fs/selinux/enforce") != 0)
		return __real_access(path, mode);
	errno = ENOENT;
	return has_selinux ? 0 : -1;
}

/* The label that the mount at `destination` will be made with; null: none. */
static const char *label_of(const struct rootfs_plan *plan, const char *destination)
{
	for (size_t i = 0; i < plan->mount_count; i++)
		if (strcmp(plan->mounts[i].path, destination) == 0)
			return mount_options_value(&plan->mounts[i].options, "context");
	fail_msg("no mount at %s", destination);
	return NULL;
}

/* The plan borrows from the specification. */
static void plan_with(struct bed *bed, bool selinux, struct spec **spec, struct rootfs_plan **ret)
{
	static const char text[] =
		"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},"
		"\"mounts\":[{\"destination\":\"/tmp\",\"type\":\"tmpfs\",\"source\":\"t\"},"
		"{\"destination\":\"/run\",\"type\":\"tmpfs\",\"source\":\"t\",\"options\":"
		"[\"context=own\"]},"
		"{\"destination\":\"/dev/pts\",\"type\":\"devpts\",\"source\":\"devpts\"},"
		"{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		"{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"volume\",\"options\":"
		"[\"bind\"]}],"
		"\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],\"mountLabel\":\"a:b:c:s0\"}}";
	struct error err = {0};
	scoped_fd bundle = open(bed->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped_fd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct rootfs_request request = {
		.bundle_fd = bundle,
		.proc_fd = proc,
		.new_mount_namespace = true,
		.cgroup_fd = -1,
	};

	has_selinux = selinux;
	if (spec_parse("label.json", text, strlen(text), spec, &err))
		fail_msg("%s", err.text);
	request.spec = *spec;
	if (rootfs_prepare(&request, ret, &err))
		fail_msg("%s", err.text);
}

static void new_file_systems_of_the_container_have_it(void **state)
{
	scoped_spec spec = NULL;
	scoped_rootfs_plan plan = NULL;

	BED_NEEDS_ROOT();
	plan_with(*state, true, &spec, &plan);
	assert_string_equal(label_of(plan, "tmp"), "a:b:c:s0");
	assert_string_equal(label_of(plan, "dev/pts"), "a:b:c:s0");
}

static void own_options_volumes_and_the_kernels_file_systems_keep_theirs(void **state)
{
	scoped_spec spec = NULL;
	scoped_rootfs_plan plan = NULL;

	BED_NEEDS_ROOT();
	plan_with(*state, true, &spec, &plan);
	assert_string_equal(label_of(plan, "run"), "own");
	assert_null(label_of(plan, "proc"));
	assert_null(label_of(plan, "data"));
}

static void without_selinux_nothing_has_it(void **state)
{
	scoped_spec spec = NULL;
	scoped_rootfs_plan plan = NULL;

	BED_NEEDS_ROOT();
	plan_with(*state, false, &spec, &plan);
	assert_null(label_of(plan, "tmp"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		TEST(new_file_systems_of_the_container_have_it),
		TEST(own_options_volumes_and_the_kernels_file_systems_keep_theirs),
		TEST(without_selinux_nothing_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
