/* No machine here has resctrl: a folder of plain files stands for it (LVM_RUN_RESCTRL). */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/macro.h"
#include "base/str.h"
#include "cgroups/resctrl_stats.h"

static void schemata_are_compared_by_their_meaning(void **state unused_parameter)
{
	static const char there[] = "    L3:0=0000f;1=fffff\n    MB:0= 50;1=100\nL3CODE:0=ff\n";

	assert_true(resctrl_schemata_hold(there, "L3:0=f;1=fffff"));
	assert_true(resctrl_schemata_hold(there, "L3:1=FFFFF;0=f\n"));
	assert_true(resctrl_schemata_hold(there, "L3:0=f\nMB:0=50"));
	assert_true(resctrl_schemata_hold(there, " MB: 1=100 ; 0=50"));
	assert_true(resctrl_schemata_hold(there, "L3CODE:0=0ff"));
	assert_true(resctrl_schemata_hold(there, ""));
	assert_false(resctrl_schemata_hold(there, "L3:0=ff"));
	assert_false(resctrl_schemata_hold(there, "L3:2=f"));
	assert_false(resctrl_schemata_hold(there, "L2:0=f"));
	assert_false(resctrl_schemata_hold(there, "MB:0=51"));
	/* 50 is no mask here: bandwidth is decimal. */
	assert_false(resctrl_schemata_hold("MB:0=80", "MB:0=50"));
	assert_false(resctrl_schemata_hold(there, "L3:0=f;1=ffff"));
	assert_false(resctrl_schemata_hold(there, "L3"));
	assert_false(resctrl_schemata_hold("", "L3:0=f"));
	assert_true(resctrl_schemata_hold("L3:0=x", "L3:0=x"));
	assert_false(resctrl_schemata_hold("L3:0=x", "L3:0=y"));
}

/* --- A tree --- */

static int make_tree(void **state)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "/tmp/lvm-run-resctrl-XXXXXX");
	if (!mkdtemp(path) || setenv("LVM_RUN_RESCTRL", path, 1) < 0)
		return -1;
	*state = path;
	return 0;
}

static int remove_tree(void **state)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execlp("rm", "rm", "-rf", (char *)*state, (char *)NULL);
		_exit(127);
	}
	unsetenv("LVM_RUN_RESCTRL");
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void put(const char *root, const char *file, const char *text)
{
	char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", root, file);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}

	scoped_fd fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void expect_text(const char *root, const char *file, const char *expected)
{
	char path[200], text[400];
	struct error err;

	(void)snprintf(path, sizeof(path), "%s/%s", root, file);
	assert_true(file_read_kernel(AT_FDCWD, path, text, sizeof(text), &err) >= 0);
	assert_string_equal(text, expected);
}

static char gold[] = "gold", l3[] = "L3:0=f\nMB:0=1", mb[] = "MB:0=20", line[] = "L2:0=3";
static char *lines[] = {line, NULL};

static void a_class_without_a_name_is_the_containers(void **state)
{
	const struct spec_intel_rdt rdt = {.set = true, .enable_monitoring = true};
	scoped_arena arena = {0};
	struct resctrl resctrl;
	struct error err = {0};
	char expected[200];

	assert_int_equal(resctrl_plan(&rdt, "web1", &arena, &resctrl, &err), 0);
	(void)snprintf(expected, sizeof(expected), "%s/web1", (char *)*state);
	assert_string_equal(resctrl.group, expected);
	(void)snprintf(expected, sizeof(expected), "%s/web1/mon_groups/web1", (char *)*state);
	assert_string_equal(resctrl.monitor, expected);
	assert_true(resctrl.create && !resctrl.created);
}

static void schemas_are_written_in_their_order(void **state)
{
	const struct spec_intel_rdt rdt = {
		.set = true,
		.clos_id = gold,
		.l3_cache_schema = l3,
		.memory_bandwidth_schema = mb,
		.schemata = {.items = lines, .count = 1},
	};
	scoped_arena arena = {0};
	struct resctrl resctrl;
	struct error err = {0};

	assert_int_equal(resctrl_plan(&rdt, "web1", &arena, &resctrl, &err), 0);
	assert_int_equal(resctrl_create(&resctrl, &rdt, &err), 0);
	assert_true(resctrl.created);
	expect_text(*state, "gold/schemata", "L3:0=f\nMB:0=20\nL2:0=3");
	assert_int_equal(resctrl_add(&resctrl, 17, &err), 0);
	expect_text(*state, "gold/tasks", "17");
	/* Somebody else's now: no second container may make it. */
	assert_int_equal(resctrl_create(&resctrl, &rdt, &err), -EEXIST);
}

static void what_fails_is_taken_back(void **state)
{
	const struct spec_intel_rdt rdt = {.set = true,
	                                   .clos_id = gold,
	                                   .enable_monitoring = true,
	                                   .memory_bandwidth_schema = mb};
	scoped_arena arena = {0};
	struct resctrl resctrl;
	struct error err = {0};
	char schemata[100];

	assert_int_equal(resctrl_plan(&rdt, "web1", &arena, &resctrl, &err), 0);
	/* A folder takes no text, as the kernel takes no nonsense; and it says why. */
	put(*state, "info/last_cmd_status", "mask 0 has non-consecutive 1-bits\n");
	assert_int_equal(mkdir(resctrl.group, 0755), 0);
	(void)snprintf(schemata, sizeof(schemata), "%s/schemata", resctrl.group);
	assert_int_equal(mkdir(schemata, 0755), 0);
	resctrl.create = false;
	assert_true(resctrl_create(&resctrl, &rdt, &err) < 0);
	assert_false(resctrl.monitored);
	assert_int_equal(resctrl_update(&resctrl, &rdt, &arena, &(const char *){NULL}, &err),
	                 -EISDIR);
}

static void a_class_in_use_stays_and_an_empty_one_goes(void **state)
{
	char group[100], pid[20], monitor[100];
	struct error err = {0};

	(void)snprintf(pid, sizeof(pid), "%d\n", getpid());
	put(*state, "gold/tasks", pid);
	(void)snprintf(group, sizeof(group), "%s/gold", (char *)*state);
	assert_int_equal(resctrl_remove(group, NULL, &err), 0);
	assert_int_equal(access(group, F_OK), 0);
	put(*state, "gold/tasks", "999999999\n");
	assert_int_equal(resctrl_remove(group, NULL, &err), -ENOTEMPTY); /* it would, in resctrl */
	(void)snprintf(group, sizeof(group), "%s/silver", (char *)*state);
	(void)snprintf(monitor, sizeof(monitor), "%s/silver/m", (char *)*state);
	put(*state, "silver/m/x", "");
	assert_int_equal(resctrl_remove(NULL, NULL, &err), 0);
	assert_int_equal(resctrl_remove("/nonexistent/class", "/nonexistent/m", &err), 0);
	assert_int_equal(resctrl_remove(group, monitor, &err), -ENOTEMPTY);
}

static void statistics_come_from_the_monitoring_group(void **state)
{
	const struct spec_intel_rdt rdt = {.set = true, .clos_id = gold, .enable_monitoring = true};
	scoped_arena arena = {0};
	struct resctrl resctrl;
	struct resctrl_stats stats;
	struct error err = {0};

	put(*state, "schemata", "    MB:0=100\n    L3:0=ff\n");
	put(*state, "gold/schemata", "L3CODE:0=f\nL3DATA:0=f\n");
	put(*state, "gold/mon_groups/w/mon_data/mon_L3_01/llc_occupancy", "7\n");
	put(*state, "gold/mon_groups/w/mon_data/mon_L3_00/llc_occupancy", "Unavailable\n");
	assert_int_equal(resctrl_find(&rdt, "w", &arena, &resctrl, &err), 0);
	assert_int_equal(resctrl_stats_read(&resctrl, &arena, &stats, &err), 0);
	assert_true(stats.set && !stats.cbm_mask && !stats.bandwidth && !stats.bandwidth_gran.set);
	assert_string_equal(stats.root_cache, "L3:0=ff");
	assert_string_equal(stats.root_bandwidth, "MB:0=100");
	assert_string_equal(stats.cache, "L3CODE:0=f");
	assert_int_equal(stats.domain_count, 2);
	assert_false(stats.domains[0].occupancy.set);
	assert_int_equal(stats.domains[1].occupancy.value, 7);
	assert_false(stats.domains[1].total_bytes.set);
}

int main(void)
{
#define with_tree(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemata_are_compared_by_their_meaning),
		with_tree(a_class_without_a_name_is_the_containers),
		with_tree(schemas_are_written_in_their_order),
		with_tree(what_fails_is_taken_back),
		with_tree(a_class_in_use_stays_and_an_empty_one_goes),
		with_tree(statistics_come_from_the_monitoring_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
