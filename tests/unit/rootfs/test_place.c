#include "bed.h"

/* What an image, or a container that shares a volume, does to be mounted onto something else. */

#define MOUNT(destination, type, source, ...)                                                      \
	"{\"destination\":\"" destination "\",\"type\":\"" type "\",\"source\":\"" source          \
	"\",\"options\":[" __VA_ARGS__ "]}"
#define BIND(destination, source) MOUNT(destination, "bind", source, "\"bind\"")

static void special_directories_that_are_links_are_refused(void **state)
{
	static const struct {
		const char *name;
		const char *mount;
		const char *error;
	} cases[] = {
		{"rootfs/proc", BED_PROC, "mount /proc: the destination is a symbolic link"},
		{"rootfs/sys", MOUNT("/sys", "sysfs", "sysfs", ""),
	         "mount /sys: the destination is"},
		{"rootfs/dev", BED_DEV, "mount /dev: the destination is a symbolic link"},
	};
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bed_remove(bed, cases[i].name);
		bed_symlink(bed, bed_path(bed, "out", path), cases[i].name);
		bed_run(bed, cases[i].mount, "");
		bed_assert_failed(bed, "mounts", cases[i].error);
		bed_assert_outside_untouched(bed);
		bed_remove(bed, cases[i].name);
		/* Not to a directory of the image either: what is mounted there would not be /proc. */
		bed_symlink(bed, "tmp", cases[i].name);
		bed_run(bed, cases[i].mount, "");
		bed_assert_failed(bed, "mounts", cases[i].error);
		bed_remove(bed, cases[i].name);
		bed_write(bed, cases[i].name, "a file\n");
		bed_run(bed, cases[i].mount, "");
		bed_assert_failed(bed, "mounts", "not both directories");
		bed_remove(bed, cases[i].name);
		bed_mkdir(bed, cases[i].name);
	}
}

static void look_linked_volume(struct bed *bed)
{
	char out[256];

	look_text(bed, "/lnk/a/b/file", "volume\n");
	scoped_str inside = str_format("%s/a/b", bed_path(bed, "out", out));
	look_mounted(bed, inside, "/volume ");
	look_mounted(bed, "/proc/keys", "/null ");
}

static void destination_below_a_link_to_the_host_stays_inside(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	bed_symlink(bed, bed_path(bed, "out", path), "rootfs/lnk");
	bed->look = look_linked_volume;
	bed_run(bed, BIND("/lnk/a/b", "volume"), "\"maskedPaths\":[\"/proc/keys\"]");
	bed_assert_ok(bed);
	bed_assert_outside_untouched(bed);
}

static void look_shadowed(struct bed *bed)
{
	look_mounted(bed, "/tmp", " - tmpfs second ");
	look_mounted(bed, "/tmp/in", "/volume ");
	look_text(bed, "/tmp/in/file", "volume\n");
	look_text(bed, "/alias/in/file", "volume\n");
}

/* /alias leads to /tmp: what is listed later for /tmp must go into what covers it now. */
static void mount_through_an_alias_covers_what_was_there(void **state)
{
	static const char *const mounts[] = {MOUNT("/tmp", "tmpfs", "first", ""),
	                                     MOUNT("/alias", "tmpfs", "second", ""),
	                                     BIND("/tmp/in", "volume"), NULL};
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed_symlink(bed, "tmp", "rootfs/alias");
	bed->look = look_shadowed;
	bed_run_list(bed, mounts, "");
	bed_assert_ok(bed);
}

static void nothing_is_mounted_inside_proc(void **state)
{
	static const char *const refused[] = {
		BIND("/proc/self/attr", "volume"),
		MOUNT("/proc/self/attr", "tmpfs", "t", ""),
		BIND("/proc/sys/kernel", "volume"),
		BIND("/proc/./sysrq-trigger", "volume/file"),
		BIND("/tmp/../proc/self", "volume"),
		BIND("/proc/cpuinfo/x", "volume/file"),
		BIND("/proc", "volume"),
		MOUNT("/proc", "tmpfs", "t", ""),
		MOUNT("/proc", "bind", "/proc/self", "\"bind\""),
		MOUNT("/proc", "proc", "volume", "\"bind\""),
	};
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		bed_run(bed, refused[i], "");
		if (strcmp(bed->report->step, "prepare") != 0)
			fail_msg("%s: step \"%s\": %s", refused[i], bed->report->step,
			         bed->report->error.text);
	}
}

static void look_lxcfs(struct bed *bed)
{
	look_text(bed, "/proc/uptime", "volume\n");
	look_mounted(bed, "/proc/uptime", "/volume/file ");
}

static void files_of_lxcfs_and_whole_procfs_are_let_through(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed->look = look_lxcfs;
	bed_run(bed, BED_PROC "," BIND("/proc/uptime", "volume/file"), "");
	bed_assert_ok(bed);
	bed->look = NULL;
	bed_run(bed, MOUNT("/proc", "bind", "/proc", "\"rbind\""), "");
	bed_assert_ok(bed);
}

static void link_into_proc_is_refused(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	bed_symlink(bed, "/proc/self/attr", "rootfs/vol");
	bed_run(bed, BIND("/vol", "volume"), "");
	bed_assert_failed(bed, "mounts", "mount /vol: the destination is a link into a procfs");
	bed_remove(bed, "rootfs/vol");
	bed_symlink(bed, "/proc", "rootfs/vol");
	bed_run(bed, MOUNT("/vol", "tmpfs", "t", ""), "");
	bed_assert_failed(bed, "mounts", "mount /vol: the destination is a link into a procfs");
	bed_run(bed, MOUNT("/vol/sys/kernel", "tmpfs", "t", ""), "");
	bed_assert_failed(bed, "mounts", "the destination is a link into a procfs");
}

static void look_fifo(struct bed *bed)
{
	look_text(bed, "/etc/fifo", "volume\n");
}

static void fifo_as_a_target_does_not_wait(void **state)
{
	struct bed *bed = *state;
	char path[256];

	BED_NEEDS_ROOT();
	assert_int_equal(mkfifo(bed_path(bed, "rootfs/etc/fifo", path), 0644), 0);
	bed->look = look_fifo;
	bed_run(bed, BIND("/etc/fifo", "volume/file"), "");
	bed_assert_ok(bed);
	bed_run(bed, MOUNT("/etc/fifo", "tmpfs", "t", ""), "");
	bed_assert_failed(bed, "mounts", "not both directories");
}

static void chain_of_links_as_a_target_is_an_error(void **state)
{
	struct bed *bed = *state;

	BED_NEEDS_ROOT();
	for (int i = 0; i < 42; i++) {
		char name[64], target[64];

		(void)snprintf(name, sizeof(name), "rootfs/l%d", i);
		(void)snprintf(target, sizeof(target), "l%d", i + 1);
		bed_symlink(bed, target, name);
	}
	bed_run(bed, BIND("/l0", "volume"), "");
	bed_assert_failed(bed, "mounts", "mount /l0: open the destination: Too many levels");
	bed_run(bed, BIND("/l0/below", "volume"), "");
	bed_assert_failed(bed, "mounts", "Too many levels");
}

/* A neighbour that shares volume and root exchanges directories and links to the host, for ever. */
static void exchange_for_ever(struct bed *bed)
{
	char dir[256], link[256], own_dir[256], own_link[256];

	(void)bed_path(bed, "volume/sub", dir);
	(void)bed_path(bed, "volume/evil", link);
	(void)bed_path(bed, "rootfs/x", own_dir);
	(void)bed_path(bed, "rootfs/evil", own_link);
	for (;;) {
		(void)renameat2(AT_FDCWD, dir, AT_FDCWD, link, RENAME_EXCHANGE);
		(void)renameat2(AT_FDCWD, own_dir, AT_FDCWD, own_link, RENAME_EXCHANGE);
	}
}

static void assert_nothing_made_outside(struct bed *bed)
{
	static const char *const names[] = {"out/a", "out/b", "out/n", "out/null"};
	struct stat st;
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(stat(bed_path(bed, names[i], path), &st), -1);
}

static void target_that_is_exchanged_meanwhile_stays_inside(void **state)
{
	static const char *const mounts[] = {BIND("/data", "volume"),
	                                     BIND("/data/sub/a", "out2"),
	                                     BIND("/data/sub/b/c", "out2"),
	                                     MOUNT("/x", "tmpfs", "t", ""),
	                                     BIND("/x/n/m", "volume/file"),
	                                     MOUNT("/data/sub", "tmpfs", "t", ""),
	                                     NULL};
	static const char more[] =
		"\"maskedPaths\":[\"/x/marker\",\"/data/sub/marker\"],"
		"\"readonlyPaths\":[\"/data/sub\"],\"devices\":[{\"path\":\"/data/sub/null\","
		"\"type\":\"c\",\"major\":1,\"minor\":3}]";
	struct bed *bed = *state;
	int succeeded = 0;
	char path[256];
	pid_t neighbour;

	BED_NEEDS_ROOT();
	bed_mkdir(bed, "out2");
	bed_mkdir(bed, "rootfs/x");
	bed_symlink(bed, bed_path(bed, "out", path), "volume/evil");
	bed_symlink(bed, bed_path(bed, "out", path), "rootfs/evil");
	neighbour = fork();
	assert_true(neighbour >= 0);
	if (!neighbour)
		exchange_for_ever(bed);
	for (int i = 0; i < 300; i++) {
		bed_run_list(bed, mounts, more); /* may fail; must not lead out */
		succeeded += !*bed->report->step;
		if (*bed->report->text)
			fail_msg("%s", bed->report->text);
		assert_nothing_made_outside(bed);
	}
	assert_int_equal(kill(neighbour, SIGKILL), 0);
	assert_int_equal(waitpid(neighbour, NULL, 0), neighbour);
	print_message("%d of 300 containers were made\n", succeeded);
	bed_assert_outside_untouched(bed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bed_begin, bed_end)
	const struct CMUnitTest tests[] = {
		TEST(special_directories_that_are_links_are_refused),
		TEST(destination_below_a_link_to_the_host_stays_inside),
		TEST(mount_through_an_alias_covers_what_was_there),
		TEST(nothing_is_mounted_inside_proc),
		TEST(files_of_lxcfs_and_whole_procfs_are_let_through),
		TEST(link_into_proc_is_refused),
		TEST(fifo_as_a_target_does_not_wait),
		TEST(chain_of_links_as_a_target_is_an_error),
		TEST(target_that_is_exchanged_meanwhile_stays_inside),
	};

	return cmocka_run_group_tests_name("rootfs/place", tests, NULL, NULL);
}
