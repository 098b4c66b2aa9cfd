/* Where the v2 hierarchy is mounted. Needs root. */
#include "groups.h"

/* --- Where the hierarchy is --- */

static int plan_in_unified_view(void)
{
	struct cgroup_request request = request_for("unit-view");
	scoped_str id = new_id();
	scoped_cgroup group = NULL;
	struct error err = {0};
	int r = 0;

	/* EBUSY: it is what is mounted there already. */
	if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0 && errno != EBUSY)
		return 78;
	request.id = id;
	if (cgroup_plan(&request, &group, &err) < 0 || cgroup_create(group, &err) < 0)
		return 1;
	if (!str_equal(cgroup_locate(group)->mount, "/sys/fs/cgroup"))
		r = 2;
	if (cgroup_destroy(group, &err) < 0)
		r = 3;
	return r;
}

static void a_pure_v2_host_is_served(void **state)
{
	(void)state;
	need_root();

	int r = in_private_view(plan_in_unified_view);

	if (r == 77 || r == 78) {
		(void)printf("SKIP a private view cannot be made here\n");
		skip();
	}
	assert_int_equal(r, 0);
}

static int plan_with_hierarchy_elsewhere(void)
{
	char mount_point[LAYOUT_PATH_SIZE];
	struct error err = {0};

	if (mount("none", "/sys/fs/cgroup", "tmpfs", 0, NULL) < 0 ||
	    mount("cgroup2", "/mnt", "cgroup2", 0, NULL) < 0)
		return 78;
	if (layout_find_unified(mount_point, &err) < 0)
		return 1;
	/* The host's own, now hidden below the tmpfs, is listed first. */
	return str_equal(mount_point, "/mnt") ? 0 : 2;
}

static void a_hierarchy_mounted_elsewhere_is_found(void **state)
{
	(void)state;
	need_root();

	int r = in_private_view(plan_with_hierarchy_elsewhere);

	if (r == 77 || r == 78) {
		(void)printf("SKIP a private view cannot be made here\n");
		skip();
	}
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pure_v2_host_is_served),
		cmocka_unit_test(a_hierarchy_mounted_elsewhere_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
